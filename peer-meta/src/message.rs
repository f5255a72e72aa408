/// What a header belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Message {
    /// A request or response of the application, inside a tunnel or before one.
    Application,
    /// A CONNECT request, or the answer to one.
    Connect,
}
