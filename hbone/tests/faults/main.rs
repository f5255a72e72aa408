//! The faults of docs/faults.md that can be told without bytes, each against the machines that have to survive it. Numbers in
//! brackets are rows there.

#[path = "../world/mod.rs"]
mod world;

mod answers;
mod at_random;
mod cancelling;
mod double_hbone;
mod draining;
mod establishing;
mod machines;
mod pooling;
mod serving;
mod tunnels;
