use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use hbone_examples::proxy::{Control, StartError, Stop, parse_only};
use hbone_examples::{eastwest_gateway, ingress_gateway, node_proxy, waypoint};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::files::Files;
use crate::scrape::get;
use crate::topology::{CLIENT, PARTIES, Party, REVIEWS};
use crate::ui::ProxyKind;

/// All proxies of the mesh: the programs of this package, in one process and with flags as they would have of their own.
#[derive(Debug)]
pub(crate) struct Fleet {
    files: Files,
    baggage: bool,
    running: BTreeMap<&'static str, Running>,
}

#[derive(Debug)]
struct Running {
    stop: Stop,
    serving: JoinHandle<Result<(), StartError>>,
}

/// How long connections may take to end when a proxy stops.
const DRAIN: &str = "300ms";
/// How long the proxy may take to end then.
const ENDING: Duration = Duration::from_secs(5);
/// How long a proxy may take to be ready: longer than anything but a machine without a free core.
const STARTING: Duration = Duration::from_secs(30);

impl Fleet {
    /// Starts all of them.
    pub(crate) async fn start(baggage: bool) -> Result<Self> {
        let mut fleet = Self {
            files: Files::write()?,
            baggage,
            running: BTreeMap::new(),
        };
        for party in &PARTIES {
            fleet.start_one(party).await?;
        }
        Ok(fleet)
    }

    /// Restarts all that run with baggage on or off, as an operator would: it is a flag of each.
    pub(crate) async fn switch_baggage(&mut self, on: bool) -> Result<()> {
        self.baggage = on;
        let running: Vec<_> = PARTIES
            .iter()
            .filter(|party| self.running.contains_key(party.name))
            .collect();
        self.stop().await;
        for party in running {
            self.start_one(party).await?;
        }
        Ok(())
    }

    /// Stops all of them, clients before servers, so that none is cut off by another.
    pub(crate) async fn stop(&mut self) {
        let rank = |party: &Party| match party.kind {
            _ if *party == CLIENT => 0,
            ProxyKind::IngressGateway => 1,
            ProxyKind::Waypoint => 2,
            ProxyKind::EastwestGateway => 3,
            ProxyKind::NodeProxy => 4,
        };
        let mut parties: Vec<_> = PARTIES.iter().collect();
        parties.sort_by_key(|party| rank(party));
        for party in parties {
            self.stop_one(party).await;
        }
    }

    /// Starts the proxy of a party, unless it runs.
    pub(crate) async fn start_one(&mut self, party: &'static Party) -> Result<()> {
        if self.running.contains_key(party.name) {
            return Ok(());
        }
        let (stop, control) = Control::stop();
        let serving = self.serve(party, control)?;
        let mut running = Running { stop, serving };
        running
            .is_ready(party.ready())
            .await
            .with_context(|| format!("starting the proxy of {}", party.name))?;
        self.running.insert(party.name, running);
        Ok(())
    }

    /// Stops the proxy of a party, and waits until it is gone.
    pub(crate) async fn stop_one(&mut self, party: &Party) {
        if let Some(running) = self.running.remove(party.name) {
            running.stop.drain();
            running.ended().await;
        }
    }

    fn serve(&self, party: &Party, control: Control) -> Result<JoinHandle<Result<(), StartError>>> {
        let mut flags = self.files.flags(party);
        flags.extend([
            format!("--metrics={}", party.metrics()),
            format!("--ready={}", party.ready()),
            format!("--connection-termination-deadline={DRAIN}"),
        ]);
        let baggage = self.baggage;
        Ok(match party.kind {
            ProxyKind::NodeProxy => {
                flags.extend([
                    format!("--inbound={}", party.hbone()),
                    "--plaintext=off".to_owned(),
                    "--outbound=off".to_owned(),
                    format!("--socks5={}", party.socks5()),
                    format!("--enable-response-baggage={baggage}"),
                ]);
                let mut cli: node_proxy::Cli = parse_only(flags)?;
                // So that each of a few connections shows whom the gateway chose.
                cli.own_tunnels = true;
                tokio::spawn(node_proxy::serve(cli, control))
            }
            ProxyKind::Waypoint => {
                flags.extend([
                    format!("--inbound={}", party.hbone()),
                    format!("--ambient-enable-baggage={baggage}"),
                ]);
                tokio::spawn(waypoint::serve(parse_only(flags)?, control))
            }
            ProxyKind::EastwestGateway => {
                flags.extend([
                    format!("--inbound={}", party.hbone()),
                    format!("--ambient-enable-baggage={baggage}"),
                ]);
                tokio::spawn(eastwest_gateway::serve(parse_only(flags)?, control))
            }
            ProxyKind::IngressGateway => {
                flags.extend([
                    format!("--http={}", party.http()),
                    format!("--route=*={}:{}", REVIEWS.host(), REVIEWS.port()),
                    format!("--ambient-enable-baggage={baggage}"),
                ]);
                tokio::spawn(ingress_gateway::serve(parse_only(flags)?, control))
            }
        })
    }
}

impl Running {
    async fn is_ready(&mut self, ready: SocketAddr) -> Result<()> {
        let asking = async {
            while get(ready, "/healthz/ready").await.is_err() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ended = &mut self.serving => match ended? {
                Ok(()) => Err(anyhow!("it ended at once")),
                Err(error) => Err(error).context("is another demo running?"),
            },
            asked = timeout(STARTING, asking) => {
                asked.with_context(|| format!("it is not ready within {} s", STARTING.as_secs()))
            }
        }
    }

    /// Waits for its end, which it has been told of.
    async fn ended(mut self) {
        if timeout(ENDING, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
    }
}
