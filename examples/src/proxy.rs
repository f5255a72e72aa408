//! What every proxy of this package has in common: its flags and environment, how it starts, how it drains.
//!
//! ```text
//! Options ──> Proxy::start ──> mesh file, certificates, /metrics, /healthz/ready
//!               │
//!               ├── pool(), acceptor(), listen()
//!               └── until_drain(), drained(): ready, then what Control says: reload, drain
//! ```
//!
//! What is of the process is apart from the proxy: its arguments and environment ([`parse_only`] leaves the latter out), its log
//! ([`start_logging`]), its signals ([`Control`]). So one process may have many proxies; the programs are: parse, [`run`].

mod ambient_baggage;
mod arguments;
mod connections;
mod control;
mod counted_flag;
mod dial;
mod duration;
mod environment;
mod exit;
mod handshake_failed;
mod listen;
mod log_writer;
mod logging;
mod lookups;
mod named;
mod options;
mod own_certificate;
mod runtime;
mod socket_options;
mod source_address;
mod start_error;
mod start_runtime;
mod trace;

pub use ambient_baggage::AmbientBaggage;
pub use arguments::parse_only;
pub use connections::{Admitted, Connections};
pub use control::{Control, Stop};
pub use counted_flag::{flag_of_dial, flag_of_handshake, flag_of_reject};
pub use dial::{Dialled, dial};
pub use duration::{DurationError, PatienceError, parse_duration, parse_patience};
pub use environment::Environment;
pub use exit::{EXIT_CODES, run};
pub use handshake_failed::handshake_failed;
pub use listen::{AddressError, Listen, ListenError, parse_address};
pub use logging::{Log, start_logging};
pub use lookups::answer_lookups;
pub(crate) use named::named;
pub use options::{CaFile, CaFileError, Options};
pub use runtime::Proxy;
pub use socket_options::{close_is_reset, tune};
pub use source_address::connect_from;
pub use start_error::StartError;
pub use start_runtime::start_runtime;
pub use trace::Chance;
