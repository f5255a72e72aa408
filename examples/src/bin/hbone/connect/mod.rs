mod report;
mod standard_io;
mod trace;
mod usage;

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use hbone::pool::Spread;
use tokio::time::timeout;
use tokio_hbone::{Connector, Copied, Pool, copy_bidirectional};

use crate::connect::report::Report;
use crate::connect::standard_io::StandardIo;
use crate::connect::trace::Trace;
use crate::failure::{EXIT_CODES, Failure};
use crate::overheard::Overheard;
use crate::runtime::block_on;
use crate::way::{Way, WayFlags};

pub(crate) use usage::Usage;

/// Tie a tunnel to standard input and output.
///
/// What comes in on standard input goes to AUTHORITY, and what AUTHORITY sends comes out on standard output. The end of the
/// one ends our half of the tunnel and no more; the end of the peer's half closes the other. When both have ended, so does
/// hbone. Who the peers are and what they have answered is told on standard error.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Connect {
    #[command(flatten)]
    way: WayFlags,
    /// Tell what is told on standard error as JSON, one object a line
    #[arg(long)]
    json: bool,
    /// Tell as well what happens at each hop, and when: handshakes, CONNECTs, resets, waits for room
    #[arg(short, long)]
    verbose: bool,
}

/// How long the peer may take to fetch the last bytes and to end the connection.
const FAREWELL: Duration = Duration::from_secs(29);
/// How long it may take to hear that a tunnel broke.
const PARTING_SHOT: Duration = Duration::from_secs(2);

impl Connect {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let report = Report::new(self.json);
        let outcome = block_on(self.connect(&report)).map_err(|failure| report.last(&failure));
        report.flush();
        outcome
    }

    async fn connect(&self, report: &Report) -> Result<(), Failure> {
        let io = StandardIo::take()?;
        let teller = report.clone();
        let way = self.way.prepare(move |news| teller.note(&news))?;
        for note in way.notes() {
            report.note(&note);
        }
        // One tunnel needs no pool, but only a pool tells when the last byte of a connection is gone.
        let mut connector = Connector::new(way.workload.client()?);
        if self.verbose {
            connector = connector.with_observer(Trace::new(report.clone()));
        }
        let pool = Pool::builder(connector)
            .spread(Spread::by_weight(1))
            .build();
        let outcome = carry(&way, &pool, io, report).await;
        let patience = if outcome.is_ok() {
            FAREWELL
        } else {
            PARTING_SHOT
        };
        let left = timeout(patience, pool.drain()).await;
        pool.close();
        outcome?;
        left.map_err(|_| {
            Failure::Other(anyhow!(
                "{} did not end the connection within {} s after both ends of the tunnel to {}; the last bytes may not have arrived",
                way.via,
                patience.as_secs(),
                way.authority
            ))
        })
    }
}

async fn carry(way: &Way, pool: &Pool, io: StandardIo, report: &Report) -> Result<(), Failure> {
    let (mut tunnel, address) = way.open(pool).await?;
    report.opened(&way.authority, address, tunnel.answers());
    let mut io = Overheard::new(io);
    let copied = copy_bidirectional(&mut tunnel, &mut io).await;
    let Copied { sent, received, .. } = copied;
    report.ended(&copied);
    if let Some(hint) = way.hint(&io) {
        report.note(&hint);
    }
    copied.end.map_err(|error| {
        let what = format!(
            "the tunnel to {} by {} broke after {sent} bytes there and {received} bytes back",
            way.authority, way.via
        );
        let why = io.io().failure().unwrap_or_else(|| anyhow!(error));
        Failure::Other(why.context(what))
    })
}
