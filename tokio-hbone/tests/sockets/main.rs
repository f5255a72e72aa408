//! Faults that only real sockets, processes and links have. Each test has processes of its own where it counts what they hold,
//! and network namespaces of its own that end with them. Where the rights for those are missing, a test says that it is skipped.
//! Numbers in brackets are the rows of `docs/faults.md`.

#[path = "../wire/support/mod.rs"]
mod support;

mod downloads;
mod halves;
mod handed;
mod links;
mod loops;
mod memory;
mod peer;
mod pings;
mod process;
mod silence;
mod stopped_asking;
mod stopping;
