//! The live page: who talks to whom, as the proxies' own metrics have it, and switches that change it.
//!
//! ```text
//!  Picture (what there is) ──┐
//!  Switches (what is wanted) ┼──> Server ──> page
//!  Seen (what hops carried) ─┘       ^
//!  /metrics of each proxy ── Scraper ┘
//! ```

mod answer;
mod counts;
mod graph;
mod guard;
mod page;
mod picture;
mod scraper;
mod seen;
mod server;
mod state;
mod switches;
mod traffic;
mod way;

pub(crate) use picture::{Cluster, Endpoint, Network, Picture, Proxy, ProxyKind, Workload};
pub(crate) use seen::{Hop, Seen, Side};
pub(crate) use server::serve;
pub(crate) use switches::{Condition, Switches};
