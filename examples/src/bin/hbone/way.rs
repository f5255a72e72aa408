use std::net::SocketAddr;

use anyhow::{Context, anyhow};
use baggage::{Baggage, Limits};
use clap::Args;
use hbone::{
    Authority, Connect, DialCause, DialError, EstablishError, Expected, ExpectedIdentities,
    HeaderValues, Hop, Identity, Position, Profile, Route, Stage, Telling, TrustDomains,
};
use http::HeaderValue;
use tokio_hbone::{Pool, Tunnel};

use crate::failure::Failure;
use crate::overheard::Overheard;
use crate::workload::{Tell, Workload, WorkloadFlags};

/// Through whom a tunnel leads, and where to.
#[derive(Debug, Args)]
pub(crate) struct WayFlags {
    /// The HBONE server to connect to, a gateway with --double: an address or a name, and its port, usually 15008
    #[arg(long, value_name = "ADDR")]
    via: Authority,
    /// Open a second tunnel to AUTHORITY inside the first, as one does through the east-west gateway of another network
    #[arg(long)]
    double: bool,
    #[command(flatten)]
    workload: WorkloadFlags,
    /// Who the server at --via must be; may be repeated [default: anybody of our own trust domain]
    #[arg(long = "peer-id", value_name = "SPIFFE")]
    peer_ids: Vec<Identity>,
    /// Who the server inside must be, with --double; may be repeated [default: anybody of our own trust domain]
    #[arg(long = "inner-peer-id", value_name = "SPIFFE", requires = "double")]
    inner_peer_ids: Vec<Identity>,
    /// Where no id is given, take anybody whom --ca vouches for, of any --trust-domain
    #[arg(long)]
    any_peer: bool,
    /// What to say about ourselves in the `baggage` header of each CONNECT, as it stands
    #[arg(long, value_name = "STRING", value_parser = header_value)]
    baggage: Option<HeaderValue>,
    /// Where the tunnel leads: IPV4:PORT, [IPV6]:PORT or NAME:PORT
    authority: Authority,
}

impl WayFlags {
    /// Reads our files, and makes up the way.
    pub(crate) fn prepare(&self, tell: impl Tell) -> Result<Way, Failure> {
        let ids = self.peer_ids.iter().chain(&self.inner_peer_ids);
        let named = ids.map(|id| id.trust_domain().clone());
        let workload = self.workload.calling(named, tell)?;
        let outer = self.expected(&self.peer_ids, &workload);
        let inner = self.expected(&self.inner_peer_ids, &workload);
        let is_open = self.peer_ids.is_empty() || self.double && self.inner_peer_ids.is_empty();
        if self.any_peer && !is_open {
            return Err(Failure::Input(anyhow!(
                "--any-peer has no hop to be about, since ids are given for each; leave one of the two away"
            )));
        }
        Ok(Way {
            via: self.via.clone(),
            authority: self.authority.clone(),
            hops: self.hops(outer, inner),
            anybody: is_open.then(|| self.anybody(&workload)),
            odd_baggage: odd_baggage(self.baggage.as_ref()),
            workload,
        })
    }

    fn expected(&self, ids: &[Identity], workload: &Workload) -> ExpectedIdentities {
        if ids.is_empty() {
            return self.anybody(workload);
        }
        ids.iter().cloned().collect()
    }

    fn anybody(&self, workload: &Workload) -> ExpectedIdentities {
        let own = workload.identity.trust_domain().clone();
        let others = workload.trust_domains.iter().filter(|_| self.any_peer);
        Expected::TrustDomain(TrustDomains::new(own, others.cloned())).into()
    }

    /// The CONNECTs, the outermost first, with the headers that ztunnel has on each.
    fn hops(&self, outer: ExpectedIdentities, inner: ExpectedIdentities) -> Vec<Hop> {
        let mut telling = Telling::new();
        telling.baggage = HeaderValues::from_iter(self.baggage.clone());
        let connect = |position| -> Connect {
            Profile::Ztunnel.connect(position, self.authority.clone(), &telling)
        };
        if self.double {
            vec![
                Hop::new(connect(Position::Outer), outer),
                Hop::new(connect(Position::Inner), inner),
            ]
        } else {
            vec![Hop::new(connect(Position::Single), outer)]
        }
    }
}

