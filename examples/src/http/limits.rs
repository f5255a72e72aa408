use std::time::Duration;

use clap::Args;
use hbone::Hostname;
use hbone::mesh::Directory;

use super::ResponseTimeout;
use crate::mesh_file::Site;
use crate::proxy::{parse_duration, parse_patience};

/// What clients may ask for, and how long anybody may take.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "HTTP")]
#[non_exhaustive]
pub struct Limits {
    /// The largest head of a request, in bytes; further ones are answered 431
    #[arg(long, value_name = "BYTES", default_value_t = 60 << 10, value_parser = clap::value_parser!(u32).range(1_024..=(1 << 20)))]
    pub max_head: u32,

    /// The most headers of a request; further ones are answered 431
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub max_headers: u32,

    /// The largest body of a request, in bytes; further ones are answered 413. Bodies are streamed, so there is no limit by default
    #[arg(long, value_name = "BYTES")]
    pub max_body: Option<u64>,

    /// How long the head of a request may take to come; then 408
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_patience)]
    pub head_timeout: Duration,

    /// How long the body of a request may pause before the server has begun to answer; then 408. gRPC may pause. Also how long a client
    /// of HTTP/1 that has closed its half of the connection waits, while nothing can be said to it; then it is taken for gone
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_patience)]
    pub body_timeout: Duration,

    /// How long a server may take to begin its answer, from when it has all of the request, or not to read more of one; then 504. With
    /// HOST, those of this service of the mesh file, whatever name the request has for it. 0s is as long as the client waits, which is
    /// the default. May be repeated; of two for the same servers the last counts
    #[arg(long, value_name = "[HOST=]DURATION")]
    pub response_timeout: Vec<ResponseTimeout>,

    /// How long a connection may be silent until it is taken for one on which the server speaks first, and so for no HTTP
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub detect_timeout: Duration,
}

impl Limits {
    /// Warns of timeouts that are for nobody in this mesh.
    pub(crate) fn warn_of_strangers(&self, site: &Site) {
        let hosts = self.response_timeout.iter();
        for host in hosts.filter_map(|timeout| timeout.service.as_ref()) {
            if site.mesh().services_with_hostname(host).is_empty() {
                tracing::warn!(%host, "--response-timeout names a service that the mesh file does not have; its hostname there is what counts, not what --route calls it");
            }
        }
    }

    /// How long the servers of `service` may take to begin an answer. What is said of the service goes before what is said of all, and what
    /// is said last before what was said first.
    pub(super) fn response_timeout(&self, service: Option<&Hostname>) -> Option<Duration> {
        let said = |of: Option<&Hostname>| {
            let mut all = self.response_timeout.iter().rev();
            all.find(|timeout| timeout.service.as_ref() == of)
        };
        let own = service.and_then(|service| said(Some(service)));
        let timeout = own.or_else(|| said(None))?.after;
        (!timeout.is_zero()).then_some(timeout)
    }
}
