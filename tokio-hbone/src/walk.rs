use hbone::{
    Accept, ApiMisuse, Dial, DialAction, EstablishError, Identity, RequestError, RequestLimits,
    Route,
};

use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::deadline::{now, within};
use crate::driver::Driver;
use crate::link::{Link, LinkConfig};
use crate::tunnel::{Tunnel, TunnelIo};

/// What a [`Dial`] has opened so far. Dropping it closes all of it.
pub(crate) struct Walk<'a, IO = TcpStream> {
    config: &'a LinkConfig,
    limits: RequestLimits,
    route: &'a Route,
    /// What the caller has connected to the peer of the outermost hop; without it, TCP to the route's address.
    given: Option<IO>,
    /// The connection that the next CONNECT goes on.
    link: Option<Link>,
    /// The tunnel that the next connection is made in.
    tunnel: Option<TunnelIo>,
    answers: Vec<HopAnswer>,
}

/// What one hop of a tunnel answered, and who it was.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HopAnswer {
    /// The peer of the hop, proved by its TLS handshake.
    pub peer: Identity,
    /// What it said in the answer.
    pub accept: Accept,
    /// Every header of the answer as it came, for logs and tools.
    pub headers: HeaderMap,
}

impl<'a> Walk<'a> {
    /// A walk that begins with TCP to the route's address.
    pub(crate) const fn over_tcp(
        config: &'a LinkConfig,
        limits: RequestLimits,
        route: &'a Route,
    ) -> Self {
        Self::new(None, config, limits, route)
    }
}

impl<'a, IO> Walk<'a, IO>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    /// A walk that begins inside `io`.
    pub(crate) const fn over_io(
        io: IO,
        config: &'a LinkConfig,
        limits: RequestLimits,
        route: &'a Route,
    ) -> Self {
        Self::new(Some(io), config, limits, route)
    }

    const fn new(
        given: Option<IO>,
        config: &'a LinkConfig,
        limits: RequestLimits,
        route: &'a Route,
    ) -> Self {
        Self {
            config,
            limits,
            route,
            given,
            link: None,
            tunnel: None,
            answers: Vec::new(),
        }
    }

    /// Does what `dial` asked for and reports how it went.
    pub(crate) async fn carry_out(
        &mut self,
        action: DialAction,
        dial: &mut Dial,
    ) -> Result<(), ApiMisuse> {
        match action {
            // A walk without a pool makes its own connections, so nothing is ever found.
            DialAction::Checkout { level, .. } => dial.handle_checkout(level, false),
            DialAction::Establish { level } => {
                match within(dial.poll_timeout(), self.establish(level)).await {
                    Some(outcome) => dial.handle_establish(level, outcome),
                    None => Self::late(dial),
                }
            }
            DialAction::Request { level } => {
                match within(dial.poll_timeout(), self.request(level)).await {
                    Some(outcome) => dial.handle_request(level, outcome),
                    None => Self::late(dial),
                }
            }
            // `Abandon`: the work was dropped when its deadline came.
            _ => Ok(()),
        }
    }

    /// The innermost tunnel, if the walk got there.
    pub(crate) fn into_tunnel(self) -> Option<Tunnel> {
        let peer = self.answers.last()?.peer.clone();
        Some(Tunnel::new(self.tunnel?, peer, self.answers))
    }

    fn late(dial: &mut Dial) -> Result<(), ApiMisuse> {
        dial.handle_timeout(now());
        Ok(())
    }

    async fn establish(&mut self, level: usize) -> Result<(), EstablishError> {
        // The level comes from a walk over this very route, so the hop is there.
        let hop = self.route.hop(level).unwrap_or_else(|| self.route.last());
        let (config, expect) = (self.config, &hop.expect);
        self.link = Some(match (self.tunnel.take(), self.given.take()) {
            (Some(tunnel), _) => started(Link::over_tunnel(config, tunnel, expect).await?),
            (None, Some(io)) => started(Link::over_io(config, io, expect).await?),
            (None, None) => started(Link::over_tcp(config, self.route.address(), expect).await?),
        });
        Ok(())
    }

    async fn request(&mut self, level: usize) -> Result<(), RequestError> {
        let hop = self.route.hop(level).unwrap_or_else(|| self.route.last());
        let Some(link) = self.link.take() else {
            return Err(RequestError::Cancelled);
        };
        let opened = link.request(&hop.connect, self.limits).await?;
        self.answers.truncate(level);
        self.answers.push(HopAnswer {
            peer: link.peer().clone(),
            accept: opened.accept,
            headers: opened.headers,
        });
        self.tunnel = Some(opened.tunnel);
        Ok(())
    }
}

/// The link whose driver runs by itself from now on.
fn started<IO>((link, driver): (Link, Driver<IO>)) -> Link
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    tokio::spawn(driver.run());
    link
}
