//! The east-west gateway as a process of its own: clients, endpoints and its files around it.

mod authority;
mod conformance;
mod draining;
mod endpoint;
mod faults;
mod flags;
mod opaque;
mod process;
mod source;
mod spread;
mod two_networks;
mod world;
