//! The server's side: what it accepts, how it ends things, and what hostile clients can make it do. Over in-memory pipes
//! with the clock stopped where no socket is needed. Numbers in brackets are the rows of `docs/faults.md`.

#[path = "../wire/support/mod.rs"]
mod support;

mod accepting;
mod cancelling;
mod cutting;
mod descriptors;
mod drain;
mod drain_odds;
mod driven;
mod extremes;
mod floods;
mod keepalive;
mod pipes;
mod relay;
mod service;
mod threads;
