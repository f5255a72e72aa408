/// Where a hop stands in the route of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Position {
    /// The inner tunnel of two, to the proxy of the destination in the other network.
    Inner,
    /// The outer tunnel of two, to the east-west gateway of another network.
    Outer,
    /// The only tunnel, to the proxy of the destination.
    Single,
    /// The only tunnel, to the waypoint of the destination.
    ToWaypoint,
}
