use std::time::Instant;

/// The instant at which every virtual clock of these tests starts: the one place that reads the real one, since there is
/// no other way to come by an `Instant`.
#[expect(
    clippy::disallowed_methods,
    reason = "virtual time has to start somewhere"
)]
pub(crate) fn epoch() -> Instant {
    Instant::now()
}
