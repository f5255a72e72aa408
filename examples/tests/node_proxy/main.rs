//! node-proxy as its users run it: processes on loopback addresses, each test with a network of its own.

mod applications;
mod broken;
mod carrying;
mod certificates;
mod draining;
mod local_configuration;
mod malformed;
mod policies;
mod refusals;
mod running;
mod socks;
mod world;
