use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use peer_meta::labels::ConnectionFlag;
use peer_meta::{DestinationService, Exchange};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_hbone::{Breakable, Copied, Tunnel, copy_bidirectional};

use super::balancer::Chosen;
use super::fault::Fault;
use super::lane::{Link, Opened};
use super::{Client, Forwarder, Meant};
use crate::access_log::{Access, Passed};
use crate::mesh_file::Site;
use crate::metrics::{Counted, Metered};
use crate::proxy::flag_of_dial;

/// Carries a connection that is not HTTP, of which `first` has been read already, to a server for as long as it lasts.
pub async fn carry(
    forwarder: &Forwarder,
    site: &Arc<Site>,
    tunnel: Tunnel,
    first: Bytes,
    client: &Client,
    meant: &Meant,
) {
    let began = Instant::now();
    let mut stream = Stream {
        forwarder,
        site,
        client,
        exchange: client.exchange.for_request(began),
        service: meant.service(site),
        began,
    };
    match stream.open(meant).await {
        Ok((chosen, opened)) => {
            stream.relay(tunnel, first, opened).await;
            drop(chosen);
        }
        Err(fault) => stream.fail(tunnel, &fault),
    }
}

/// How many servers are tried.
const TRIES: usize = 3;

struct Stream<'s> {
    forwarder: &'s Forwarder,
    site: &'s Arc<Site>,
    client: &'s Client,
    exchange: Exchange,
    service: Option<Arc<DestinationService>>,
    began: Instant,
}

impl Stream<'_> {
    async fn open(&mut self, meant: &Meant) -> Result<(Chosen, Opened), Fault> {
        let balancer = self.forwarder.balancer();
        let forwarded = self.client.passed_on();
        let mut tried = Vec::new();
        let mut failed = None;
        for _ in 0..TRIES {
            let chosen = match balancer.choose(self.site, meant, &tried) {
                Ok(chosen) => chosen,
                Err(fault) => return Err(failed.unwrap_or(fault)),
            };
            let opened = chosen.destination.opened_for(&forwarded).await;
            match opened {
                Ok(opened) => {
                    balancer.handle_connected(&chosen);
                    opened.answered.tell(&mut self.exchange, self.site);
                    return Ok((chosen, opened));
                }
                Err(fault) => {
                    balancer.handle_failed(&chosen);
                    tried.push(chosen.uid.clone());
                    failed = Some(fault);
                }
            }
        }
        Err(failed.unwrap_or(Fault::NobodyElse))
    }

    async fn relay(&self, tunnel: Tunnel, first: Bytes, opened: Opened) {
        let counted = self
            .forwarder
            .metrics()
            .open(&self.exchange, self.service.as_deref());
        let next = opened.answered.address;
        let early = u64::try_from(first.len()).unwrap_or(u64::MAX);
        counted.add_received(early);
        let copied = match opened.io {
            Link::Plain(server) => to_socket(tunnel, &first, server, &counted).await,
            Link::Tunnel(server) => to_tunnel(tunnel, first, server, &counted).await,
        };
        let (sent, received, error) = match copied {
            Ok((sent, received)) => (sent, received, None),
            Err(((sent, received), error)) => (sent, received, Some(error)),
        };
        let passed = Passed::new(sent, received.saturating_add(early), self.began.elapsed());
        let error = error.as_ref();
        let error = error.map(|error| error as &(dyn Error + 'static));
        counted.ended(error);
        self.log(next, passed, error);
    }

    fn fail(&self, mut tunnel: Tunnel, fault: &Fault) {
        tunnel.break_off();
        let flag = match fault {
            Fault::Dial(error) => flag_of_dial(error),
            _ => ConnectionFlag::Connect,
        };
        let metrics = self.forwarder.metrics();
        metrics.failed(&self.exchange, self.service.as_deref(), flag);
        self.log(
            self.client.server,
            Passed::new(0, 0, self.began.elapsed()),
            Some(fault),
        );
    }

    fn log(&self, next: SocketAddr, passed: Passed, error: Option<&dyn Error>) {
        let mut access = Access::new(
            self.client.direction,
            self.client.address,
            next,
            &self.exchange,
        );
        access.authority = self.client.authority.as_ref();
        access.service = self.service.as_deref();
        access.complete(passed, error);
    }
}

/// What was sent to the client and received from it, and how it ended.
type Carried = Result<(u64, u64), ((u64, u64), io::Error)>;

async fn to_socket(
    mut client: Tunnel,
    first: &[u8],
    server: TcpStream,
    counted: &Counted,
) -> Carried {
    let mut server = Metered::server(server, counted);
    if let Err(error) = server.write_all(first).await {
        return Err(((0, 0), error));
    }
    let copied = copy_bidirectional(&mut client, &mut server).await;
    ended((copied.sent, copied.received), copied)
}

async fn to_tunnel(client: Tunnel, first: Bytes, mut server: Tunnel, counted: &Counted) -> Carried {
    if let Err(error) = server.write_chunk(first).await {
        return Err(((0, 0), error.into()));
    }
    let mut client = Metered::client(client, counted);
    let copied = copy_bidirectional(&mut server, &mut client).await;
    ended((copied.received, copied.sent), copied)
}

fn ended(bytes: (u64, u64), copied: Copied) -> Carried {
    match copied.end {
        Ok(()) => Ok(bytes),
        Err(error) => Err((bytes, error.into())),
    }
}
