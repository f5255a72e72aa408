use std::time::Duration;

use clap::{ArgAction, Args};

use super::parse_duration;

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
          value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub pool_max_streams_per_connection: u32,

    /// How long a connection of ours is kept without a tunnel
    #[arg(long, env = "POOL_UNUSED_RELEASE_TIMEOUT", value_name = "DURATION", default_value = "300s",
          value_parser = parse_duration)]
    pub pool_unused_release_timeout: Duration,

    /// How many bytes one tunnel may have in flight towards us
    #[arg(long, env = "HTTP2_STREAM_WINDOW_SIZE", value_name = "BYTES", default_value_t = 4 << 20,
          value_parser = clap::value_parser!(u32).range(65_535..=0x7fff_ffff))]
    pub http2_stream_window_size: u32,

    /// How many bytes all tunnels of a connection may have in flight towards us
    #[arg(long, env = "HTTP2_CONNECTION_WINDOW_SIZE", value_name = "BYTES", default_value_t = 16 << 20,
          value_parser = clap::value_parser!(u32).range(65_535..=0x7fff_ffff))]
    pub http2_connection_window_size: u32,

    /// The largest HTTP/2 DATA frame that we accept
    #[arg(long, env = "HTTP2_FRAME_SIZE", value_name = "BYTES", default_value_t = 1 << 20,
          value_parser = clap::value_parser!(u32).range(16_384..=0xff_ffff))]
    pub http2_frame_size: u32,

    /// How long connections may take to end after SIGTERM; what is left then is cut
    #[arg(long, env = "CONNECTION_TERMINATION_DEADLINE", value_name = "DURATION", default_value = "5s",
          value_parser = parse_duration)]
    pub connection_termination_deadline: Duration,

    /// Certificate revocation lists, in PEM or DER; the file may be missing
    #[arg(long, env = "CRL_PATH", value_name = "FILE")]
    pub crl_path: Option<std::path::PathBuf>,

    /// How log lines are written
    #[arg(long, env = "LOG_FORMAT", value_name = "plain|json", default_value = "plain",
          value_parser = ["plain", "json"], action = ArgAction::Set)]
    pub log_format: String,
}