/// A way to a destination, ready to be gone.
pub(crate) struct Way {
    pub(crate) via: Authority,
    pub(crate) authority: Authority,
    pub(crate) workload: Workload,
    /// Who is accepted at the hops for which no id was given, if there are any.
    pub(crate) anybody: Option<ExpectedIdentities>,
    /// What is odd about the baggage.
    pub(crate) odd_baggage: Option<String>,
    hops: Vec<Hop>,
}

impl Way {
    /// What a person should know before anything is sent.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        let anybody = self.anybody.iter().map(|anybody| {
            format!("any identity {anybody} is accepted where none is named; --peer-id names one")
        });
        anybody.chain(self.odd_baggage.clone())
    }

    /// What to try next, if what went through the tunnel looks as if another had been expected inside of it.
    pub(crate) fn hint<T>(&self, through: &Overheard<T>) -> Option<String> {
        let is_double = self.hops.len() > 1;
        (!is_double && through.is_answered_by_tls()).then(|| {
            format!(
                "what came back is TLS, which nobody here had begun: if {} is the east-west gateway of another network, --double \
                 opens the tunnel to {} inside of the one to the gateway",
                self.via, self.authority
            )
        })
    }

    /// Opens a tunnel, at the first address of `via` that can be reached.
    pub(crate) async fn open(&self, pool: &Pool) -> Result<(Tunnel, SocketAddr), Failure> {
        let mut failed = None;
        for address in self.addresses().await? {
            match pool.connect(&self.route(address)).await {
                Ok(tunnel) => return Ok((tunnel, address)),
                Err(error) if is_unreachable(&error) => failed = Some((error, address)),
                Err(error) => return Err(self.failure(error, address)),
            }
        }
        Err(match failed {
            Some((error, address)) => self.failure(error, address),
            None => Failure::Unreachable(anyhow!(
                "{}: the name leads to no address; check --via",
                self.via
            )),
        })
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let (host, port) = match &self.via {
            Authority::Addr(address) => return Ok(vec![*address]),
            Authority::Name { host, port } => (host.as_str(), port.get()),
        };
        let found = tokio::net::lookup_host((host, port)).await;
        let found = found
            .with_context(|| format!("{host}: the name does not resolve; check --via and the DNS"))
            .map_err(Failure::Unreachable)?;
        Ok(found.collect())
    }

    fn route(&self, address: SocketAddr) -> Route {
        let mut hops = self.hops.iter().cloned();
        let first = hops.next().unwrap_or_else(|| {
            let connect = Connect::new(self.authority.clone());
            Hop::new(connect, ExpectedIdentities::default())
        });
        hops.fold(Route::new(address, first), Route::through)
    }

    fn failure(&self, error: DialError, address: SocketAddr) -> Failure {
        let via = match &self.via {
            Authority::Addr(_) => String::new(),
            Authority::Name { .. } => format!(" ({address})"),
        };
        Failure::dial(
            error,
            format!("no tunnel to {} by {}{via}", self.authority, self.via),
        )
    }
}

/// Whether another address of the same name may do better.
fn is_unreachable(error: &DialError) -> bool {
    error.level == 0
        && matches!(
            &error.cause,
            DialCause::Establish(
                EstablishError::Io {
                    stage: Stage::Tcp,
                    ..
                } | EstablishError::TimedOut {
                    stage: Stage::Tcp,
                    ..
                }
            )
        )
}

/// Reads a flag that becomes a header's value.
pub(crate) fn header_value(text: &str) -> anyhow::Result<HeaderValue> {
    HeaderValue::from_str(text).context("a header's value cannot have control characters")
}

/// What of our baggage a peer will not be able to read. It is sent all the same: to try that may be the point.
pub(crate) fn odd_baggage(line: Option<&HeaderValue>) -> Option<String> {
    let error = Baggage::parse_strict([line?.as_bytes()], &Limits::new()).err()?;
    Some(format!("--baggage is sent as it stands, but {error}"))
}
