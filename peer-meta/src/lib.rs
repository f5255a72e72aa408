//! Who is at the other end: Istio's peer metadata exchange as a state machine without IO.
//!
//! The two ends of an HBONE tunnel tell each other their workload in the `baggage` header, on the CONNECT request and on the
//! answer to it. This crate holds the rules of that exchange: what to tell at each place of a mesh, what to believe of what
//! is told, when each party is known, and which metric labels come out.
//!
//! ```text
//!  Own ──> request_baggage ──────────────> handle_request ──┐
//!            Exchange (source)               Exchange (destination) ──> Discovery ──> Peer ──> Report ──> TcpLabels
//!          handle_response <──────────── response_baggage <── Own
//! ```
//!
//! One [`Exchange`] stands for one tunnel, or one request inside a waypoint. The caller reports what happens, answers the
//! lookups that it asks for, and wakes it at its deadline:
//!
//! ```
//! # use std::{net::IpAddr, sync::Arc, time::Instant};
//! use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
//! use peer_meta::labels::{LabelDialect, Report, TcpLabels};
//! use peer_meta::{Exchange, ExchangeConfig, Hop, Own, Role, Target};
//!
//! # fn run(now: Instant, spiffe_id: Arc<spiffe::SpiffeId>, answer: http::HeaderMap) {
//! let attributes = PeerAttributes::builder()
//!     .namespace("shop")
//!     .workload(WorkloadKind::Deployment, "client-v1")
//!     .build();
//! let own = Arc::new(Own::new(attributes, Dialect::Ztunnel, "network-a"));
//!
//! let mut exchange = Exchange::new(Role::SourceNodeProxy, &ExchangeConfig::new(), own, now);
//! exchange.dial(Target::OtherNetwork, now);
//! let _header = exchange.request_baggage(Hop::Inner);
//! exchange.handle_connected(Hop::Inner, Some(spiffe_id));
//! exchange.handle_response(Hop::Inner, answer.get_all("baggage"));
//! assert!(exchange.is_settled());
//! for (name, value) in TcpLabels::new(&Report::of(&exchange), LabelDialect::Ztunnel).iter() {
//!     println!("{name}={value}");
//! }
//! # }
//! # let answer = http::HeaderMap::from_iter([(
//! #     http::HeaderName::from_static("baggage"),
//! #     http::HeaderValue::from_static("k8s.pod.name=server"),
//! # )]);
//! # #[expect(clippy::disallowed_methods, reason = "an epoch")]
//! # run(Instant::now(), Arc::new(spiffe::SpiffeId::new("spiffe://td/ns/a/sa/b").unwrap()), answer);
//! ```
//!
//! # What is believed
//!
//! - [`Peer::identity`] is what TLS proved, and nothing else can set it.
//! - What a peer says of itself is a [`Claimed`]; nothing that decides access takes one.
//! - A directory entry beats a claim, if it is of our own network. `x-forwarded-network` from another network turns the
//!   directory off, because the address is then a gateway's, or that of some other pod with the same address here.
//! - The answer of a gateway on an outer tunnel never labels the destination behind it.
//! - An explicit `unknown` is better than a wrong guess: fields of two sources are never mixed.
//!
//! # What it does not do
//!
//! It opens nothing, keeps no clock, logs nothing, and decides no access. It does not know HTTP/2 or TLS, and has no metrics
//! library: label sets are lists of names and values.
//!
//! # Features
//!
//! - `legacy`: the carriers of the sidecar era and inside Envoy: `x-envoy-peer-metadata`, the exchange agreed on by ALPN, the
//!   in-process preamble, endpoint metadata; for those who read captures or sit inside Envoy. Nothing of it is ever sent by
//!   an [`Exchange`].
//!
//! # Specification
//!
//! Numbers such as `HBONE-T-009` are those of the requirements in `docs/SPEC.md` of the repository, which the item that names one
//! fulfils.

mod attributes;
mod claimed;
mod destination_service;
mod directory_entry;
mod discovery;
mod exchange;
mod exchange_config;
mod extra_labels;
mod hop;
mod message;
mod method;
mod own;
mod party;
mod peer;
mod place;
mod provenance;
mod role;
mod side;
mod strip;
mod target;

pub mod labels;
#[cfg(feature = "legacy")]
pub mod legacy;

pub use attributes::Attributes;
pub use claimed::Claimed;
pub use destination_service::DestinationService;
pub use directory_entry::DirectoryEntry;
pub use discovery::Discovery;
pub use exchange::Exchange;
pub use exchange_config::ExchangeConfig;
pub use extra_labels::ExtraLabels;
pub use hop::Hop;
pub use message::Message;
pub use method::{Carrier, Method};
pub use own::Own;
pub use peer::Peer;
pub use place::Place;
pub use provenance::{Origin, Provenance};
pub use role::Role;
pub use side::Side;
pub use strip::stripped;
pub use target::Target;
