use std::time::Duration;

use crate::AcceptedStatus;

/// What a peer may do before it answers a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestLimits {
    /// Which final status opens the tunnel.
    pub accepted: AcceptedStatus,
    /// How many informational (1xx) responses may come before the final one (RFC 9110 section 15.2).
    pub informational: u8,
    /// How long the final response may take. The peer connects upstream before it answers, so this is longer than its
    /// own connect timeout should be.
    pub response: Duration,
}

impl Default for RequestLimits {
    /// Status 200 only, 16 informational responses, 15 seconds.
    fn default() -> Self {
        Self {
            accepted: AcceptedStatus::default(),
            informational: 16,
            response: Duration::from_secs(15),
        }
    }
}
