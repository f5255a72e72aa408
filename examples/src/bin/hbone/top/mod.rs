mod screen;
mod target;
mod traffic;
mod view;

use std::time::{Duration, Instant};

use anyhow::Context;
use baggage::Sanitized;
use clap::Args;
use hbone_examples::terminal_safe;
use tokio::time::sleep;

use crate::failure::{EXIT_CODES, Failure};
use crate::output::{Reader, print, reader};
use crate::runtime::block_on;
use crate::signals::Signals;
use screen::{Screen, quit};
use target::Target;
use traffic::Traffic;
use view::View;

/// Watch who talks to whom through a proxy, from its metrics.
///
/// For each pair of workloads and service: connections that are open, those begun and requests made a second, those that failed or
/// were broken off since the proxy began, and bytes a second towards the source (SENT) and from it (RECEIVED). Works with every
/// proxy that has Istio's standard metrics: ours, ztunnel, Envoy (http://HOST:15020/stats/prometheus). On a terminal, q or ctrl-c
/// ends it.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
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
        let mut seen = Look::now(self.look().await?);
        if self.once || self.json {
            return self.follow(&mut seen, None).await;
        }
        let mut signals = Signals::listen()?;
        let screen = Screen::open()?;
        tokio::select! {
            outcome = self.follow(&mut seen, screen.as_ref()) => outcome,
            () = signals.stop() => Ok(()),
            () = quit(), if screen.is_some() => Ok(()),
        }
    }

    /// Looks again and again, and shows what has happened since the last look.
    async fn follow(&self, seen: &mut Look, screen: Option<&Screen>) -> Result<(), Failure> {
        loop {
            sleep(self.interval).await;
            match self.look().await {
                Ok(now) => {
                    let now = Look::now(now);
                    let seconds = now.at.saturating_duration_since(seen.at).as_secs_f64();
                    let room = screen.and_then(Screen::lines);
                    // One line for the head, one for what is not shown, and the one after it.
                    let rows =
                        room.map_or(self.rows, |lines| self.rows.min(lines.saturating_sub(3)));
                    let view = View::new(&seen.traffic, &now.traffic, seconds, rows);
                    if self.show(&view, screen)? == Reader::Gone {
                        return Ok(());
                    }
                    *seen = now;
                }
                Err(failure) if self.once => return Err(failure),
                // It may come back.
                Err(failure) => match (screen, failure.message()) {
                    (Some(screen), Some(message)) => screen.draw(Sanitized::new(&message))?,
                    _ => failure.tell(),
                },
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

    fn show(&self, view: &View, screen: Option<&Screen>) -> Result<Reader, Failure> {
        let shown = match screen {
            Some(screen) => return reader(screen.draw(view)),
            None if self.json => terminal_safe::json(&serde_json::to_string(view)?).into_owned(),
            None => view.to_string(),
        };
        print(format!("{shown}\n").as_bytes())
    }
}

/// What a proxy had counted, and when.
struct Look {
    at: Instant,
    traffic: Traffic,
}

impl Look {
    fn now(traffic: Traffic) -> Self {
        Self {
            at: Instant::now(),
            traffic,
        }
    }
}

fn interval(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|interval| (0.1..=3600.0).contains(&interval.as_secs_f64()))
        .ok_or("give a number of seconds from 0.1 to 3600")
}
