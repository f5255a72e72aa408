use std::net::SocketAddr;
use std::time::Duration;

use baggage::Sanitized;
use bytes::Bytes;
use hbone_examples::wire::{
    ClientHello, Frame, Handshaken, Head, Link, PREFACE, Seen, Setting, connect,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::arrivals::Arrivals;
use crate::case::{Complaint, Verdict, must};
use crate::certificates::Certificates;

/// All that a case needs to try a server.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) target: SocketAddr,
    pub(crate) certificates: Certificates,
    pub(crate) authority: String,
    pub(crate) application: Option<Arrivals>,
    pub(crate) dead: Option<String>,
    pub(crate) denied: Option<String>,
    pub(crate) patience: Duration,
}

/// A tunnel that the server has opened, on a connection of its own.
pub(crate) struct Tunnel {
    pub(crate) link: Link,
    pub(crate) stream: u32,
    pub(crate) head: Head,
    /// The application's side, if the suite is the application.
    pub(crate) far: Option<TcpStream>,
}

impl World {
    /// That there is anything to try: a tunnel opens at all.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        match self.open().await {
            Ok(_) => Ok(()),
            Err(Complaint::Fails { expected, seen }) => anyhow::bail!(
                "{} opens no tunnel to {} (expected {expected}, seen {}); check --target, --authority and the certificates",
                self.target,
                self.authority,
                Sanitized::new(&seen)
            ),
            Err(Complaint::Skipped(why)) => anyhow::bail!(why),
        }
    }

    /// TCP to the server.
    pub(crate) async fn tcp(&self) -> Result<TcpStream, Complaint> {
        let connecting = timeout(self.patience, TcpStream::connect(self.target)).await;
        let stream =
            connecting.map_err(|_| Complaint::fails("a TCP connection", "none in time"))?;
        let stream = stream.map_err(|error| Complaint::fails("a TCP connection", error))?;
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    /// A handshake as told, and whether it succeeded, as far as a client of TLS 1.3 can know.
    pub(crate) async fn shake(
        &self,
        hello: &ClientHello,
    ) -> Result<Handshaken<TcpStream>, Complaint> {
        let stream = self.tcp().await?;
        let fails = |seen: &str| Complaint::fails("a TLS handshake", seen);
        match timeout(self.patience, connect(stream, hello)).await {
            Err(_) => Err(fails("none in time")),
            Ok(Err(error)) => Err(fails(&format!("{error:#}"))),
            Ok(Ok(handshaken)) => Ok(handshaken),
        }
    }

    pub(crate) fn hello(&self) -> ClientHello {
        ClientHello::good(self.certificates.good.clone())
    }

    /// A connection on which the preface has been sent.
    pub(crate) async fn link(&self) -> Result<Link, Complaint> {
        self.link_with(&[(Setting::ENABLE_PUSH, 0)]).await
    }

    /// The same, with these settings.
    pub(crate) async fn link_with(&self, settings: &[(u16, u32)]) -> Result<Link, Complaint> {
        let handshaken = self.shake(&self.hello()).await?;
        Ok(self.begin(handshaken, settings).await)
    }

    /// The preface, after a handshake.
    pub(crate) async fn begin(
        &self,
        handshaken: Handshaken<TcpStream>,
        settings: &[(u16, u32)],
    ) -> Link {
        let mut link = Link::new(handshaken.io, self.patience);
        link.send_bytes(PREFACE).await;
        link.send([Frame::settings(settings)]).await;
        link
    }

    /// The fields of a plain CONNECT.
    pub(crate) fn fields(&self) -> Vec<(&str, &str)> {
        vec![(":method", "CONNECT"), (":authority", &self.authority)]
    }

    /// A tunnel on a fresh connection.
    pub(crate) async fn open(&self) -> Result<Tunnel, Complaint> {
        self.open_on(self.link().await?, 1).await
    }

    /// A tunnel on this connection.
    pub(crate) async fn open_on(&self, mut link: Link, stream: u32) -> Result<Tunnel, Complaint> {
        if let Some(application) = &self.application {
            application.forget();
        }
        link.send([Frame::headers(stream, &self.fields())]).await;
        let head = opened(link.answer(stream).await)?;
        let far = self.far().await?;
        Ok(Tunnel {
            link,
            stream,
            head,
            far,
        })
    }

    /// The connection that the server has made to the application.
    pub(crate) async fn far(&self) -> Result<Option<TcpStream>, Complaint> {
        let Some(application) = &self.application else {
            return Ok(None);
        };
        let far = application.newest(self.patience).await;
        far.map(Some)
            .ok_or_else(|| Complaint::fails("a connection to the application", "200 and none"))
    }

    /// A tunnel whose other end is ours.
    pub(crate) async fn open_both(&self) -> Result<(Tunnel, TcpStream), Complaint> {
        if self.application.is_none() {
            return Err(Complaint::skipped("needs --application"));
        }
        let mut tunnel = self.open().await?;
        let far = tunnel.far.take();
        let far = far.ok_or_else(|| Complaint::skipped("needs --application"))?;
        Ok((tunnel, far))
    }

    /// That the server still takes a connection and opens a tunnel.
    pub(crate) async fn lives(&self) -> Verdict {
        let mut tunnel = self.open().await.map_err(|complaint| match complaint {
            Complaint::Fails { seen, .. } => {
                Complaint::fails("the server to serve others afterwards", seen)
            }
            skipped => skipped,
        })?;
        tunnel.echo(b"alive?").await
    }

    /// That this connection still opens a tunnel.
    pub(crate) async fn keeps(&self, link: Link, stream: u32) -> Verdict {
        let kept = self.open_on(link, stream).await;
        let mut tunnel = kept.map_err(|complaint| match complaint {
            Complaint::Fails { seen, .. } => {
                Complaint::fails("the connection to be kept, and to open a tunnel", seen)
            }
            skipped => skipped,
        })?;
        tunnel.echo(b"kept?").await
    }
}

