//! What the tests are made of: a PKI, both our ends, a scripted peer, and the places on a route where one can stand.
#![allow(
    dead_code,
    reason = "each of the test binaries that share it uses a part"
)]

pub(crate) mod cut;
pub(crate) mod ends;
pub(crate) mod frame;
pub(crate) mod io;
pub(crate) mod noise;
pub(crate) mod ordering_io;
pub(crate) mod pki;
pub(crate) mod place;
pub(crate) mod raw;
pub(crate) mod script_tls;
pub(crate) mod torn_io;

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;

/// Waits for what must happen without anybody's deadline. The clock is stopped in most tests, so that this costs nothing
/// where it does not happen either.
#[track_caller]
pub(crate) fn soon<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(Duration::from_secs(600), work).await {
            Ok(done) => done,
            Err(_) => panic!("nothing happens any more at {caller}"),
        }
    }
}

/// How many tasks there are.
pub(crate) fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits until there are no more tasks than there were `before`.
#[track_caller]
pub(crate) fn tasks_end(before: usize) -> impl Future<Output = ()> {
    soon(async move {
        while tasks() > before {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
}
