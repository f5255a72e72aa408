//! Istio's TCP and HTTP metrics, and what a proxy holds: what it serves at `/metrics`.
//!
//! ```text
//! Exchange ──> Metrics::open ──> Counted ──> Metered (bytes as they flow)
//!                                   └──────> close(flag)
//! ```
//!
//! Labels are those of [`peer_meta::labels`]; how many series there are is bounded, in all and for each peer.

mod counted;
mod gauges;
mod metered;
mod requests;
mod series;
mod why;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use peer_meta::labels::{ConnectionFlag, LabelDialect, Report, SeriesGuard, TcpLabels};
use peer_meta::{DestinationService, Exchange, Role};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio_hbone::{Connector, Pool, ServerHandle};

pub use counted::Counted;
use gauges::{InnerGauges, PoolGauges, ServerGauges};
pub use metered::Metered;
pub use requests::RequestReport;
use requests::Requests;
use series::Series;
use why::Broken;

/// All metrics of a proxy.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    guard: Mutex<SeriesGuard<TcpLabels>>,
    dialect: LabelDialect,
    tcp: Tcp,
    requests: Requests,
}

/// Istio's TCP metrics, and ztunnel's count of connections that did not come about.
#[derive(Debug, Default)]
struct Tcp {
    opened: Family<Series, Counter>,
    closed: Family<Series, Counter>,
    failed: Family<Series, Counter>,
    sent: Family<Series, Counter>,
    received: Family<Series, Counter>,
    /// Ours: those opened that did not come to their own end.
    broken: Family<Broken, Counter>,
    /// By reporter.
    sockets: Family<[(&'static str, &'static str); 1], Gauge>,
    /// By reporter.
    revoked: Family<[(&'static str, &'static str); 1], Counter>,
}

/// The most series of each metric, and the most that one peer may bring about.
const MOST: usize = 2_000;
const MOST_PER_PEER: usize = 500;

impl Metrics {
    /// Metrics whose labels are filled in the given manner.
    #[must_use]
    pub fn new(dialect: LabelDialect) -> Arc<Self> {
        let tcp = Tcp::default();
        let mut registry = Registry::default();
        for (name, help, family) in [
            (
                "istio_tcp_connections_opened",
                "TCP connections opened",
                &tcp.opened,
            ),
            (
                "istio_tcp_connections_closed",
                "TCP connections closed",
                &tcp.closed,
            ),
            (
                "istio_tcp_connections_failed",
                "TCP connections that failed",
                &tcp.failed,
            ),
            (
                "istio_tcp_sent_bytes",
                "Bytes sent towards the client",
                &tcp.sent,
            ),
            (
                "istio_tcp_received_bytes",
                "Bytes received from the client",
                &tcp.received,
            ),
        ] {
            registry.register(name, help, family.clone());
        }
        registry.register(
            "hbone_connections_broken",
            "TCP connections that broke off or were cut, and why",
            tcp.broken.clone(),
        );
        registry.register(
            "istio_tcp_sockets_open",
            "TCP connections open",
            tcp.sockets.clone(),
        );
        registry.register(
            "istio_crl_policy_rejections",
            "Connections that failed since the peer's certificate is revoked",
            tcp.revoked.clone(),
        );
        let requests = Requests::default();
        requests.register(&mut registry);
        Arc::new(Self {
            requests,
            registry: Mutex::new(registry),
            guard: Mutex::new(SeriesGuard::with_cap(MOST).with_share(MOST_PER_PEER)),
            dialect,
            tcp,
        })
    }

    /// Counts a connection as opened, with the labels that its exchange gives by now. What is counted counts the end, too.
    #[must_use]
    pub fn open(
        self: &Arc<Self>,
        exchange: &Exchange,
        service: Option<&DestinationService>,
    ) -> Counted {
        let series = self.series(exchange, service, ConnectionFlag::None);
        self.tcp.opened.get_or_create(&series).inc();
        Counted::new(
            self.tcp.sent.get_or_create(&series).clone(),
            self.tcp.received.get_or_create(&series).clone(),
            self.tcp.closed.clone(),
            self.tcp.broken.clone(),
            self.tcp.sockets.get_or_create(&reporter(exchange)).clone(),
            series,
        )
    }

    /// Counts a connection that did not come about, for this reason.
    pub fn failed(
        &self,
        exchange: &Exchange,
        service: Option<&DestinationService>,
        flag: ConnectionFlag,
    ) {
        let series = self.series(exchange, service, flag);
        self.tcp.failed.get_or_create(&series).inc();
        if flag == ConnectionFlag::CertRevoked {
            self.tcp.revoked.get_or_create(&reporter(exchange)).inc();
        }
    }

    /// Counts a request of HTTP that is over.
    pub fn request(&self, exchange: &Exchange, report: &RequestReport<'_>) {
        self.requests.count(exchange, report, self.dialect);
    }

    /// Shows from now on what is known of the connections inside of tunnels that `connector` makes.
    pub fn watch_inner(&self, connector: Connector) {
        let mut registry = lock(&self.registry);
        registry.register_collector(Box::new(InnerGauges(connector)));
    }

    /// Shows from now on what the pool holds.
    pub fn watch_pool(&self, pool: Pool) {
        let mut registry = lock(&self.registry);
        registry.register_collector(Box::new(PoolGauges(pool)));
    }

    /// Shows from now on what the server holds; `listener` tells several apart.
    pub fn watch_server(&self, listener: &'static str, server: ServerHandle) {
        let mut registry = lock(&self.registry);
        registry.register_collector(Box::new(ServerGauges { listener, server }));
    }

    /// Everything, as OpenMetrics text.
    ///
    /// # Errors
    /// Never, but for a mistake in a collector.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &lock(&self.registry))?;
        Ok(text)
    }

    fn series(
        &self,
        exchange: &Exchange,
        service: Option<&DestinationService>,
        flag: ConnectionFlag,
    ) -> Series {
        let report = Report::of(exchange)
            .with_service(service)
            .with_flags(flag.as_str());
        let labels = TcpLabels::new(&report, self.dialect);
        let mut guard = lock(&self.guard);
        Series(match talker(exchange) {
            Some(peer) => guard.admit_from(&peer, labels, TcpLabels::folded),
            None => guard.admit(labels, TcpLabels::folded),
        })
    }
}

/// Whoever has a say in the labels: the caller if there is one, else whom we call.
fn talker(exchange: &Exchange) -> Option<String> {
    let peer = match exchange.role().has_downstream() {
        true => exchange.downstream().identity(),
        false => exchange.upstream().identity(),
    };
    peer.map(ToString::to_string)
}

/// Who tells of a connection, for metrics that have no other label.
fn reporter(exchange: &Exchange) -> [(&'static str, &'static str); 1] {
    let reporter = match exchange.role().has_downstream() {
        true if exchange.role() == Role::Waypoint => "waypoint",
        true => "destination",
        false => "source",
    };
    [("reporter", reporter)]
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks leaves anything half-done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
