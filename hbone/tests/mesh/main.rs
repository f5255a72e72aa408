//! The mesh: what is planned, which endpoint is chosen, what a CONNECT asks for. One mesh of two networks answers all
//! of it. Numbers in brackets are rows of docs/routing.md.

mod choice;
mod every_way;
mod inbound;
mod planning;
mod properties;
mod snapshot;
mod turns;
mod two_networks;
