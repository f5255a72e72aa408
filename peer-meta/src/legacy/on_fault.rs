/// What to do about metadata that was begun and is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFault {
    /// An error: the connection is no good.
    Fail,
    /// As Envoy does: no peer was found, and what was not read as metadata goes to the application.
    #[default]
    PassThrough,
}
