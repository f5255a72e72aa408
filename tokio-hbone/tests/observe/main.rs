//! What an observer is told and a snapshot shows, at either end.

#[path = "../wire/support/mod.rs"]
mod support;

mod connections;
mod recorder;
mod tunnels;
