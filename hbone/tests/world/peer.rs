use std::collections::VecDeque;
use std::time::Duration;

use hbone::{LinkFailure, Reason};

use super::ms;

/// What a server does to those who connect to it. The default is a good one that answers everything within a millisecond.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// What becomes of a TCP connection; `None` is silence. Not asked of a peer inside a tunnel.
    pub(crate) tcp: Option<Result<(), LinkFailure>>,
    /// What becomes of the TLS handshake; `None` is silence.
    pub(crate) tls: Option<Result<(), LinkFailure>>,
    /// Who it is.
    pub(crate) identity: &'static str,
    /// What comes after our side of the handshake: SETTINGS with this MAX_CONCURRENT_STREAMS, a failure, or silence.
    pub(crate) settings: Option<Result<Option<u32>, LinkFailure>>,
    /// How long each of these takes.
    pub(crate) delay: Duration,
    /// What comes on the CONNECTs, one after the other over all connections; a 200 when none is left.
    pub(crate) answers: VecDeque<Vec<(Duration, Frame)>>,
    /// It takes part, but nothing of it arrives any more.
    pub(crate) vanished: bool,
}

/// What a peer does on a stream, or on its connection.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// A final or an interim answer.
    Head(u16),
    /// DATA.
    Data,
    /// END_STREAM.
    End,
    /// A header block on an open tunnel.
    Trailers,
    Reset(Reason),
    /// The answer breaks HTTP/2 in a way that costs only its stream.
    Malformed,
    /// GOAWAY; whether it covers the stream that it came with.
    GoAway(Reason, bool),
    /// A changed MAX_CONCURRENT_STREAMS.
    Settings(Option<u32>),
    /// The connection is gone.
    Lost(LinkFailure),
}

impl Peer {
    pub(crate) fn good() -> Self {
        Self {
            tcp: Some(Ok(())),
            tls: Some(Ok(())),
            identity: "spiffe://cluster.local/ns/default/sa/server",
            settings: Some(Ok(Some(100))),
            delay: ms(1),
            answers: VecDeque::new(),
            vanished: false,
        }
    }

    /// Lets it allow this many streams at once on a connection.
    pub(crate) fn with_streams(mut self, max: u32) -> Self {
        self.settings = Some(Ok(Some(max)));
        self
    }

    /// Lets it answer one more CONNECT so; each frame comes a millisecond after the one before.
    pub(crate) fn answer(mut self, frames: impl IntoIterator<Item = Frame>) -> Self {
        let frames = (1..).map(ms).zip(frames).collect();
        self.answers.push_back(frames);
        self
    }

    /// Lets it answer so many CONNECTs in the same way.
    pub(crate) fn answer_times(mut self, times: usize, frames: &[Frame]) -> Self {
        for _ in 0..times {
            self = self.answer(frames.iter().cloned());
        }
        self
    }
}
