//! The pool with real connections: many walks, few handshakes. The peers are ours or scripted, behind in-memory pipes, with the
//! clock stopped. Numbers in brackets are the rows of `docs/faults.md`.

mod network;
#[path = "../wire/support/mod.rs"]
mod support;

mod cancelling;
mod double;
mod ending;
mod extremes;
mod keys;
mod limits;
mod mixed;
mod retries;
mod runtimes;
mod storms;
mod threads;
