/// The position of one CONNECT on the way to the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hop {
    /// Inside an outer tunnel: ends at the destination's side, in the other network.
    Inner,
    /// To the gateway of another network; carries the inner hop.
    Outer,
    /// The only one.
    Single,
}
