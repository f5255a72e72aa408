//! A scripted peer: it sends the frames that a test tells it to, and hands over each frame that comes.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use loona_hpack::Decoder;
use rustls::crypto::cipher::{OutboundChunks, OutboundPlainMessage};
use rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion, SupportedCipherSuite};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsStream;

use super::frame::{ACK, DATA, END_STREAM, Frame, GOAWAY, HEADERS, RST_STREAM, SETTINGS};
use super::io::{BoxIo, Io};
use super::script_tls::ScriptTls;
use super::soon;

/// The client's connection preface (RFC 9113 section 3.4), without its SETTINGS.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A peer that speaks HTTP/2 by hand.
pub(crate) struct Raw {
    io: TlsStream<BoxIo>,
    received: BytesMut,
    decoder: Decoder<'static>,
    acknowledges: bool,
}

impl Raw {
    /// A server: TLS, the client's preface, and our `settings`.
    pub(crate) async fn server(io: impl Io, tls: &ScriptTls, settings: &[(u16, u32)]) -> Self {
        let mut raw = Self::over(
            tls.accept(Box::new(io) as BoxIo)
                .await
                .expect("a handshake"),
        );
        let mut preface = vec![0; PREFACE.len()];
        soon(raw.io.read_exact(&mut preface))
            .await
            .expect("a preface");
        assert_eq!(preface, PREFACE);
        raw.send([Frame::settings(settings)]).await;
        raw
    }

    /// A client: TLS, the preface, and our `settings`.
    pub(crate) async fn client(io: impl Io, tls: &ScriptTls, settings: &[(u16, u32)]) -> Self {
        let mut raw = Self::over(
            tls.connect(Box::new(io) as BoxIo)
                .await
                .expect("a handshake"),
        );
        raw.send_bytes(PREFACE).await;
        raw.send([Frame::settings(settings)]).await;
        raw
    }

    /// Nothing said yet on `io`.
    pub(crate) fn over(io: TlsStream<BoxIo>) -> Self {
        Self {
            io,
            received: BytesMut::new(),
            decoder: Decoder::new(),
            acknowledges: true,
        }
    }

    /// The same, but it leaves SETTINGS unanswered.
    pub(crate) fn that_never_acknowledges(mut self) -> Self {
        self.acknowledges = false;
        self
    }

    /// How the bytes of the peer end: well, or with an alert.
    pub(crate) async fn end(&mut self) -> io::Result<()> {
        soon(self.io.read_buf(&mut self.received)).await.map(drop)
    }

    /// Sends frames, in one piece. A peer that no longer listens is not an error.
    pub(crate) async fn send(&mut self, frames: impl IntoIterator<Item = Frame>) {
        let mut bytes = BytesMut::new();
        for frame in frames {
            frame.write(&mut bytes);
        }
        self.send_bytes(&bytes).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        let sending = async {
            self.io.write_all(bytes).await?;
            self.io.flush().await
        };
        let _ = soon(sending).await;
    }

