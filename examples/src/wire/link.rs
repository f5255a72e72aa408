use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use loona_hpack::Decoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::frame::{Flags, Frame, Kind, Setting};
use super::seen::{Head, Seen};
use super::tls::Stream;

/// The client's connection preface (RFC 9113 section 3.4), without its SETTINGS.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the peer announced, as far as it did.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RemoteSettings {
    /// SETTINGS_ENABLE_PUSH.
    pub enable_push: Option<u32>,
    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    pub max_concurrent_streams: Option<u32>,
    /// SETTINGS_INITIAL_WINDOW_SIZE.
    pub initial_window: Option<u32>,
    /// SETTINGS_MAX_HEADER_LIST_SIZE.
    pub max_header_list: Option<u32>,
}

/// A connection on which frames are sent one by one, and read as they come.
pub struct Link {
    io: Box<dyn Stream>,
    received: BytesMut,
    decoder: Decoder<'static>,
    patience: Duration,
    /// The parts of a header block that is not whole yet, and whether it ends its stream.
    part: Option<(u32, bool, BytesMut)>,
    settings: Option<RemoteSettings>,
    /// What the peer has added to the window of the connection, beyond the 65,535 of the beginning.
    window_added: u64,
    settings_acked: bool,
    answers: bool,
    closed: Option<String>,
}

impl Link {
    /// Nothing has been said yet. Whatever is awaited is awaited for `patience` at most.
    pub fn new(io: impl Stream + 'static, patience: Duration) -> Self {
        Self {
            io: Box::new(io),
            received: BytesMut::new(),
            decoder: Decoder::new(),
            patience,
            part: None,
            settings: None,
            window_added: 0,
            settings_acked: false,
            answers: true,
            closed: None,
        }
    }

