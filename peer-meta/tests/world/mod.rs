//! A small mesh and a virtual clock.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
use http::HeaderValue;
use peer_meta::{Exchange, ExchangeConfig, Own, Peer, Role};
use spiffe::SpiffeId;

/// The moment at which every virtual clock starts.
pub(crate) fn epoch() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the epoch of the virtual clock")]
    Instant::now()
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A workload with everything that ztunnel tells set, and distinct in every field.
pub(crate) fn workload(name: &str, cluster: &str) -> PeerAttributes {
    PeerAttributes::builder()
        .cluster(cluster)
        .namespace(format!("{name}-ns"))
        .workload(WorkloadKind::Deployment, format!("{name}-v1"))
        .service(name)
        .revision("v1")
        .region(format!("{cluster}-r"))
        .zone(format!("{cluster}-z"))
        .build()
}

pub(crate) fn id(name: &str) -> Arc<SpiffeId> {
    Arc::new(SpiffeId::new(format!("spiffe://mesh/ns/{name}-ns/sa/{name}")).unwrap())
}

pub(crate) fn own(name: &str, cluster: &str, network: &str) -> Arc<Own> {
    Arc::new(Own::new(workload(name, cluster), Dialect::Ztunnel, network).with_identity(id(name)))
}

/// An exchange of a workload called `own` in network `here`.
pub(crate) fn exchange(role: Role, config: ExchangeConfig, now: Instant) -> Exchange {
    Exchange::new(role, &config, own("own", "c1", "here"), now)
}

pub(crate) fn line(value: &'static str) -> [HeaderValue; 1] {
    [HeaderValue::from_static(value)]
}

pub(crate) const NO_LINES: [&HeaderValue; 0] = [];

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The name of the workload, wherever it was learned.
pub(crate) fn name_of(peer: &Peer) -> Option<&str> {
    peer.for_telemetry()?.workload()
}

/// All labels, one a line, to be compared whole.
pub(crate) fn whole<'a>(labels: impl Iterator<Item = (&'static str, &'a str)>) -> String {
    labels
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// The lines of an expectation without their indentation.
pub(crate) fn lines(text: &str) -> String {
    text.split_whitespace()
        .map(|line| format!("{line}\n"))
        .collect()
}
