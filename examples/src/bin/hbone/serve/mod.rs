mod access_log;
mod target_service;
mod targets;

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use hbone::{Accept, HeaderValues, Timeouts};
use hbone_examples::proxy::parse_address;
use http::HeaderValue;
use tokio_hbone::{
    Acceptor, ConnectionConfig, Http2Config, Relay, RelayConfig, Server, ServerHandle,
};

use crate::allow::Allow;
use crate::failure::{EXIT_CODES, Failure};
use crate::listening::{announce, bind};
use crate::log::Log;
use crate::runtime::block_on;
use crate::seconds::seconds;
use crate::serve::access_log::AccessLog;
use crate::serve::target_service::TargetService;
use crate::serve::targets::Targets;
use crate::signals::{Asked, Signals};
use crate::way::{header_value, odd_baggage};
use crate::workload::{Workload, WorkloadFlags};

/// Accept tunnels, and connect each to the target that it asks for, if that is allowed.
///
/// Any workload whose certificate --ca vouches for may ask; nothing is allowed until --allow or --local-only says so. The
/// targets' names are resolved, and each address that comes out must be allowed itself. Each tunnel is a line on standard
/// error. SIGTERM or SIGINT drains: nothing new is accepted, and what is open may end; a second one ends it at once. SIGHUP
/// reads the PEM files again, which are followed anyway. Where it listens is the first line on standard output.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Serve {
    /// Where to accept connections, usually on port 15008; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    listen: SocketAddr,
    #[command(flatten)]
    workload: WorkloadFlags,
    /// Targets that clients may ask for: 10.0.0.0/8:80, [fd00::/8]:8000-9000; may be repeated
    ///
    /// Addresses that no client should reach (loopback, link-local, metadata services, ...) are allowed only by a NET that
    /// lies wholly among them, and the mesh's own ports (15008, ...) only by a PORT that stands alone.
    #[arg(long, value_name = "NET:PORT[-PORT]")]
    allow: Vec<Allow>,
    /// Allow the very address that the client has connected to, at any port, and nothing else
    #[arg(long, conflicts_with = "allow")]
    local_only: bool,
    /// What to say about ourselves in the `baggage` header of each answer, as it stands
    #[arg(long, value_name = "STRING", value_parser = header_value)]
    baggage: Option<HeaderValue>,
    /// How long each stage of a client's handshake may take (TLS, then HTTP/2), in seconds
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    handshake_timeout: Duration,
    /// How long one address of a target may take to accept, in seconds; a CONNECT is answered within twice that
    #[arg(long, value_name = "S", default_value = "5", value_parser = seconds)]
    connect_timeout: Duration,
    /// How many tunnels a client may have open on one connection
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_streams: u32,
    /// How long tunnels may take to end when we drain, in seconds
    #[arg(long, value_name = "S", default_value = "5", value_parser = seconds)]
    drain_timeout: Duration,
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            let log = Log::to_stderr();
            let outcome = self.serve(&log).await;
            log.flush();
            outcome
        })
    }

    async fn serve(&self, log: &Log) -> Result<(), Failure> {
        let workload = self.workload.serving(log.teller())?;
        let acceptor = self.acceptor(&workload)?;
        let mut signals = Signals::listen()?;
        let (listener, bound) = bind(self.listen).await?;
        let targets = self.targets(bound);
        announce(bound);
        log.line(format!("hbone: {} serves {targets}", workload.identity));
        if let Some(odd) = odd_baggage(self.baggage.as_ref()) {
            log.line(format!("hbone: {odd}"));
        }

        let accept = Accept::new(HeaderValues::from_iter(self.baggage.clone()));
        let service = TargetService::new(targets, accept);
        let relay = Relay::with_config(service, self.relay());
        let server = Server::new(acceptor, AccessLog::new(relay, log.clone()));
        let handle = server.handle();
        let mut running = std::pin::pin!(server.run(listener));
        loop {
            tokio::select! {
                () = &mut running => break,
                asked = signals.next() => match asked {
                    Asked::Reload => workload.reload(log),
                    Asked::Stop => stop(&handle, log),
                },
            }
        }
        log.line("hbone: drained".to_owned());
        Ok(())
    }

    fn acceptor(&self, workload: &Workload) -> Result<Acceptor, Failure> {
        let mut http2 = Http2Config::server();
        http2.concurrent_streams = self.max_streams;
        let mut connection = ConnectionConfig::default();
        connection.drain.deadline = self.drain_timeout;
        Ok(Acceptor::new(workload.server()?)
            .with_http2(http2)
            .with_timeouts(Timeouts::each(self.handshake_timeout))
            .with_connection(connection))
    }

    fn targets(&self, bound: SocketAddr) -> Targets {
        match self.local_only {
            true => Targets::local_only(bound),
            false => Targets::allowed(self.allow.clone(), bound),
        }
    }

    fn relay(&self) -> RelayConfig {
        let mut config = RelayConfig::default();
        config.serve.attempt_timeout = self.connect_timeout;
        config.serve.resolve_timeout = self.connect_timeout;
        config.serve.total_timeout = self.connect_timeout.saturating_mul(2);
        config
    }
}

fn stop(handle: &ServerHandle, log: &Log) {
    let open = handle.counts().tunnels;
    log.line(format!("hbone: draining, {open} tunnels are open"));
    handle.drain();
}
