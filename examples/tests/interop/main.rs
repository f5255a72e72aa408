//! Independent peers at the other end: Envoy and Node.js. The configurations under `peers/` are plain Envoy and plain
//! `node:http2`; what they do that HBONE does not ask for is written next to the test that meets it.
//!
//! Envoy is looked for in `$ENVOY`, Node.js on the path. A peer that is not there is skipped by name, or fails the test if
//! `HBONE_REQUIRE_PEERS` is set, as the gate does.

mod application;
mod available;
mod command_line;
mod eastwest;
mod envoy;
mod node;
mod node_proxy;
mod ours;
mod pki;
mod process;
