use baggage::istio::PeerAttributes;
use peer_meta::legacy::{
    AlpnExchange, ByteOrder, FramingError, Metadata, OnFault, Outcome, Preamble, ReadConfig,
    Received,
};

use crate::peer_world::{epoch, seconds, workload};
use crate::script::Script;

/// Any stream, in any pieces, that begins with a frame of ours or does not: the pieces make no difference, nothing of the application is
/// lost, added or held back for ever, no more is held than one frame, and what we wrote is read.
pub fn legacy_framing(data: &[u8]) {
    let mut script = Script::new(data);
    let way = Way::new(&mut script);
    let metadata = metadata(&mut script);
    let mut stream = way.frame(&metadata);
    let written = stream.len();
    // Bent, cut, or whole.
    let kind = script.below(4);
    let at = script.below(written);
    match kind {
        0 => stream[at] ^= script.octet(),
        1 => stream.truncate(at),
        2 => stream.clear(),
        _ => {}
    }
    let (give_up_at, cuts) = (script.maybe(Script::octet), script.clone());
    stream.extend_from_slice(script.rest());

    let (mut whole, mut pieces) = (way.machine(), way.machine());
    let at_once = whole.feed(&stream, &mut Script::new(&[]), usize::MAX, &way);
    let in_pieces = pieces.feed(&stream, &mut cuts.clone(), usize::MAX, &way);
    assert_eq!(at_once, in_pieces);
    assert_eq!(whole.outcome(), pieces.outcome());
    if let Ok(passed) = &at_once {
        let skipped = stream.len() - passed.len();
        assert!(
            stream.ends_with(passed),
            "what passes is the end of what came"
        );
        assert!(
            skipped == 0
                || skipped == 8
                || matches!(whole.outcome(), Outcome::Found(_) | Outcome::Silent)
        );
    }
    if kind == 3 && written - 8 <= way.config.max_bytes() {
        assert_eq!(at_once.as_deref(), Ok(&stream[written..]));
        let Outcome::Found(found) = whole.outcome() else {
            panic!("{:?} is not found", whole.outcome());
        };
        let read = found.claim().attributes();
        assert_eq!(read.workload(), metadata.attributes().workload());
        assert_eq!(read.cluster(), metadata.attributes().cluster());
    }
    // Given up in between: nothing is waited for, and nothing is lost but what was of the frame.
    let mut given_up = way.machine();
    let give_up_at = give_up_at.map_or(usize::MAX, usize::from);
    let passed = given_up.feed(&stream, &mut cuts.clone(), give_up_at, &way);
    assert_ne!(given_up.outcome(), Outcome::Waiting);
    if let Ok(passed) = passed {
        assert!(stream.ends_with(&passed));
    }
}

struct Way {
    alpn: bool,
    order: ByteOrder,
    on_fault: OnFault,
    config: ReadConfig,
}

enum Machine {
    Alpn(Box<AlpnExchange>),
    Preamble(Preamble),
}

impl Way {
    fn new(script: &mut Script<'_>) -> Self {
        let bytes = script.one_of(&[64 * 1024, 0, 1, 40, 200]);
        Self {
            alpn: script.flag(),
            order: script.one_of(&[ByteOrder::Little, ByteOrder::Big]),
            on_fault: script.one_of(&[OnFault::PassThrough, OnFault::Fail]),
            config: ReadConfig::new().with_max_bytes(bytes).with_label("team"),
        }
    }

    fn exchange(&self, metadata: &Metadata) -> AlpnExchange {
        let deadline = Some(epoch() + seconds(5));
        let mut exchange =
            AlpnExchange::new(metadata, "id", self.on_fault, self.config.clone(), deadline);
        exchange.handle_alpn(Some(b"istio-peer-exchange"));
        exchange
    }

    /// What the other side says.
    fn frame(&self, metadata: &Metadata) -> Vec<u8> {
        let mut frame = Vec::new();
        if self.alpn {
            let mut peer = self.exchange(metadata);
            assert!(peer.poll_transmit(&mut frame) && !peer.poll_transmit(&mut frame));
        } else {
            Preamble::encode(Some(metadata), self.order, &mut frame);
        }
        frame
    }

    fn machine(&self) -> Machine {
        if self.alpn {
            return Machine::Alpn(self.exchange(&Metadata::default()).into());
        }
        let deadline = Some(epoch() + seconds(5));
        Machine::Preamble(Preamble::new(
            self.order,
            self.on_fault,
            self.config.clone(),
            deadline,
        ))
    }
}

impl Machine {
    /// Offers the stream in pieces as the cuts say, in one without cuts; what reached the application.
    fn feed(
        &mut self,
        stream: &[u8],
        cuts: &mut Script<'_>,
        give_up_at: usize,
        way: &Way,
    ) -> Result<Vec<u8>, FramingError> {
        let (mut held, mut passed, mut rest) = (Vec::new(), Vec::new(), stream);
        for step in 0.. {
            if step == give_up_at {
                self.give_up(step % 2 == 0);
            }
            let len = if cuts.is_over() {
                rest.len()
            } else {
                usize::from(cuts.octet())
            };
            let (piece, more) = rest.split_at(len.min(rest.len()));
            rest = more;
            held.extend_from_slice(piece);
            match self.handle_data(&held, rest.is_empty())? {
                Received::Hold => assert!(!rest.is_empty(), "held behind the end"),
                Received::Pass { skip } => passed.extend(held.drain(..).skip(skip)),
                other => panic!("{other:?}"),
            }
            assert!(
                held.len() < 8 + way.config.max_bytes().max(1),
                "{} bytes are held",
                held.len()
            );
            if rest.is_empty() {
                break;
            }
        }
        if give_up_at != usize::MAX {
            self.give_up(false);
        }
        Ok(passed)
    }

    fn handle_data(&mut self, offered: &[u8], end: bool) -> Result<Received, FramingError> {
        match self {
            Self::Alpn(exchange) => exchange.handle_data(offered, end),
            Self::Preamble(preamble) => preamble.handle_data(offered, end),
        }
    }

    /// By word or by deadline.
    fn give_up(&mut self, by_word: bool) {
        let late = epoch() + seconds(5);
        match (self, by_word) {
            (Self::Alpn(exchange), true) => exchange.handle_given_up(),
            (Self::Alpn(exchange), false) => exchange.handle_timeout(late),
            (Self::Preamble(preamble), true) => preamble.handle_given_up(),
            (Self::Preamble(preamble), false) => preamble.handle_timeout(late),
        }
    }

    fn outcome(&self) -> Outcome<'_> {
        match self {
            Self::Alpn(exchange) => exchange.outcome(),
            Self::Preamble(preamble) => preamble.outcome(),
        }
    }
}

fn metadata(script: &mut Script<'_>) -> Metadata {
    let attributes = match script.below(3) {
        0 => workload("server", "c2"),
        1 => PeerAttributes::default(),
        _ => PeerAttributes::builder().cluster(script.text()).build(),
    };
    Metadata::new(attributes).with_identity("spiffe://mesh/ns/server-ns/sa/server")
}
