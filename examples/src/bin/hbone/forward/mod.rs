mod forwarder;

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use hbone_examples::proxy::parse_address;
use tokio_hbone::{Connector, Pool};

use crate::failure::{EXIT_CODES, Failure};
use crate::forward::forwarder::Forwarder;
use crate::listening::{announce, bind};
use crate::log::Log;
use crate::runtime::block_on;
use crate::seconds::seconds;
use crate::signals::Signals;
use crate::way::WayFlags;

/// Accept local TCP connections, and lead each through a tunnel of its own.
///
/// The tunnels share their connections to the server at --via. The end of either half of a connection is passed on as that,
/// and a tunnel that breaks, or cannot be opened, as a reset. SIGTERM or SIGINT drains: nothing new is accepted, and what is
/// open may end; a second one ends it at once. SIGHUP reads the PEM files again, which are followed anyway. Where it listens
/// is the first line on standard output.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Forward {
    /// Where to accept connections; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    listen: SocketAddr,
    #[command(flatten)]
    way: WayFlags,
    /// How many connections there may be at once; more wait to be accepted
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,
    /// How long connections may take to end when we drain, in seconds
    #[arg(long, value_name = "S", default_value = "5", value_parser = seconds)]
    drain_timeout: Duration,
}

impl Forward {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            let log = Log::to_stderr();
            let outcome = self.forward(&log).await;
            log.flush();
            outcome
        })
    }

    async fn forward(&self, log: &Log) -> Result<(), Failure> {
        let way = self.way.prepare(log.teller())?;
        let signals = Signals::listen()?;
        let (listener, bound) = bind(self.listen).await?;
        announce(bound);
        for note in way.notes() {
            log.line(format!("hbone: {note}"));
        }
        let pool = Pool::new(Connector::new(way.workload.client()?));
        let forwarder = Forwarder::new(way, pool, log.clone());
        let most = usize::try_from(self.max_connections).unwrap_or(usize::MAX);
        forwarder
            .run(listener, most, signals, self.drain_timeout)
            .await;
        Ok(())
    }
}