    /// The next frame of any kind, or `None` when the peer has closed. SETTINGS are acknowledged.
    pub(crate) async fn any_frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = Frame::read(&mut self.received) {
                if frame.kind == SETTINGS && !frame.has(ACK) && self.acknowledges {
                    self.send([Frame::new(SETTINGS, ACK, 0, Bytes::new())])
                        .await;
                }
                return Some(frame);
            }
            match soon(self.io.read_buf(&mut self.received)).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next frame that is about a stream or the end of the connection, or `None` when the peer has closed.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        while let Some(frame) = self.any_frame().await {
            if matches!(frame.kind, DATA | HEADERS | RST_STREAM | GOAWAY) {
                return Some(frame);
            }
        }
        None
    }

    /// The next such frame, which must be there.
    #[track_caller]
    pub(crate) fn expect(&mut self, kind: u8) -> impl Future<Output = Frame> {
        let caller = std::panic::Location::caller();
        async move {
            match self.frame().await {
                Some(frame) if frame.kind == kind => frame,
                other => panic!("wanted a frame of kind {kind} at {caller}, got {other:?}"),
            }
        }
    }

    /// Waits for RST_STREAM on `stream`, past whatever else comes, and says why.
    pub(crate) async fn reset_of(&mut self, stream: u32) -> u32 {
        while let Some(frame) = self.frame().await {
            if frame.kind == RST_STREAM && frame.stream == stream {
                return frame.reason();
            }
        }
        panic!("the connection ended before stream {stream} was reset")
    }

    /// Waits for the final GOAWAY, past whatever else comes, and says why; then the peer must close.
    pub(crate) async fn go_away(&mut self) -> u32 {
        let mut reason = None;
        while let Some(frame) = self.frame().await {
            if frame.kind == GOAWAY {
                reason = Some(frame.reason());
            }
        }
        reason.expect("a GOAWAY before the end")
    }

    /// All DATA of `stream` up to END_STREAM. The windows are opened again as bytes come.
    pub(crate) async fn bytes_of(&mut self, stream: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let frame = self.frame().await.expect("END_STREAM before the end");
            assert_eq!((frame.kind, frame.stream), (DATA, stream), "{frame:?}");
            bytes.extend_from_slice(&frame.payload);
            if frame.has(END_STREAM) {
                return bytes;
            }
            assert!(!frame.payload.is_empty(), "an empty DATA frame [125]");
            let taken = frame.payload.len() as u32;
            self.send([
                Frame::window_update(0, taken),
                Frame::window_update(stream, taken),
            ])
            .await;
        }
    }

    /// The fields of a header block.
    pub(crate) fn fields(&mut self, head: &Frame) -> Vec<(String, String)> {
        assert_eq!(head.kind, HEADERS, "{head:?}");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let fields = self.decoder.decode(&head.payload).expect("a header block");
        fields
            .into_iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    /// The `:status` of a header block.
    pub(crate) fn status(&mut self, head: &Frame) -> u16 {
        let fields = self.fields(head);
        let (_, status) = fields
            .iter()
            .find(|(name, _)| name == ":status")
            .expect("a status");
        status.parse().expect("a number")
    }

    /// Waits for the client's CONNECT and gives its stream.
    pub(crate) async fn connect(&mut self) -> u32 {
        self.expect(HEADERS).await.stream
    }

    /// All frames until a second has passed without one.
    pub(crate) async fn until_quiet(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Ok(Some(frame)) = timeout(Duration::from_secs(1), self.any_frame()).await {
            frames.push(frame);
        }
        frames
    }

    /// Reads and drops whatever comes, until the peer closes.
    pub(crate) async fn drain(&mut self) {
        while self.any_frame().await.is_some() {}
    }

    /// Answers every CONNECT with 200, and reads on until the peer closes. The preface is taken for granted.
    pub(crate) async fn answer_and_drain(&mut self) {
        let mut preface = vec![0; PREFACE.len()];
        if soon(self.io.read_exact(&mut preface)).await.is_err() {
            return;
        }
        while let Some(frame) = self.frame().await {
            if frame.kind == HEADERS {
                self.send([Frame::headers(frame.stream, &[(":status", "200")])])
                    .await;
            }
        }
    }

    /// Says close_notify, and FIN; what comes afterwards is read by nobody.
    pub(crate) async fn close(mut self) -> TlsStream<BoxIo> {
        let _ = soon(self.io.shutdown()).await;
        self.io
    }

    /// Ends the bytes without a close_notify.
    pub(crate) async fn vanish(self) -> BoxIo {
        let mut io = self.into_io();
        let _ = soon(io.shutdown()).await;
        io
    }

    fn into_io(self) -> BoxIo {
        match self.io {
            TlsStream::Server(stream) => stream.into_inner().0,
            TlsStream::Client(stream) => stream.into_inner().0,
        }
    }

    /// Sends a TLS record that was not made with the keys of this connection.
    pub(crate) async fn forge(self) -> BoxIo {
        let mut io = self.into_io();
        let mut record = vec![23, 3, 3, 0, 64];
        record.resize(5 + 64, 0x5a);
        soon(io.write_all(&record)).await.expect("a listener");
        io
    }

    /// Sends a fatal TLS alert, as a server does that looks at a certificate late; rustls itself never sends one at this
    /// point.
    pub(crate) async fn alert(self, alert: u8) -> BoxIo {
        let TlsStream::Server(stream) = self.io else {
            panic!("only servers do this");
        };
        let (mut io, session) = stream.into_inner();
        let Some(SupportedCipherSuite::Tls13(suite)) = session.negotiated_cipher_suite() else {
            panic!("TLS 1.3");
        };
        let secrets = session.dangerous_extract_secrets().expect("secrets");
        let (sequence, secrets) = secrets.tx;
        let (ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv }) = secrets
        else {
            panic!("an AEAD");
        };
        let fatal = [2, alert];
        let record = suite
            .aead_alg
            .encrypter(key, iv)
            .encrypt(
                OutboundPlainMessage {
                    typ: ContentType::Alert,
                    version: ProtocolVersion::TLSv1_3,
                    payload: OutboundChunks::Single(&fatal),
                },
                sequence,
            )
            .expect("a record")
            .encode();
        soon(io.write_all(&record)).await.expect("a listener");
        io
    }
}
