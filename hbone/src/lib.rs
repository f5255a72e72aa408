//! Everything that decides in HBONE, the tunnel of Istio's ambient mesh, as pure code without IO.
//!
//! HBONE is an HTTP/2 CONNECT (RFC 9113 section 8.5) over mutual TLS with SPIFFE identities, on port 15008. *Double* HBONE is
//! one such tunnel inside another, through an east-west gateway, to reach another network.
//!
//! ```text
//!  to open a tunnel                                      to serve one
//!
//!  mesh::plan ─> Plan ─> Route ─> Dial ──> Pool          head ─> Connect ─> Serve ──> DestinationPolicy
//!                                  │  └──> Establish                          │  └──> mesh::{Local, forward, fronted}
//!                                  └─────> Request                            └─────> Accept or Reject
//!
//!  while it is open, on either side:  Lifecycle, Keepalive, Drain
//! ```
//!
//! - **What is said**: [`Connect`], [`Accept`] and [`Reject`] to and from the heads of the [`http`] crate; [`Authority`], one
//!   parser for policy and dialler; [`Profile`], who says what on which hop.
//! - **Who it is**: [`Identity`], [`ExpectedIdentities`].
//! - **What is allowed**: [`policy`], deny by default; only a [`policy::Checked`] address can be dialled for a peer;
//!   [`authorization`], what the mesh's own policies let in.
//! - **Where to**: [`mesh`], [`Route`].
//! - **How**: the machines [`Dial`], [`Establish`], [`Request`], [`Serve`], [`Lifecycle`], [`Keepalive`], [`Drain`] and
//!   [`pool::Pool`].
//!
//! # The machines
//!
//! All have the same shape. Getters take `&self`; `handle_*` say what has happened; commands say what the caller wants;
//! `poll_*` give what to do next, until `None`. Time is an argument: `poll_timeout` says when to call `handle_timeout`, which
//! is harmless if early or repeated. No event of a peer can make them fail: [`ApiMisuse`] is for the caller's own mistakes.
//!
//! ```
//! use hbone::{Accept, AcceptedStatus, Connect, ConnectOptions, HeaderValues, Reject};
//! use http::HeaderValue;
//!
//! // A client's request ...
//! let mut connect = Connect::new("10.0.0.2:8080".parse()?);
//! connect.baggage = HeaderValues::from_iter([HeaderValue::from_static("k8s.pod.name=web")]);
//! let (head, ()) = connect.to_request().into_parts();
//!
//! // ... as the server reads it, and its answer ...
//! let read = Connect::from_parts(&head, ConnectOptions::new())?;
//! assert_eq!(read, connect);
//! let (head, ()) = Accept::new(HeaderValues::new()).to_response().into_parts();
//!
//! // ... as the client reads that.
//! assert!(Accept::from_parts(&head, AcceptedStatus::Only200).is_ok());
//! assert_eq!(Reject::NotConnect.status(), 405);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does not do
//!
//! It opens no socket, reads no clock, draws no random number, starts no task and logs nothing; it knows no TLS and no HTTP/2
//! frame. `tokio-hbone` carries out what is decided here. It does not read `baggage` either: that is for `peer-meta`.
//!
//! # Specification
//!
//! Numbers such as `HBONE-T-009` are those of the requirements in `docs/SPEC.md` of the repository, which the item that names one
//! fulfils.

mod accept;
mod api_misuse;
mod authority;
pub mod authorization;
mod connect;
mod dial;
mod drain;
mod establish;
pub mod forwarded;
mod header_values;
mod hostname;
mod identity;
mod keepalive;
mod lifecycle;
pub mod mesh;
mod net;
mod network;
pub mod policy;
pub mod pool;
mod profile;
mod reason;
mod reject;
mod request;
mod route;
mod serve;
mod source;
mod traceparent;

pub use spiffe::{SpiffeId, TrustDomain};

pub use accept::{Accept, AcceptedStatus, Refused};
pub use api_misuse::ApiMisuse;
pub use authority::{Authority, AuthorityError};
pub use connect::{Connect, ConnectOptions, PORT, Unread, UnreadReason};
pub use dial::{Dial, DialAction, DialCause, DialError, DialLimits};
pub use drain::{Admission, Drain, DrainAction, DrainConfig, DrainEnd, LateStreams};
pub use establish::{
    Alert, CertificateFault, Establish, EstablishError, Established, LinkFailure,
    PeerIdentityFault, Stage, Timeouts,
};
pub use forwarded::Forwarded;
pub use header_values::HeaderValues;
pub use hostname::{Hostname, HostnameError};
pub use identity::{
    Expected, ExpectedIdentities, Identity, IdentityError, IdentityMismatch, TrustDomains,
};
pub use keepalive::{Keepalive, KeepaliveAction, KeepaliveConfig};
pub use lifecycle::{
    Cut, Half, HalfClose, Lifecycle, Loss, Role, SocketAction, StreamAction, TunnelError,
};
pub use network::{Network, NetworkError};
pub use profile::{Position, Profile, Telling};
pub use reason::Reason;
pub use reject::{Answer, DenyStatus, Reject};
pub use request::{Request, RequestAction, RequestError, RequestLimits};
pub use route::{Hop, Route};
pub use serve::{
    Attempt, ConnectFailure, Lookup, ResetBudget, Serve, ServeAction, ServeConfig, ServeEnd,
};
pub use source::{IstioSource, UnknownSource};
pub use traceparent::{Traceparent, TraceparentError};
