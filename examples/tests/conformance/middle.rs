//! What breaks a program of ours on purpose: it sits between the program and the suite, ends TLS on both sides, and passes
//! frames on, each as it is but for the flaw.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hbone_examples::wire::{Flags, Frame, Kind, PREFACE};
use loona_hpack::Decoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_rustls::TlsStream;

use crate::handshake::Handshake;

/// Names and values of a field section.
pub(crate) type Fields = Vec<(String, String)>;

/// One of the two that the middle stands between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Suite,
    Ours,
}

/// What a flaw is asked about.
#[derive(Debug)]
pub(crate) enum Event {
    Frame(Passing),
    /// This side has ended the connection, with close_notify or without.
    Over(Side, bool),
    /// Nothing has come for a while.
    Quiet,
}

/// A frame on its way, and what it says if it is a whole field section.
#[derive(Debug)]
pub(crate) struct Passing {
    pub(crate) from: Side,
    pub(crate) frame: Frame,
    pub(crate) fields: Option<Fields>,
}

impl Passing {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter().flatten();
        fields
            .find(|(key, _)| key == name)
            .map(|(_, value)| &**value)
    }

    pub(crate) fn status(&self) -> Option<u16> {
        self.field(":status")?.parse().ok()
    }

    /// A frame of this type that the side has sent.
    pub(crate) fn is(&self, from: Side, kind: u8) -> bool {
        self.from == from && self.frame.kind == kind
    }

    /// Puts another value in the place of a field's, or adds it.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let fields = self.fields.get_or_insert_default();
        match fields.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => value.clone_into(old),
            None => fields.push((name.to_owned(), value.to_owned())),
        }
    }
}

/// A flaw, with what it keeps in mind about one connection.
pub(crate) type Flaw = Box<dyn FnMut(&mut Post, Event) + Send>;

/// No flaw: everything is passed on.
pub(crate) fn none() -> Flaw {
    Box::new(Post::pass)
}

/// A flaw that looks at frames alone.
pub(crate) fn frames(mut flaw: impl FnMut(&mut Post, Passing) + Send + 'static) -> Flaw {
    Box::new(move |post, event| match event {
        Event::Frame(passing) => flaw(post, passing),
        other => post.pass(other),
    })
}

/// Where a flaw puts what is to be sent.
pub(crate) struct Post {
    to_suite: UnboundedSender<Out>,
    to_ours: UnboundedSender<Out>,
    /// A flaw has ended the connection with the suite: nothing more of it is passed on.
    is_over: bool,
}

enum Out {
    Bytes(Bytes),
    Close,
    Vanish,
}

impl Post {
    /// Does what is right.
    pub(crate) fn pass(&mut self, event: Event) {
        match event {
            Event::Frame(passing) => self.forward(passing),
            Event::Over(from, clean) => self.end(other(from), clean),
            Event::Quiet => {}
        }
    }

    /// Passes a frame on.
    pub(crate) fn forward(&mut self, passing: Passing) {
        let Passing {
            from,
            mut frame,
            fields,
        } = passing;
        if self.is_over && from == Side::Suite {
            return;
        }
        if let Some(fields) = fields {
            let fields: Vec<_> = fields.iter().map(|(a, b)| (&**a, &**b)).collect();
            let Frame { flags, stream, .. } = frame;
            frame = Frame::headers(stream, &fields);
            frame.flags |= flags & Flags::END_STREAM;
        }
        self.send(other(from), frame);
    }

    pub(crate) fn send(&mut self, to: Side, frame: Frame) {
        let mut bytes = BytesMut::new();
        frame.write(&mut bytes);
        self.put(to, Out::Bytes(bytes.freeze()));
    }

    /// Ends the connection to that side, with close_notify or without.
    pub(crate) fn end(&mut self, to: Side, clean: bool) {
        self.is_over |= to == Side::Suite;
        self.put(to, if clean { Out::Close } else { Out::Vanish });
    }

    fn put(&self, to: Side, out: Out) {
        let to = match to {
            Side::Suite => &self.to_suite,
            Side::Ours => &self.to_ours,
        };
        // Who no longer listens needs nothing.
        let _ = to.send(out);
    }
}

pub(crate) const fn other(side: Side) -> Side {
    match side {
        Side::Suite => Side::Ours,
        Side::Ours => Side::Suite,
    }
}

/// Stands between a client that comes to `address` and a server at `onward`.
pub(crate) struct Middle {
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

/// Who comes to the middle; it goes on to the other.
#[derive(Clone)]
pub(crate) struct Between {
    pub(crate) comes: Side,
    pub(crate) onward: SocketAddr,
    pub(crate) handshake: Arc<Handshake>,
    pub(crate) flaw: fn() -> Flaw,
}

impl Middle {
    pub(crate) fn start(between: Between) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(between.clone(), stream));
            }
        });
        Self {
            address,
            _runtime: runtime,
        }
    }
}

