/// How the serving of a CONNECT ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServeEnd {
    /// With 200.
    Accepted,
    /// With another status, or a reset of ours.
    Rejected,
    /// The peer went first.
    Abandoned,
}