    /// How long anything is awaited.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        self.patience
    }

    /// From now on neither SETTINGS nor PING are answered.
    pub const fn stop_answering(&mut self) {
        self.answers = false;
    }

    /// What the peer has announced; nothing before its first SETTINGS.
    #[must_use]
    pub const fn remote_settings(&self) -> Option<RemoteSettings> {
        self.settings
    }

    /// Whether the peer has acknowledged our SETTINGS.
    #[must_use]
    pub const fn settings_acked(&self) -> bool {
        self.settings_acked
    }

    /// The peer's window for the connection as it was opened so far.
    #[must_use]
    pub const fn connection_window(&self) -> u64 {
        65_535 + self.window_added
    }

    /// Sends frames in one piece. A peer that no longer listens is noticed at the next read.
    pub async fn send(&mut self, frames: impl IntoIterator<Item = Frame>) {
        let mut bytes = BytesMut::new();
        for frame in frames {
            frame.write(&mut bytes);
        }
        self.send_bytes(&bytes).await;
    }

    /// Sends octets as they are. Gives up, silently, when the peer takes none for as long as the patience lasts.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let sending = async {
            self.io.write_all(bytes).await?;
            self.io.flush().await
        };
        let _ = tokio::time::timeout(self.patience, sending).await;
    }

    /// Reads the client's preface.
    pub async fn read_preface(&mut self) -> bool {
        let deadline = Instant::now() + self.patience;
        while self.received.len() < PREFACE.len() {
            if self.fill(deadline).await.is_err() {
                return false;
            }
        }
        self.received.split_to(PREFACE.len()) == PREFACE
    }

    /// The next frame. SETTINGS and PING are answered.
    ///
    /// # Errors
    /// How it is that none comes.
    pub async fn frame(&mut self) -> Result<Frame, Seen> {
        self.frame_until(Instant::now() + self.patience).await
    }

    /// The same, with another deadline.
    ///
    /// # Errors
    /// How it is that none comes.
    pub async fn frame_until(&mut self, deadline: Instant) -> Result<Frame, Seen> {
        loop {
            if let Some(frame) = Frame::read(&mut self.received) {
                self.notice(&frame).await;
                return Ok(frame);
            }
            self.fill(deadline).await?;
        }
    }

    /// The answer on `stream`: its head or reset, DATA before either, or the end of the connection. Frames of other streams are passed over.
    pub async fn answer(&mut self, stream: u32) -> Seen {
        let deadline = Instant::now() + self.patience;
        loop {
            let frame = match self.frame_until(deadline).await {
                Ok(frame) => frame,
                Err(seen) => return seen,
            };
            match frame.kind {
                Kind::HEADERS | Kind::CONTINUATION => {
                    if let Some((of, head)) = self.head(&frame)
                        && of == stream
                    {
                        return Seen::Head(head);
                    }
                }
                Kind::DATA if frame.stream == stream => return Seen::Data,
                Kind::RST_STREAM if frame.stream == stream => {
                    return Seen::Reset(frame.code().unwrap_or(u32::MAX));
                }
                Kind::GOAWAY if frame.code() != Some(0) => {
                    return Seen::GoAway(frame.code().unwrap_or(u32::MAX));
                }
                _ => {}
            }
        }
    }

    /// A head out of HEADERS and the CONTINUATIONs behind it, once it is whole, and the stream it is of.
    pub fn head(&mut self, frame: &Frame) -> Option<(u32, Head)> {
        let (stream, ends, mut block) = match frame.kind {
            Kind::HEADERS => {
                let mut payload = frame.payload.clone();
                if frame.has(Flags::PADDED) {
                    let padding = usize::from(*payload.first()?);
                    payload = payload.slice(1..payload.len().checked_sub(padding)?);
                }
                (
                    frame.stream,
                    frame.has(Flags::END_STREAM),
                    BytesMut::from(&*payload),
                )
            }
            _ => {
                let (stream, ends, mut block) = self.part.take()?;
                block.extend_from_slice(&frame.payload);
                (stream, ends, block)
            }
        };
        if !frame.has(Flags::END_HEADERS) {
            self.part = Some((stream, ends, block));
            return None;
        }
        let fields = self.decoder.decode(&block.split()).unwrap_or_default();
        let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
        let fields = fields
            .into_iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect();
        Some((stream, Head { fields, ends }))
    }

    /// The bytes of `stream` until `enough` are there, or its end; and how it ended, if it did. Windows are opened again.
    pub async fn bytes(&mut self, stream: u32, enough: usize) -> (Bytes, Option<Seen>) {
        let deadline = Instant::now() + self.patience;
        let mut bytes = BytesMut::new();
        while bytes.len() < enough {
            let frame = match self.frame_until(deadline).await {
                Ok(frame) => frame,
                Err(seen) => return (bytes.freeze(), Some(seen)),
            };
            match frame.kind {
                Kind::DATA if frame.stream == stream => {
                    bytes.extend_from_slice(&frame.payload);
                    if frame.has(Flags::END_STREAM) {
                        let end = Head {
                            fields: Vec::new(),
                            ends: true,
                        };
                        return (bytes.freeze(), Some(Seen::Head(end)));
                    }
                    if let taken @ 1.. = frame.payload.len() as u32 {
                        let updates = [0, stream].map(|at| Frame::window_update(at, taken));
                        self.send(updates).await;
                    }
                }
                Kind::RST_STREAM if frame.stream == stream => {
                    let code = frame.code().unwrap_or(u32::MAX);
                    return (bytes.freeze(), Some(Seen::Reset(code)));
                }
                Kind::GOAWAY if frame.code() != Some(0) => {
                    let code = frame.code().unwrap_or(u32::MAX);
                    return (bytes.freeze(), Some(Seen::GoAway(code)));
                }
                _ => {}
            }
        }
        (bytes.freeze(), None)
    }

    /// Reads on until the connection is over, and says with what: the last GOAWAY's code, or how it closed.
    pub async fn end(&mut self) -> Seen {
        let deadline = Instant::now() + self.patience;
        let mut said = None;
        loop {
            match self.frame_until(deadline).await {
                Ok(frame) if frame.kind == Kind::GOAWAY => said = frame.code(),
                Ok(_) => {}
                Err(seen) => return said.map_or(seen, Seen::GoAway),
            }
        }
    }

    /// Ends the bytes without a close_notify, as a process does that is killed.
    pub async fn vanish(mut self) {
        self.io.vanish().await;
    }

    /// Says close_notify, and closes.
    pub async fn close(mut self) {
        let _ = tokio::time::timeout(self.patience, self.io.shutdown()).await;
    }

    async fn notice(&mut self, frame: &Frame) {
        match frame.kind {
            Kind::SETTINGS if frame.has(Flags::ACK) => self.settings_acked = true,
            Kind::SETTINGS => {
                let known = self.settings.get_or_insert_default();
                for (id, value) in frame.entries() {
                    match id {
                        Setting::ENABLE_PUSH => known.enable_push = Some(value),
                        Setting::MAX_CONCURRENT_STREAMS => {
                            known.max_concurrent_streams = Some(value);
                        }
                        Setting::INITIAL_WINDOW_SIZE => known.initial_window = Some(value),
                        Setting::MAX_HEADER_LIST_SIZE => known.max_header_list = Some(value),
                        _ => {}
                    }
                }
                if self.answers {
                    self.send([Frame::settings_ack()]).await;
                }
            }
            Kind::PING if !frame.has(Flags::ACK) && self.answers => {
                let answer = Frame::new(Kind::PING, Flags::ACK, 0, frame.payload.clone());
                self.send([answer]).await;
            }
            Kind::WINDOW_UPDATE if frame.stream == 0 => {
                self.window_added += u64::from(frame.figure().unwrap_or(0));
            }
            _ => {}
        }
    }

    async fn fill(&mut self, deadline: Instant) -> Result<(), Seen> {
        if let Some(how) = &self.closed {
            return Err(Seen::Closed(how.clone()));
        }
        let how = match timeout_at(deadline, self.io.read_buf(&mut self.received)).await {
            Err(_) => return Err(Seen::Silence),
            Ok(Ok(0)) => "close_notify".to_owned(),
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
        };
        self.closed = Some(how.clone());
        Err(Seen::Closed(how))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Link");
        shown.field("closed", &self.closed).finish_non_exhaustive()
    }
}
