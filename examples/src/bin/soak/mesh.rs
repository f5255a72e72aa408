use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening};
use hbone::pool::PoolConfig;
use hbone::{Connect, Hop, Identity, Route};
use hbone_examples::pki::{Authority, Issued};
use rustls::crypto::CryptoProvider;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio_hbone::tls::{ClientTls, Rotating, TrustBundles};
use tokio_hbone::{Connector, Http2Config, Pool};

use crate::application::Application;
use crate::node::{End, Node};
use crate::place::{Mark, Place};

/// All there is: servers, a gateway, clients, and the ways between them.
pub(crate) struct Mesh {
    pub(crate) authority: Authority,
    pub(crate) application: Arc<Application>,
    /// Three servers, then the one that the victim and the gateway lead to, then the gateway.
    pub(crate) nodes: Vec<Arc<Node>>,
    pub(crate) client: Client,
    pub(crate) victim: Client,
    /// Bound, so that nobody else gets its port, and not listening.
    nowhere: TcpSocket,
    doors: Vec<(SocketAddr, JoinHandle<()>)>,
}

/// Somebody with a certificate, and a pool.
pub(crate) struct Client {
    identity: String,
    pub(crate) certificates: Rotating,
    pub(crate) pool: Pool,
    pub(crate) place: Place,
}

/// A way for tunnels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To one of the servers.
    To(usize),
    /// To the last server, as the client whose certificate is revoked now and then.
    Victim,
    /// To the last server through the gateway: a tunnel inside a tunnel.
    Double,
}

/// Which of the nodes is which.
pub(crate) const LAST: usize = 3;
pub(crate) const GATEWAY: usize = 4;

impl Mesh {
    pub(crate) async fn start(application: Arc<Application>) -> Result<Self> {
        let authority = Authority::root("soak")?;
        let trusted = TrustBundles::new()
            .with_pem("cluster.local", authority.pem().as_bytes())
            .context("our own root")?;
        let nowhere = TcpSocket::new_v4()?;
        nowhere.bind("127.0.0.1:0".parse()?)?;
        let closed = nowhere.local_addr()?.port();
        let (mut nodes, mut doors) = (Vec::new(), Vec::new());
        for name in ["a", "b", "c", "d"] {
            let door = application.listen().await?;
            let policy = allow([door.0.port(), closed])?;
            doors.push(door);
            let node = Node::start(name, &authority, trusted.clone(), policy).await?;
            nodes.push(Arc::new(node));
        }
        let policy = allow([nodes[LAST].address.port()])?;
        let gateway = Node::start("gateway", &authority, trusted.clone(), policy).await?;
        nodes.push(Arc::new(gateway));
        Ok(Self {
            client: Client::new("client", &authority, trusted.clone())?,
            victim: Client::new("victim", &authority, trusted)?,
            authority,
            application,
            nodes,
            nowhere,
            doors,
        })
    }

    /// Whose tunnels go that way.
    pub(crate) const fn client(&self, way: Way) -> &Client {
        match way {
            Way::Victim => &self.victim,
            Way::To(_) | Way::Double => &self.client,
        }
    }

    /// How things stand on that way.
    pub(crate) fn mark(&self, way: Way) -> Mark {
        let place = |node: usize| &self.nodes[node].place;
        match way {
            Way::To(node) => Mark::of([place(node)]),
            Way::Victim => Mark::of([place(LAST), &self.victim.place]),
            Way::Double => Mark::of([place(LAST), place(GATEWAY)]),
        }
    }

    /// To the application.
    pub(crate) fn route(&self, way: Way) -> Result<Route> {
        let node = match way {
            Way::To(node) => node,
            Way::Victim | Way::Double => LAST,
        };
        self.route_to(way, self.doors[node].0)
    }

    /// To where nobody listens.
    pub(crate) fn route_to_nowhere(&self, way: Way) -> Result<Route> {
        self.route_to(way, self.nowhere.local_addr()?)
    }

    /// To where nobody may go.
    pub(crate) fn route_to_denied(&self, way: Way) -> Result<Route> {
        self.route_to(way, "127.0.0.1:9".parse()?)
    }

    fn route_to(&self, way: Way, target: SocketAddr) -> Result<Route> {
        let hop = |target: SocketAddr, node: &Node| -> Result<Hop> {
            let connect = Connect::new(target.to_string().parse()?);
            Ok(Hop::new(connect, Identity::parse(&node.identity)?.into()))
        };
        let last = &self.nodes[LAST];
        Ok(match way {
            Way::To(node) => {
                let node = &self.nodes[node];
                Route::new(node.address, hop(target, node)?)
            }
            Way::Victim => Route::new(last.address, hop(target, last)?),
            Way::Double => {
                let gateway = &self.nodes[GATEWAY];
                let outer = Route::new(gateway.address, hop(last.address, gateway)?);
                outer.through(hop(target, last)?)
            }
        })
    }

    /// Sockets that a server holds for its clients.
    pub(crate) fn sockets(&self) -> usize {
        self.nodes.iter().map(|node| node.counts().sockets).sum()
    }

    /// Descriptors that are there although no tunnel is: the listeners, and both ends of each pooled connection.
    pub(crate) fn descriptors_at_rest(&self) -> usize {
        self.nodes.len() + self.doors.len() + 1 + 2 * self.sockets()
    }

    /// Ends everything.
    pub(crate) async fn stop(&self) {
        tokio::join!(self.client.pool.drain(), self.victim.pool.drain());
        for node in &self.nodes {
            node.stop(End::Drain).await;
        }
        for (_, door) in &self.doors {
            door.abort();
        }
    }
}

impl Client {
    fn new(name: &str, authority: &Authority, trusted: TrustBundles) -> Result<Self> {
        let identity = format!("spiffe://cluster.local/ns/soak/sa/{name}");
        let credentials = authority.workload(&identity)?.credentials()?;
        let certificates = Rotating::new(provider(), credentials, trusted)?;
        let tls = ClientTls::from_source(provider(), certificates.clone())?;
        let connector = Connector::new(tls).with_http2(small_windows(Http2Config::client()));
        let config = PoolConfig::new()
            .backoff(Duration::from_millis(50), Duration::from_millis(400))
            .max_wait(Duration::from_secs(30));
        Ok(Self {
            identity,
            certificates,
            pool: Pool::builder(connector).config(config).build(),
            place: Place::default(),
        })
    }

    /// Shows a new certificate from now on, which is returned.
    pub(crate) fn rotate(&self, authority: &Authority) -> Result<Issued> {
        let issued = authority.workload(&self.identity)?;
        self.certificates
            .replace_credentials(issued.credentials()?)?;
        Ok(issued)
    }
}

/// Windows that the larger transfers fill many times over: flow control has its part in it, and what is on its way at once is
/// bounded.
pub(crate) const fn small_windows(mut http2: Http2Config) -> Http2Config {
    http2.stream_window = 64 << 10;
    http2.connection_window = 1 << 20;
    http2
}

fn allow(ports: impl IntoIterator<Item = u16>) -> Result<DestinationPolicy> {
    let ports = ports.into_iter().map(|port| port..=port);
    let entry = AllowEntry::to_addresses(["127.0.0.1/32".parse()?]).at_ports(ports);
    Ok(DestinationPolicy::allow_list([entry]).open(Opening::Range(DeniedRange::Loopback)))
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
