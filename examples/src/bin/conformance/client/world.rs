use std::time::Duration;

use baggage::Sanitized;
use hbone_examples::wire::{
    Frame, Handshaken, Head, Kind, Link, Offered, Seen, Shown, TLS13, accept,
};
use rustls::SupportedProtocolVersion;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::program::Program;
use crate::arrivals::Arrivals;
use crate::case::Complaint;
use crate::certificates::Certificates;

/// All that a case needs to try a client.
#[derive(Debug)]
pub(super) struct World {
    pub(super) arrivals: Arrivals,
    pub(super) certificates: Certificates,
    pub(super) authority: String,
    pub(super) command: String,
    pub(super) patience: Duration,
}

/// A client that has asked for its tunnel.
pub(super) struct Asked {
    pub(super) program: Program,
    pub(super) link: Link,
    pub(super) stream: u32,
    pub(super) head: Head,
}

/// What came of a handshake; what the client offered is known only where it succeeded.
pub(super) type Met = Result<(Handshaken<TcpStream>, Offered), String>;

impl World {
    /// That there is anything to try: the client connects at all.
    pub(super) async fn ready(&self) -> anyhow::Result<()> {
        match self.called().await {
            Ok(_) => Ok(()),
            Err(Complaint::Fails { expected, seen }) => {
                let seen = Sanitized::new(&seen);
                anyhow::bail!(
                    "`{}` does not connect (expected {expected}, seen {seen}); check --exec, or give it longer with --patience",
                    self.command
                )
            }
            Err(Complaint::Skipped(why)) => anyhow::bail!(why),
        }
    }

    /// Starts the client and waits for its connection.
    pub(super) async fn called(&self) -> Result<(Program, TcpStream), Complaint> {
        // Of an earlier case's client, which may have tried again.
        self.arrivals.forget();
        let program = Program::start(&self.command, self.patience)?;
        match self.next_call().await {
            Err(Complaint::Fails { expected, seen }) => {
                let words = program.last_words();
                let words = words.map(|words| format!("; the client says: {words}"));
                Err(Complaint::Fails {
                    expected,
                    seen: seen + &words.unwrap_or_default(),
                })
            }
            call => Ok((program, call?)),
        }
    }

    /// Another connection of the client that runs.
    pub(super) async fn next_call(&self) -> Result<TcpStream, Complaint> {
        let call = self.arrivals.accept(self.patience).await;
        let stream =
            call.ok_or_else(|| Complaint::fails("a connection of the client", "none in time"))?;
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    /// Starts the client, and shakes hands as told.
    pub(super) async fn meet(
        &self,
        shown: &Shown,
        alpn: &[&str],
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<(Program, Met), Complaint> {
        let (program, stream) = self.called().await?;
        let met = match timeout(self.patience, accept(stream, shown, alpn, versions)).await {
            Ok(Ok(met)) => Ok(met),
            Ok(Err(error)) => Err(format!("{error:#}")),
            Err(_) => Err("no handshake in time".to_owned()),
        };
        Ok((program, met))
    }

    /// Starts the client, and shakes hands well.
    pub(super) async fn greet(
        &self,
    ) -> Result<(Program, Handshaken<TcpStream>, Offered), Complaint> {
        let (program, met) = self.meet(&self.certificates.good, &["h2"], TLS13).await?;
        let (handshaken, offered) = met.map_err(|seen| Complaint::fails("a handshake", seen))?;
        Ok((program, handshaken, offered))
    }

    /// The client's preface, and our SETTINGS, after a handshake.
    pub(super) async fn begin(
        &self,
        handshaken: Handshaken<TcpStream>,
        settings: &[(u16, u32)],
    ) -> Result<Link, Complaint> {
        let mut link = Link::new(handshaken.io, self.patience);
        if !link.read_preface().await {
            let expected = "the client's connection preface";
            return Err(Complaint::fails(expected, "something else, or nothing"));
        }
        link.send([Frame::settings(settings)]).await;
        Ok(link)
    }

    /// A client that has asked for its tunnel and waits for the answer.
    pub(super) async fn asked(&self, settings: &[(u16, u32)]) -> Result<Asked, Complaint> {
        let (program, handshaken, _) = self.greet().await?;
        let mut link = self.begin(handshaken, settings).await?;
        let (stream, head) = request(&mut link).await?;
        Ok(Asked {
            program,
            link,
            stream,
            head,
        })
    }

    /// A client whose tunnel is open.
    pub(super) async fn open(&self, settings: &[(u16, u32)]) -> Result<Asked, Complaint> {
        let mut asked = self.asked(settings).await?;
        let answer = Frame::headers(asked.stream, &[(":status", "200")]);
        asked.link.send([answer]).await;
        Ok(asked)
    }
}

/// The next CONNECT on a connection.
pub(super) async fn request(link: &mut Link) -> Result<(u32, Head), Complaint> {
    loop {
        let frame = link.frame().await;
        let frame = frame.map_err(|seen: Seen| Complaint::fails("a CONNECT", seen))?;
        if matches!(frame.kind, Kind::HEADERS | Kind::CONTINUATION)
            && let Some(asked) = link.head(&frame)
        {
            return Ok(asked);
        }
    }
}
