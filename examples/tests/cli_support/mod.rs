//! What the tests of the command line are made of: processes, certificates, applications, and a client that speaks HTTP/2 by
//! hand.
#![allow(
    dead_code,
    reason = "each of the test binaries that share it uses a part"
)]

pub(crate) mod application;
pub(crate) mod frame;
pub(crate) mod noise;
pub(crate) mod pki;
pub(crate) mod process;
pub(crate) mod raw;

use std::time::{Duration, Instant};

/// How long anything may take before it counts as stuck; these machines are slow at times.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
