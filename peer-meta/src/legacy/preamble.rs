use std::time::Instant;

use super::framing::{HEADER, Header, write};
use super::structure::check_size;
use super::{ByteOrder, Case, FramingError, Metadata, OnFault, Outcome, ReadConfig, Received};
use crate::Claimed;

/// The preamble with which one part of Envoy hands the baggage of a CONNECT response to another part of the same process:
/// 4 bytes magic, 4 bytes size, an Any with the upper-case Struct. It never crosses a network.
///
/// Offer it the first bytes that come from upstream. Once it is settled, everything is the application's.
///
/// | offered | outcome | bytes |
/// |---|---|---|
/// | not looked for ([`off`](Self::off)) | silent | the application's |
/// | less than a header, so far like one | waiting | held |
/// | less than a header, and the end | not found | the application's; [`OnFault::Fail`]: an error |
/// | something else, at its first byte | not found | the application's |
/// | size 0 | not found | 8 skipped |
/// | size over the limit | not found | the application's; [`OnFault::Fail`]: an error |
/// | incomplete | waiting | held |
/// | incomplete, and the end | not found | the application's; [`OnFault::Fail`]: an error |
/// | whole, but no metadata | not found | the application's; [`OnFault::Fail`]: an error |
/// | whole | found | skipped |
/// | whole, after giving up | not found | skipped |
#[derive(Clone, Debug)]
pub struct Preamble {
    config: ReadConfig,
    deadline: Option<Instant>,
    /// Nobody waits for the outcome any more.
    given_up: bool,
    on_fault: OnFault,
    order: ByteOrder,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Found(Box<Claimed<Metadata>>),
    NotFound,
    Off,
    Reading {
        /// Some of it has come.
        begun: bool,
    },
}

impl Preamble {
    /// Looks for a preamble until `deadline` (`None`: as long as it takes).
    pub const fn new(
        order: ByteOrder,
        on_fault: OnFault,
        config: ReadConfig,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            config,
            deadline,
            given_up: false,
            on_fault,
            order,
            state: State::Reading { begun: false },
        }
    }

    /// Does not look for any: everything is the application's. For hosts where [`is_sent_by`](Self::is_sent_by) is false.
    pub fn off() -> Self {
        Self {
            state: State::Off,
            ..Self::new(
                ByteOrder::Little,
                OnFault::PassThrough,
                ReadConfig::new(),
                None,
            )
        }
    }

    /// Whether a preamble comes from this upstream host: an internal listener that opens tunnels, unless host or cluster
    /// metadata has `disable_baggage_discovery`. (It is set where TLS or PROXY protocol follows, which it would corrupt.)
    pub fn is_sent_by(internal_listener: Option<&str>, disabled: bool) -> bool {
        let known = [
            "connect_originate",
            "inner_connect_originate",
            "internal_outbound",
        ];
        !disabled && internal_listener.is_some_and(|name| known.contains(&name))
    }

    /// Appends the preamble of a peer, or the empty one that says that there is none.
    pub fn encode(metadata: Option<&Metadata>, order: ByteOrder, out: &mut Vec<u8>) {
        let body = metadata
            .map(|metadata| Case::Upper.encode_any(metadata))
            .unwrap_or_default();
        if !write(order.magic(), |len| order.bytes(len), &body, out) {
            write(order.magic(), |len| order.bytes(len), &[], out);
        }
    }

    /// What was found.
    pub const fn outcome(&self) -> Outcome<'_> {
        match &self.state {
            State::Found(metadata) => Outcome::Found(metadata),
            State::NotFound => Outcome::NotFound,
            State::Off => Outcome::Silent,
            State::Reading { .. } if self.given_up => Outcome::NotFound,
            State::Reading { .. } => Outcome::Waiting,
        }
    }

    /// Bytes came from upstream: all that are held, and what is new. `end`: no more will come.
    pub fn handle_data(&mut self, offered: &[u8], end: bool) -> Result<Received, FramingError> {
        if !matches!(self.state, State::Reading { .. }) {
            return Ok(Received::Pass { skip: 0 });
        }
        let body = match Header::parse(offered, self.order.magic(), |size| self.order.size(size)) {
            Header::Other => return Ok(self.not_found(0)),
            Header::Size(0) => return Ok(self.not_found(HEADER)),
            Header::Partial => None,
            Header::Size(size) => {
                if let Err(error) = check_size(size, &self.config) {
                    return self.fault(error.into());
                }
                offered.get(HEADER..).and_then(|rest| rest.get(..size))
            }
        };
        match body {
            Some(body) => match Case::Upper.decode_any(body, &self.config) {
                Ok(metadata) => {
                    self.state = if self.given_up {
                        State::NotFound
                    } else {
                        State::Found(Box::new(metadata))
                    };
                    Ok(Received::Pass {
                        skip: HEADER + body.len(),
                    })
                }
                Err(error) => self.fault(error.into()),
            },
            None if !end => {
                self.state = State::Reading {
                    begun: !offered.is_empty(),
                };
                Ok(Received::Hold)
            }
            // Nothing at all is not a broken preamble.
            None if offered.is_empty() => Ok(self.not_found(0)),
            None => self.fault(FramingError::Truncated),
        }
    }

    /// Gives up: the application wrote first, or nothing is to be waited for. What is held is the application's. If nothing has
    /// come at all, a preamble that comes late tells nothing any more, and is taken out of the stream all the same.
    ///
    /// Bytes that then begin like a preamble are held without a deadline, and so is an application's `4` (34) that comes alone:
    /// whoever will not wait for the rest calls this again.
    pub fn handle_given_up(&mut self) {
        match self.state {
            State::Reading { begun: true } => self.state = State::NotFound,
            State::Reading { begun: false } => self.given_up = true,
            State::Found(_) | State::NotFound | State::Off => {}
        }
    }

    /// Gives up if the deadline has passed; harmless if early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|deadline| now >= deadline) {
            self.handle_given_up();
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), unless settled before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
            .filter(|_| matches!(self.outcome(), Outcome::Waiting))
    }

    fn not_found(&mut self, skip: usize) -> Received {
        self.state = State::NotFound;
        Received::Pass { skip }
    }

    fn fault(&mut self, error: FramingError) -> Result<Received, FramingError> {
        self.state = State::NotFound;
        match self.on_fault {
            OnFault::Fail => Err(error),
            OnFault::PassThrough => Ok(Received::Pass { skip: 0 }),
        }
    }
}
