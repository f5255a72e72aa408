//! Two networks with overlapping pod addresses, each process in a network namespace of its own.
//!
//! ```text
//!  network north                    between them                  network south
//!  client 10.1.0.5 ──── router (masquerades) 192.0.2.1 ──── 192.0.2.2 gateway 10.1.0.1 ──── 10.1.0.5 server
//!  waypoint 10.1.0.7 ─────┘                                                       └──────── 10.1.0.6 server
//! ```
//!
//! It takes root, `ip` and `iptables`. Without them it is skipped, or fails if `HBONE_REQUIRE_PEERS` is 1.

#[path = "../node_proxy/applications.rs"]
mod applications;
#[path = "../node_proxy/running.rs"]
mod running;
#[path = "../node_proxy/socks.rs"]
mod socks;

mod flow;
mod knowing;
mod namespaces;
mod restarts;
mod topology;
mod waypoint;
