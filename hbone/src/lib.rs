//! The crate is being laid out.

mod accept;
mod api_misuse;
mod authority;
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
pub use serve::{Attempt, ConnectFailure, Lookup, Serve, ServeAction, ServeConfig, ServeEnd};
pub use source::{IstioSource, UnknownSource};
pub use traceparent::{Traceparent, TraceparentError};
