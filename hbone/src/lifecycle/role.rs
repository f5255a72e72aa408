/// Which end of the CONNECT we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a CONNECT has two ends")]
pub enum Role {
    /// We sent the CONNECT.
    Client,
    /// We answered it.
    Server,
}
