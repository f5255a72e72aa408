use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tokio_hbone::{Connector, Pool, ServerHandle};

/// What a pool of connections holds and has done.
#[derive(Debug)]
pub(super) struct PoolGauges(pub(super) Pool);

impl Collector for PoolGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let stats = self.0.stats();
        let gauges = [
            (
                "hbone_pool_destinations",
                "Destinations with a connection, a waiter or a failed dial",
                stats.keys,
            ),
            (
                "hbone_pool_connections_dialling",
                "Connections being dialled",
                stats.dialling,
            ),
            (
                "hbone_pool_connections_open",
                "Connections that take tunnels",
                stats.open,
            ),
            (
                "hbone_pool_connections_draining",
                "Connections that take no more tunnels but still carry some",
                stats.draining,
            ),
            (
                "hbone_pool_streams",
                "Tunnels open or being opened",
                stats.streams,
            ),
            (
                "hbone_pool_waiting",
                "Requests for a tunnel that wait for a connection",
                stats.waiting,
            ),
        ];
        for (name, help, value) in gauges {
            gauge(&mut encoder, name, help, value)?;
        }
        let counters = [
            ("hbone_pool_dials", "Dials begun", stats.dials),
            (
                "hbone_pool_dials_failed",
                "Dials that failed",
                stats.dials_failed,
            ),
            (
                "hbone_pool_handshakes",
                "TLS handshakes that led to a connection",
                stats.handshakes,
            ),
            (
                "hbone_pool_requests",
                "Requests for a tunnel",
                stats.requests,
            ),
            (
                "hbone_pool_requests_reused",
                "Requests that found a connection with a stream free",
                stats.reused,
            ),
            (
                "hbone_pool_connections_lost",
                "Connections that ended by no choice of ours",
                stats.lost,
            ),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        Ok(())
    }
}

/// What a server holds. Several listeners are told apart by the name of the metric's prefix.
#[derive(Debug)]
pub(super) struct ServerGauges {
    pub(super) listener: &'static str,
    pub(super) server: ServerHandle,
}

impl Collector for ServerGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = self.server.counts();
        let gauges = [
            ("sockets", "Sockets of clients", counts.sockets),
            ("handshakes", "Handshakes under way", counts.handshakes),
            (
                "connections",
                "Connections that have shaken hands",
                counts.connections,
            ),
            ("tunnels", "CONNECTs that are being served", counts.tunnels),
        ];
        for (name, help, value) in gauges {
            let name = format!("hbone_server_{}_{name}", self.listener);
            gauge(&mut encoder, &name, help, value)?;
        }
        Ok(())
    }
}

/// What is known of connections inside of tunnels.
#[derive(Debug)]
pub(super) struct InnerGauges(pub(super) Connector);

impl Collector for InnerGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let stats = self.0.stats();
        let gauges = [
            (
                "hbone_inner_connections",
                "Connections inside of tunnels",
                stats.connections,
            ),
            (
                "hbone_inner_tunnels",
                "Tunnels on connections inside of tunnels",
                stats.tunnels,
            ),
        ];
        for (name, help, value) in gauges {
            let value = usize::try_from(value).unwrap_or(usize::MAX);
            gauge(&mut encoder, name, help, value)?;
        }
        let counter = ConstCounter::new(stats.handshakes);
        let help = "TLS handshakes inside of tunnels that led to a connection";
        let metric = encoder.encode_descriptor(
            "hbone_inner_handshakes",
            help,
            None,
            counter.metric_type(),
        )?;
        counter.encode(metric)
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: usize,
) -> Result<(), fmt::Error> {
    let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
    gauge.encode(metric)
}
