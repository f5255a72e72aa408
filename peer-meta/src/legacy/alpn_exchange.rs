use std::time::Instant;

use prost_types::Struct;

use super::framing::{HEADER, Header, write};
use super::structure::{any, check_size, get_struct, put, put_struct, struct_in_any};
use super::{Case, FramingError, Metadata, OnFault, Outcome, ReadConfig, Received};
use crate::Claimed;

/// The exchange at the very start of a TCP stream between two sidecars, agreed on by ALPN: each side writes once and reads
/// once. 4 bytes magic, 4 bytes size, an Any with a Struct that holds the upper-case Struct.
///
/// | event | outcome | bytes |
/// |---|---|---|
/// | another ALPN | not found | the application's |
/// | less than a header, so far like one | waiting | held |
/// | less than a header, and the end | silent | the application's; [`OnFault::Fail`]: an error |
/// | something else, at its first byte | not found | the application's; [`OnFault::Fail`]: an error |
/// | size over the limit | not found | 8 skipped; [`OnFault::Fail`]: an error |
/// | incomplete | waiting | held |
/// | incomplete, and the end | not found | 8 skipped; [`OnFault::Fail`]: an error |
/// | whole, but no Struct | not found | 8 skipped; [`OnFault::Fail`]: an error |
/// | whole, without the metadata | silent | skipped |
/// | whole | found | skipped |
/// | whole, after giving up | not found | skipped |
///
/// Envoy waits for the rest of an incomplete body even at the end of the stream, and for a body of any size; this does not.
#[derive(Clone, Debug)]
pub struct AlpnExchange {
    config: ReadConfig,
    deadline: Option<Instant>,
    /// Nobody waits for the outcome any more.
    given_up: bool,
    on_fault: OnFault,
    own: Vec<u8>,
    state: State,
    unsent: bool,
}

#[derive(Clone, Debug)]
enum State {
    Found(Box<Claimed<Metadata>>),
    NotFound {
        /// What of the bytes held is not the application's; dropped once.
        skip: usize,
    },
    Reading {
        /// Some of it has come.
        begun: bool,
        /// The header was seen, and so is not the application's.
        header: bool,
    },
    Silent,
    /// It is not known yet whether the exchange was agreed on.
    Undecided,
}

/// What both sides offer in ALPN when they want to exchange metadata.
const ALPN: &[u8] = b"istio-peer-exchange";
const MAGIC: [u8; 4] = 0x3D23_0467_u32.to_be_bytes();
const METADATA: &str = "x-envoy-peer-metadata";
const METADATA_ID: &str = "x-envoy-peer-metadata-id";

impl AlpnExchange {
    /// Tells `own`, and the id of the proxy (may be empty); gives up waiting for the peer at `deadline` (`None`: never).
    pub fn new(
        own: &Metadata,
        id: &str,
        on_fault: OnFault,
        config: ReadConfig,
        deadline: Option<Instant>,
    ) -> Self {
        let mut fields = Struct::default();
        put_struct(&mut fields, METADATA, Case::Upper.to_struct(own));
        put(&mut fields, METADATA_ID, Some(id));
        Self {
            config,
            deadline,
            given_up: false,
            on_fault,
            own: any(&fields),
            state: State::Undecided,
            unsent: false,
        }
    }

