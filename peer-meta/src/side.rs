/// One of the two parties that a proxy stands between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Side {
    /// Whoever connected to us.
    Downstream,
    /// Whoever we connect to.
    Upstream,
}
