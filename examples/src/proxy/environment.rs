use std::time::Duration;

use clap::builder::{PathBufValueParser, PossibleValuesParser};
use clap::{ArgAction, Args};

use super::{named, parse_duration};

/// What comes from the environment, under ztunnel's names and with its meaning. Each is a flag, too, for the sake of `--help`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Environment")]
#[non_exhaustive]
pub struct Environment {
    /// The network of the workload, to be checked against the mesh file
    #[arg(long, env = "NETWORK", value_name = "NAME")]
    pub network: Option<String>,

    /// The cluster of the workload, to be checked against the mesh file
    #[arg(long, env = "CLUSTER_ID", value_name = "NAME")]
    pub cluster_id: Option<String>,

    /// The most tunnels on one connection of ours, however many more the peer allows
    #[arg(long, env = "POOL_MAX_STREAMS_PER_CONNECTION", value_name = "N", default_value_t = 100,
          value_parser = named(clap::value_parser!(u32).range(1..=65_535)))]
    pub pool_max_streams_per_connection: u32,

    /// How long a connection of ours is kept without a tunnel
    #[arg(long, env = "POOL_UNUSED_RELEASE_TIMEOUT", value_name = "DURATION", default_value = "300s",
          value_parser = named(parse_duration))]
    pub pool_unused_release_timeout: Duration,

    /// How many bytes one tunnel may have in flight towards us
    #[arg(long, env = "HTTP2_STREAM_WINDOW_SIZE", value_name = "BYTES", default_value_t = 4 << 20,
          value_parser = named(clap::value_parser!(u32).range(65_535..=0x7fff_ffff)))]
    pub http2_stream_window_size: u32,

    /// How many bytes all tunnels of a connection may have in flight towards us
    #[arg(long, env = "HTTP2_CONNECTION_WINDOW_SIZE", value_name = "BYTES", default_value_t = 16 << 20,
          value_parser = named(clap::value_parser!(u32).range(65_535..=0x7fff_ffff)))]
    pub http2_connection_window_size: u32,

    /// The largest HTTP/2 DATA frame that we accept
    #[arg(long, env = "HTTP2_FRAME_SIZE", value_name = "BYTES", default_value_t = 1 << 20,
          value_parser = named(clap::value_parser!(u32).range(16_384..=0xff_ffff)))]
    pub http2_frame_size: u32,

    /// How long connections may take to end after SIGTERM; what is left then is cut. Without it, what the grace period leaves
    /// [default: 5s]
    #[arg(long, env = "CONNECTION_TERMINATION_DEADLINE", value_name = "DURATION", value_parser = named(parse_duration))]
    pub connection_termination_deadline: Option<Duration>,

    /// How long Kubernetes waits between SIGTERM and SIGKILL: 5 s of it, or 1 s of 10 s and less, are left for the rest
    #[arg(long, env = "TERMINATION_GRACE_PERIOD_SECONDS", value_name = "SECONDS",
          value_parser = named(clap::value_parser!(u32).range(0..)))]
    pub termination_grace_period_seconds: Option<u32>,

    /// Certificate revocation lists, in PEM or DER; the file may be missing at the start
    #[arg(long, env = "CRL_PATH", value_name = "FILE", value_parser = named(PathBufValueParser::new()))]
    pub crl_path: Option<std::path::PathBuf>,

    /// How log lines are written
    #[arg(long, env = "LOG_FORMAT", value_name = "plain|json", default_value = "plain",
          value_parser = named(PossibleValuesParser::new(["plain", "json"])), action = ArgAction::Set)]
    pub log_format: String,
}

impl Environment {
    /// How long connections may take to end after SIGTERM.
    #[must_use]
    pub fn drain_deadline(&self) -> Duration {
        const DEFAULT: Duration = Duration::from_secs(5);
        let left = |period: u32| match period {
            0..=10 => period.saturating_sub(1).max(1),
            _ => period.saturating_sub(5),
        };
        let of_the_period = self
            .termination_grace_period_seconds
            .map(|period| Duration::from_secs(left(period).into()));
        self.connection_termination_deadline
            .or(of_the_period)
            .unwrap_or(DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        environment: Environment,
    }

    #[test]
    fn the_drain_deadline_is_what_is_said_or_what_the_grace_period_leaves() {
        let period = "--termination-grace-period-seconds";
        let deadline = "--connection-termination-deadline";
        for (args, seconds) in [
            (&[][..], 5),
            (&[period, "30"], 25),
            (&[period, "11"], 6),
            (&[period, "10"], 9),
            (&[period, "0"], 1),
            (&[period, "30", deadline, "7s"], 7),
        ] {
            let args = ["proxy"].iter().chain(args);
            let environment = Cli::parse_from(args).environment;
            assert_eq!(environment.drain_deadline(), Duration::from_secs(seconds));
        }
    }
}
