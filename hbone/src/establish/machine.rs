use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{EstablishError, LinkFailure, PeerIdentityFault, Timeouts};
use crate::ApiMisuse;
use crate::{ExpectedIdentities, Identity};

/// The making of one HBONE connection: TCP (or a tunnel), TLS, the peer's SETTINGS; a deadline each.
///
/// The caller does the work and reports it: [`handle_connected`](Self::handle_connected), then
/// [`handle_secured`](Self::handle_secured), then [`handle_settings`](Self::handle_settings); at any time
/// [`handle_failure`](Self::handle_failure) or [`handle_timeout`](Self::handle_timeout). After each of them
/// [`poll`](Self::poll) may have the outcome, which it gives once. Reports that come after the end are ignored.
///
/// A TLS 1.3 client is done before its server has looked at the client's certificate, so a connection counts only from
/// the peer's SETTINGS on, and a certificate refused late is an error of its own.
///
/// ```
/// use std::time::Instant;
/// use hbone::{Establish, ExpectedIdentities, Identity, Stage, Timeouts};
///
/// let who = Identity::parse("spiffe://cluster.local/ns/default/sa/server")?;
/// let now = Instant::now();
/// let mut establish = Establish::over_tcp(
///     "10.0.0.2:15008".parse()?, ExpectedIdentities::from(who.clone()), Timeouts::default(), now);
/// establish.handle_connected(now)?;
/// establish.handle_secured(&who, Some(b"h2"), now)?;
/// assert_eq!(establish.stage(), Stage::Settings);
/// establish.handle_settings()?;
/// assert_eq!(establish.poll().unwrap()?.peer, who);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Specification: HBONE-T-009, HBONE-T-014, HBONE-I-007.
pub struct Establish {
    address: Option<SocketAddr>,
    expect: Option<ExpectedIdentities>,
    timeouts: Timeouts,
    stage: Stage,
    deadline: Option<Instant>,
    peer: Option<Identity>,
    outcome: Option<Result<Established, EstablishError>>,
}

/// A connection on which CONNECTs can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Established {
    /// Who is there, proved by the TLS handshake.
    pub peer: Identity,
}

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The TCP connection.
    Tcp,
    /// Our side of the TLS handshake.
    Tls,
    /// The peer's first SETTINGS frame.
    Settings,
    /// Nothing any more.
    Ended,
}

impl Establish {
    /// A connection that starts with TCP to `address`.
    #[must_use]
    pub fn over_tcp(
        address: SocketAddr,
        expect: ExpectedIdentities,
        timeouts: Timeouts,
        now: Instant,
    ) -> Self {
        Self::starting(Stage::Tcp, Some(address), Some(expect), timeouts, now)
    }

    /// A connection inside an open tunnel, which starts with TLS.
    #[must_use]
    pub fn over_tunnel(expect: ExpectedIdentities, timeouts: Timeouts, now: Instant) -> Self {
        Self::starting(Stage::Tls, None, Some(expect), timeouts, now)
    }

    /// A connection that a client has made to us, which starts with TLS; its SETTINGS come with its preface.
    ///
    /// Everybody whom the verifier lets in may be there: what they may reach is for the destination policy to say.
    #[must_use]
    pub fn accepted(timeouts: Timeouts, now: Instant) -> Self {
        Self::starting(Stage::Tls, None, None, timeouts, now)
    }

    fn starting(
        stage: Stage,
        address: Option<SocketAddr>,
        expect: Option<ExpectedIdentities>,
        timeouts: Timeouts,
        now: Instant,
    ) -> Self {
        let deadline = now.checked_add(stage.limit(&timeouts));
        Self {
            address,
            expect,
            timeouts,
            stage,
            deadline,
            peer: None,
            outcome: None,
        }
    }

    /// What it waits for.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Who must be there, for the TLS verifier to ask during the handshake; `None` on an accepted connection.
    #[must_use]
    pub const fn expect(&self) -> Option<&ExpectedIdentities> {
        self.expect.as_ref()
    }

    /// TCP is connected.
    ///
    /// # Errors
    /// [`ApiMisuse`] in [`Stage::Tls`] and [`Stage::Settings`].
    pub fn handle_connected(&mut self, now: Instant) -> Result<(), ApiMisuse> {
        if self.waits_for(Stage::Tcp, "handle_connected")? {
            self.enter(Stage::Tls, now);
        }
        Ok(())
    }