    /// What was found.
    pub const fn outcome(&self) -> Outcome<'_> {
        match &self.state {
            State::Found(metadata) => Outcome::Found(metadata),
            State::NotFound { .. } => Outcome::NotFound,
            State::Reading { .. } | State::Undecided if self.given_up => Outcome::NotFound,
            State::Reading { .. } | State::Undecided => Outcome::Waiting,
            State::Silent => Outcome::Silent,
        }
    }

    /// TLS has come to this ALPN protocol, or to none.
    pub fn handle_alpn(&mut self, agreed: Option<&[u8]>) {
        if !matches!(self.state, State::Undecided) {
            return;
        }
        if agreed == Some(ALPN) {
            self.unsent = true;
            self.state = State::Reading {
                begun: false,
                header: false,
            };
        } else {
            self.state = State::NotFound { skip: 0 };
        }
    }

    /// Bytes came from the peer: all that are held, and what is new. `end`: no more will come. Before
    /// [`handle_alpn`](Self::handle_alpn) nothing was agreed on, and so they are the application's.
    pub fn handle_data(&mut self, offered: &[u8], end: bool) -> Result<Received, FramingError> {
        match &mut self.state {
            State::Reading { .. } => {}
            State::Undecided => return Ok(self.not_found(0)),
            State::NotFound { skip } => {
                return Ok(Received::Pass {
                    skip: std::mem::take(skip),
                });
            }
            State::Found(_) | State::Silent => return Ok(Received::Pass { skip: 0 }),
        }
        let size = match Header::parse(offered, MAGIC, u32::from_be_bytes) {
            Header::Other => return self.fault(FramingError::Magic, 0),
            Header::Partial if !end => {
                self.state = State::Reading {
                    begun: !offered.is_empty(),
                    header: false,
                };
                return Ok(Received::Hold);
            }
            Header::Partial => return self.ended_early(offered),
            Header::Size(size) => size,
        };
        self.state = State::Reading {
            begun: true,
            header: true,
        };
        if let Err(error) = check_size(size, &self.config) {
            return self.fault(error.into(), HEADER);
        }
        let Some(body) = offered.get(HEADER..).and_then(|rest| rest.get(..size)) else {
            if end {
                return self.fault(FramingError::Truncated, HEADER);
            }
            return Ok(Received::Hold);
        };
        let fields = match struct_in_any(body, &self.config) {
            Ok(fields) => fields,
            Err(error) => return self.fault(error.into(), HEADER),
        };
        self.state = match get_struct(&fields, METADATA) {
            _ if self.given_up => State::NotFound { skip: 0 },
            Some(inner) => State::Found(Box::new(Case::Upper.of_struct(inner, &self.config))),
            None => State::Silent,
        };
        Ok(Received::Pass {
            skip: HEADER + body.len(),
        })
    }

    /// Gives up: nothing is to be waited for. What is held is the application's, but for a header. If nothing has come at all,
    /// the exchange still takes place: we tell, and what the peer tells late is taken out of the stream, and tells nothing
    /// any more.
    ///
    /// What the peer then begins is held without a deadline: whoever will not wait for the rest of it calls this again.
    pub fn handle_given_up(&mut self) {
        match self.state {
            State::Reading {
                begun: true,
                header,
            } => {
                let skip = if header { HEADER } else { 0 };
                self.state = State::NotFound { skip };
            }
            State::Reading { begun: false, .. } | State::Undecided => self.given_up = true,
            State::Found(_) | State::NotFound { .. } | State::Silent => {}
        }
    }

    /// Gives up if the deadline has passed; harmless if early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|deadline| now >= deadline) {
            self.handle_given_up();
        }
    }

    /// Appends what is to be sent before anything else, once, if the exchange was agreed on. It is to be sent at once, whether
    /// or not there is data: the peer waits for it as we wait for its.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        std::mem::take(&mut self.unsent) && write(MAGIC, u32::to_be_bytes, &self.own, out)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), unless settled before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
            .filter(|_| matches!(self.outcome(), Outcome::Waiting))
    }

    /// The stream ended within the header, or before it.
    fn ended_early(&mut self, offered: &[u8]) -> Result<Received, FramingError> {
        self.state = if self.given_up {
            State::NotFound { skip: 0 }
        } else {
            State::Silent
        };
        match self.on_fault {
            OnFault::Fail if !offered.is_empty() => Err(FramingError::Truncated),
            _ => Ok(Received::Pass { skip: 0 }),
        }
    }

    fn not_found(&mut self, skip: usize) -> Received {
        self.state = State::NotFound { skip: 0 };
        Received::Pass { skip }
    }

    fn fault(&mut self, error: FramingError, skip: usize) -> Result<Received, FramingError> {
        let received = self.not_found(skip);
        match self.on_fault {
            OnFault::Fail => Err(error),
            OnFault::PassThrough => Ok(received),
        }
    }
}
