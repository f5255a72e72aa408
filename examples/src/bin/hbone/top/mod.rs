mod exposition;
mod target;
mod traffic;
mod view;

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use tokio::time::sleep;

use crate::failure::Failure;
use crate::runtime::block_on;
use crate::terminal_safe::terminal_safe;
use target::Target;
use traffic::Traffic;
use view::View;

/// Watch who talks to whom through a proxy, from its metrics.
///
/// For each pair of workloads: connections that are open, those begun and requests made a second, those that failed or were
/// broken off since the proxy began, and bytes a second towards the source (SENT) and from it (RECEIVED). Works with every
/// proxy that has Istio's standard metrics: ours, ztunnel, Envoy (http://HOST:15020/stats/prometheus).
#[derive(Debug, Args)]
pub(crate) struct Top {
    /// HOST:PORT of the metrics, or a whole URL
    #[arg(value_name = "TARGET", default_value = "127.0.0.1:15020")]
    target: Target,
    /// How many seconds lie between two looks
    #[arg(long, value_name = "S", default_value = "1", value_parser = interval)]
    interval: Duration,
    /// Look twice, print once and end
    #[arg(long)]
    once: bool,
    /// Print an object of JSON a line
    #[arg(long)]
    json: bool,
    /// How many pairs to show, the busiest first
    #[arg(long, value_name = "N", default_value_t = 30)]
    rows: usize,
}

impl Top {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(self.watch())
    }

    async fn watch(self) -> Result<(), Failure> {
        let (mut seen, mut before) = (Instant::now(), self.look().await?);
        loop {
            sleep(self.interval).await;
            match self.look().await {
                Ok(now) => {
                    let seconds = seen.elapsed().as_secs_f64();
                    self.show(&View::new(&before, &now, seconds, self.rows))?;
                    (seen, before) = (Instant::now(), now);
                }
                // It may come back.
                Err(failure) if !self.once => failure.tell(),
                Err(failure) => return Err(failure),
            }
            if self.once {
                return Ok(());
            }
        }
    }

    async fn look(&self) -> Result<Traffic, Failure> {
        let text = self.target.read().await?;
        Traffic::parse(&text)
            .with_context(|| {
                format!(
                    "{} has no metrics; name the page that has them, usually /metrics",
                    self.target
                )
            })
            .map_err(Failure::Input)
    }

    fn show(&self, view: &View) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        if self.json {
            writeln!(stdout, "{}", terminal_safe(&serde_json::to_string(view)?))?;
        } else if stdout.is_terminal() && !self.once {
            write!(stdout, "\u{1b}[H\u{1b}[2J{view}")?;
        } else {
            writeln!(stdout, "{view}")?;
        }
        Ok(stdout.flush()?)
    }
}

fn interval(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|interval| (0.1..=3600.0).contains(&interval.as_secs_f64()))
        .ok_or("give a number of seconds from 0.1 to 3600")
}