    /// Our side of the TLS handshake is done; `peer` is the identity in the verified certificate, `alpn` what was agreed.
    ///
    /// The identity is checked here once more, so that an adapter whose verifier forgot to ask still lets nobody else in.
    ///
    /// # Errors
    /// [`ApiMisuse`] in [`Stage::Tcp`] and [`Stage::Settings`].
    pub fn handle_secured(
        &mut self,
        peer: &Identity,
        alpn: Option<&[u8]>,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        if !self.waits_for(Stage::Tls, "handle_secured")? {
            return Ok(());
        }
        if alpn != Some(b"h2") {
            self.end(Err(EstablishError::Alpn));
        } else if let Some(Err(mismatch)) = self.expect.as_ref().map(|expect| expect.check(peer)) {
            self.end(Err(EstablishError::PeerIdentity(
                PeerIdentityFault::Mismatch(mismatch),
            )));
        } else {
            self.peer = Some(peer.clone());
            self.enter(Stage::Settings, now);
        }
        Ok(())
    }

    /// The peer's first SETTINGS arrived.
    ///
    /// # Errors
    /// [`ApiMisuse`] in [`Stage::Tcp`] and [`Stage::Tls`].
    pub fn handle_settings(&mut self) -> Result<(), ApiMisuse> {
        if self.waits_for(Stage::Settings, "handle_settings")?
            && let Some(peer) = self.peer.take()
        {
            self.end(Ok(Established { peer }));
        }
        Ok(())
    }

    /// Something underneath failed. Harmless once the outcome stands.
    pub fn handle_failure(&mut self, failure: LinkFailure) {
        let stage = self.stage;
        let late = stage == Stage::Settings;
        self.end(Err(match failure {
            LinkFailure::Alert(alert) if alert.refuses_certificate() => {
                EstablishError::CertificateRefused { alert, late }
            }
            LinkFailure::Alert(alert) if alert.to_wire() == 120 => EstablishError::Alpn,
            LinkFailure::Alert(alert) => {
                EstablishError::Tls(format!("the peer sent the alert {alert}"))
            }
            LinkFailure::Certificate(fault) => EstablishError::PeerCertificate(fault),
            LinkFailure::Closed => EstablishError::Closed(stage),
            LinkFailure::Http2(reason) => EstablishError::Http2 { stage, reason },
            LinkFailure::Identity(fault) => EstablishError::PeerIdentity(fault),
            LinkFailure::Io(kind) => EstablishError::Io {
                stage,
                kind,
                address: self.address,
            },
            LinkFailure::Tls(reason) => EstablishError::Tls(reason),
        }));
    }

    /// Time has passed. Harmless if early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|deadline| now >= deadline) {
            let after = self.stage.limit(&self.timeouts);
            self.end(Err(EstablishError::TimedOut {
                stage: self.stage,
                after,
                address: self.address,
            }));
        }
    }

    /// The outcome, once. It may be there after any `handle_*`.
    #[must_use]
    pub fn poll(&mut self) -> Option<Result<Established, EstablishError>> {
        self.outcome.take()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). It may change after any `handle_*`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.filter(|_| self.stage != Stage::Ended)
    }

    fn enter(&mut self, stage: Stage, now: Instant) {
        self.stage = stage;
        self.deadline = now.checked_add(stage.limit(&self.timeouts));
    }

    fn end(&mut self, outcome: Result<Established, EstablishError>) {
        if self.stage != Stage::Ended {
            self.stage = Stage::Ended;
            self.outcome = Some(outcome);
        }
    }

    /// Whether a report on this stage counts. One that crossed the end on its way is nobody's mistake.
    fn waits_for(&self, stage: Stage, call: &'static str) -> Result<bool, ApiMisuse> {
        if self.stage == stage {
            Ok(true)
        } else if self.stage == Stage::Ended {
            Ok(false)
        } else {
            Err(ApiMisuse::new(call, self.stage.phrase()))
        }
    }
}

impl fmt::Debug for Establish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Establish({:?}", self.stage)?;
        if let Some(address) = self.address {
            write!(f, " to {address}")?;
        }
        f.write_str(")")
    }
}

impl Stage {
    const fn limit(self, timeouts: &Timeouts) -> Duration {
        match self {
            Self::Tcp => timeouts.tcp,
            Self::Tls => timeouts.tls,
            Self::Settings => timeouts.settings,
            Self::Ended => Duration::ZERO,
        }
    }

    const fn phrase(self) -> &'static str {
        match self {
            Self::Tcp => "while connecting by TCP",
            Self::Tls => "during the TLS handshake",
            Self::Settings => "while waiting for the peer's HTTP/2 SETTINGS",
            Self::Ended => "after it had ended",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.phrase())
    }
}