impl Tunnel {
    /// That bytes come back as they were sent.
    pub(crate) async fn echo(&mut self, bytes: &[u8]) -> Verdict {
        let chunks = bytes.chunks(16_384).map(Bytes::copy_from_slice);
        let frames = chunks.map(|chunk| Frame::data(self.stream, chunk));
        self.link.send(frames).await;
        if let Some(far) = &mut self.far {
            let mut there = vec![0; bytes.len()];
            let reading = timeout(self.link.patience() * 2, far.read_exact(&mut there)).await;
            let whole = matches!(reading, Ok(Ok(_))) && there == bytes;
            must(whole, "the bytes at the application", "others, or too few")?;
            let wrote = far.write_all(&there).await;
            must(
                wrote.is_ok(),
                "an application that can answer",
                "a closed connection",
            )?;
        }
        let (back, end) = self.link.bytes(self.stream, bytes.len()).await;
        let end = end.map_or_else(String::new, |end| format!(", then {end}"));
        let seen = format!("{} of {} bytes{end}", back.len(), bytes.len());
        must(back == bytes, "the bytes to come back as they were", seen)
    }
}

/// That the answer opens a tunnel.
pub(crate) fn opened(seen: Seen) -> Result<Head, Complaint> {
    match seen {
        Seen::Head(head) if head.status() == Some(200) && !head.ends => Ok(head),
        other => Err(Complaint::fails("200 that leaves the stream open", other)),
    }
}

/// That the answer is a refusal with one of these statuses, or a stream error with one of these codes.
pub(crate) fn refused(seen: &Seen, statuses: &[u16], codes: &[u32]) -> Verdict {
    let fits = match seen {
        Seen::Head(head) => head
            .status()
            .is_some_and(|status| statuses.contains(&status)),
        Seen::Reset(code) => codes.contains(code),
        _ => false,
    };
    let mut expected: Vec<_> = statuses.iter().map(ToString::to_string).collect();
    let names = codes.iter().map(|code| Seen::Reset(*code).to_string());
    expected.extend(names);
    must(fits, &expected.join(" or "), seen)
}
