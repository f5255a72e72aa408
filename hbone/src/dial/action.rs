use super::DialError;

/// What the caller has to do for a [`Dial`](super::Dial). Levels count from 0 at the outermost hop.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialAction {
    /// Stop what was asked for at this level, and drop what came of the levels above it.
    Abandon {
        /// The level that was being worked on.
        level: usize,
    },
    /// Look for a connection, made earlier, to the peer of this level.
    Checkout {
        /// Whose peer.
        level: usize,
        /// Not the connection that this walk used at this level before.
        elsewhere: bool,
    },
    /// The walk is over, once.
    Ended(Result<(), DialError>),
    /// Make a connection to the peer of this level: by TCP at level 0, otherwise inside the tunnel that the level above
    /// has just opened.
    Establish {
        /// Whose peer.
        level: usize,
    },
    /// Send this level's CONNECT on the connection to its peer.
    Request {
        /// Which CONNECT.
        level: usize,
    },
}
