//! The layer-7 part that `waypoint` and `ingress-gateway` share: HTTP/1.1 and HTTP/2 in, requests balanced one by one, HTTP inside of
//! tunnels out.
//!
//! ```text
//!  socket or tunnel ──> sniff ──> serve ──> Forwarder ─────────────────────────────────┐ one request
//!                        │ TCP?              │ screen: refuse or clean                 │
//!                        └ the caller's      │ Routing: whose host is it?              v
//!                                            │ Balancer ──> Destination ──> Lane ──> connection
//!                                            │  one turn     an endpoint,    where one    HTTP/1.1 or HTTP/2
//!                                            │  a request    or a network    inner tunnel
//!                                            └ Account: metrics and log      leads
//! ```
//!
//! An endpoint of our own network is a destination with one lane. Another network is a destination, too, in which its gateway chooses the
//! endpoint of each inner tunnel; so it has several lanes, which take turns and are replaced after some requests. What answers in the
//! tunnel tells who served a request.

mod account;
mod answered;
mod balancer;
mod body;
mod busy;
mod call;
mod client;
mod connection;
mod destination;
mod download;
mod drain;
mod expectation;
mod fault;
mod forwarder;
mod heads;
mod homeward;
mod hop_by_hop;
mod hops;
mod host;
mod interim;
mod lane;
mod limits;
mod lost;
mod meant;
mod onward;
mod outer_hop;
mod outside;
mod own_words;
mod patience;
mod progress;
mod protocol;
mod rate;
mod refusal;
mod response_flag;
mod response_timeout;
mod ring;
mod screen;
mod serving;
mod sniffed;
mod stream;
mod unread;
mod upgrade;
mod upload;

pub use balancer::Balancer;
pub use body::Body;
pub use client::Client;
pub use drain::Drain;
pub use fault::Fault;
pub use forwarder::Forwarder;
pub use host::{Host, HostError};
pub use limits::Limits;
pub use meant::{Meant, Routing};
pub use outside::Outside;
pub use protocol::Protocol;
pub use refusal::Refusal;
pub use response_flag::ResponseFlag;
pub use response_timeout::{ResponseTimeout, ResponseTimeoutError};
pub use serving::serve;
pub(crate) use serving::turn_away;
pub use sniffed::{Sniffed, sniff};
pub use stream::carry;