/// One connection. Whatever fails in a handshake ends it.
async fn connection(between: Between, near: TcpStream) {
    let _ = near.set_nodelay(true);
    let (from_suite, from_ours) = match between.comes {
        Side::Suite => {
            let Some(near) = between.handshake.accept(near).await else {
                return;
            };
            let Some(far) = between.handshake.connect(between.onward).await else {
                return;
            };
            (near, far)
        }
        Side::Ours => {
            let Some(far) = between.handshake.connect(between.onward).await else {
                return;
            };
            let Some(near) = between.handshake.accept(near).await else {
                return;
            };
            (far, near)
        }
    };
    let (read_suite, write_suite) = tokio::io::split(from_suite);
    let (read_ours, write_ours) = tokio::io::split(from_ours);
    let (to_suite, suites) = unbounded_channel();
    let (to_ours, our_own) = unbounded_channel();
    let post = Post {
        to_suite,
        to_ours,
        is_over: false,
    };
    let relay = relay(
        post,
        (between.flaw)(),
        Reader::new(Side::Suite, read_suite, between.comes == Side::Suite),
        Reader::new(Side::Ours, read_ours, between.comes == Side::Ours),
    );
    // Both halves of both end with this task, so that a vanished connection has vanished.
    tokio::select! {
        () = relay => {}
        () = write(write_suite, suites) => {}
        () = write(write_ours, our_own) => {}
    }
}

/// Writes what is put there, until one of it is to vanish, or nothing more is.
async fn write(mut io: WriteHalf<TlsStream<TcpStream>>, mut outs: UnboundedReceiver<Out>) {
    let mut vanished = false;
    while let Some(out) = outs.recv().await {
        let written = match out {
            Out::Bytes(bytes) => match io.write_all(&bytes).await {
                Ok(()) if outs.is_empty() => io.flush().await,
                result => result,
            },
            Out::Close => io.shutdown().await,
            Out::Vanish => {
                vanished = true;
                break;
            }
        };
        if written.is_err() {
            // What it has sent is still to be read.
            break;
        }
    }
    if !vanished {
        std::future::pending::<()>().await;
    }
}

async fn relay(mut post: Post, mut flaw: Flaw, mut suite: Reader, mut ours: Reader) {
    const QUIET: Duration = Duration::from_millis(700);
    while !(suite.over && ours.over) {
        let read = async {
            tokio::select! {
                event = suite.next(), if !suite.over => event,
                event = ours.next(), if !ours.over => event,
            }
        };
        match timeout(QUIET, read).await {
            Err(_) => flaw(&mut post, Event::Quiet),
            Ok(Next::Raw(from, bytes)) => post.put(other(from), Out::Bytes(bytes)),
            Ok(Next::Event(event)) => flaw(&mut post, event),
        }
    }
    // What is still to be written is written, unless nobody takes it.
    tokio::time::sleep(QUIET).await;
}

enum Next {
    Event(Event),
    /// What is no frame, and goes on as it is.
    Raw(Side, Bytes),
}

/// Frames as they come from one side.
struct Reader {
    side: Side,
    io: ReadHalf<TlsStream<TcpStream>>,
    received: BytesMut,
    decoder: Decoder<'static>,
    preface: bool,
    raw: bool,
    over: bool,
}

impl Reader {
    fn new(side: Side, io: ReadHalf<TlsStream<TcpStream>>, preface: bool) -> Self {
        Self {
            side,
            io,
            received: BytesMut::new(),
            decoder: Decoder::new(),
            preface,
            raw: false,
            over: false,
        }
    }

    /// Forgets nothing if it is dropped halfway.
    async fn next(&mut self) -> Next {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            let clean = match self.io.read_buf(&mut self.received).await {
                Ok(1..) => continue,
                Ok(0) => true,
                Err(_) => false,
            };
            self.over = true;
            return Next::Event(Event::Over(self.side, clean));
        }
    }

    fn take(&mut self) -> Option<Next> {
        let announced = self.received.get(..3);
        if !self.preface && announced.is_some_and(|length| length[0] > 0x20) {
            // Longer than any frame that anybody here allows.
            self.raw = true;
        }
        if self.preface && self.received.len() >= PREFACE.len() {
            self.preface = false;
            self.raw = !self.received.starts_with(PREFACE);
            let preface = self.received.split_to(PREFACE.len()).freeze();
            return Some(Next::Raw(self.side, preface));
        }
        if self.preface || self.received.is_empty() {
            return None;
        }
        if self.raw {
            return Some(Next::Raw(self.side, self.received.split().freeze()));
        }
        let frame = Frame::read(&mut self.received)?;
        let whole = frame.kind == Kind::HEADERS
            && frame.has(Flags::END_HEADERS)
            && !frame.has(Flags::PADDED)
            && frame.flags & 0x20 == 0;
        // The suite uses no table but where it attacks, and then it is passed on as it is.
        let decoded = match self.side {
            Side::Suite => whole.then(|| Decoder::new().decode(&frame.payload).ok()),
            Side::Ours => whole.then(|| self.decoder.decode(&frame.payload).ok()),
        };
        let fields = decoded.flatten().and_then(text);
        let from = self.side;
        Some(Next::Event(Event::Frame(Passing {
            from,
            frame,
            fields,
        })))
    }
}

/// Fields that are text. The others are passed on as they are.
fn text(fields: Vec<(Vec<u8>, Vec<u8>)>) -> Option<Fields> {
    let text = |octets| String::from_utf8(octets).ok();
    let both = |(name, value)| Some((text(name)?, text(value)?));
    fields.into_iter().map(both).collect()
}
