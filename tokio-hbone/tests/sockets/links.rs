//! Links between two network namespaces that go down, come up and are slow. The client's process is in the one, a peer's in the
//! other, and both namespaces end with their process.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use hbone::KeepaliveConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::time::sleep;
use tokio_hbone::{Connector, Pool};

use crate::peer::{Figures, Peer, echoes};
use crate::process::{held, is_child, may_unshare, must, run_again, until};
use crate::support::ends::connector;
use crate::support::noise::Noise;
use crate::support::soon;

/// A peer behind a link of its own.
struct Link(Peer);

impl Link {
    /// In the namespace of this process, which must have one.
    fn to_a_peer(figures: Figures) -> Self {
        let mut peer = Peer::spawn(&["unshare", "-n"]);
        let there = format!("nsenter -t {} -n", peer.pid());
        must(&format!(
            "ip link add here type veth peer name there netns {}",
            peer.pid()
        ));
        must("ip address add 10.77.0.1/24 dev here");
        must("ip link set here up");
        must(&format!("{there} ip address add 10.77.0.2/24 dev there"));
        must(&format!("{there} ip link set there up"));
        peer.listen("10.77.0.2", figures);
        Self(peer)
    }

    fn goes(&self, up_or_down: &str) {
        must(&format!("ip link set here {up_or_down}"));
    }

    /// Both ways.
    fn is_slow(&self, rate: &str) {
        let shape = format!("root tbf rate {rate} burst 10k latency 50ms");
        must(&format!("tc qdisc replace dev here {shape}"));
        let pid = self.0.pid();
        must(&format!(
            "nsenter -t {pid} -n tc qdisc replace dev there {shape}"
        ));
    }
}

fn in_a_namespace(test: &str, child: &str) {
    if may_unshare(test) {
        run_again(&["unshare", "-n"], child);
    }
}

fn patient(interval: u64, timeout: u64) -> (Connector, Figures) {
    let keepalive = KeepaliveConfig::new(
        Duration::from_millis(interval),
        Duration::from_millis(timeout),
    );
    let figures = Figures {
        keepalive: (interval, timeout),
        ..Figures::default()
    };
    (connector().with_keepalive(Some(keepalive)), figures)
}

#[test]
fn a_pooled_connection_over_a_dead_link_is_given_up_and_replaced() {
    // [104]
    in_a_namespace("[104]", "links::a_dead_link");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the test above, in a namespace of its own"]
async fn a_dead_link() {
    if !is_child() {
        return;
    }
    let (connector, figures) = patient(200, 400);
    let mut link = Link::to_a_peer(figures);
    let pool = Pool::new(connector);
    let route = link.0.route();
    let mut tunnel = pool.connect(&route).await.expect("a tunnel");
    echoes(&mut tunnel).await;
    link.goes("down");
    let error = soon(tunnel.read_u8()).await.expect_err("a failure");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    drop(tunnel);
    until("it is no longer pooled", || pool.stats().open == 0).await;
    until("nor is its descriptor there", || {
        held(link.0.address()) == 0
    })
    .await;
    link.goes("up");
    let mut tunnel = pool.connect(&route).await.expect("a tunnel");
    echoes(&mut tunnel).await;
    assert_eq!(pool.stats().handshakes, 2);
    link.0.comes_to_hold(1, 1).await;
}

#[test]
fn a_link_that_is_down_for_less_than_the_keepalive_timeout_costs_no_byte() {
    // [130]
    in_a_namespace("[130]", "links::a_link_that_comes_back");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the test above, in a namespace of its own"]
async fn a_link_that_comes_back() {
    if !is_child() {
        return;
    }
    let (connector, figures) = patient(500, 20_000);
    let link = Link::to_a_peer(figures);
    let tunnel = connector.connect(&link.0.route()).await.expect("a tunnel");
    let outage = async {
        sleep(Duration::from_millis(500)).await;
        link.goes("down");
        sleep(Duration::from_secs(2)).await;
        link.goes("up");
    };
    // Bytes are on their way before, while and after the link is down.
    let bytes = exchange(tunnel, 300, Some(Duration::from_millis(10)));
    tokio::join!(bytes, outage);
}

#[test]
fn a_slow_link_that_is_full_both_ways_is_not_taken_for_a_dead_one() {
    // [131]
    in_a_namespace("[131]", "links::a_slow_link");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the test above, in a namespace of its own"]
async fn a_slow_link() {
    if !is_child() {
        return;
    }
    let (connector, figures) = patient(300, 3_000);
    let link = Link::to_a_peer(figures);
    let tunnel = connector.connect(&link.0.route()).await.expect("a tunnel");
    link.is_slow("1mbit");
    let began = Instant::now();
    exchange(tunnel, 96, None).await;
    // It was full for longer than a dead peer would have been waited for.
    assert!(began.elapsed() > Duration::from_millis(3_300));
}

/// Sends so many pieces of 8 KiB, each after a pause if there is one, and checks what comes back.
async fn exchange(tunnel: tokio_hbone::Tunnel, pieces: usize, pause: Option<Duration>) {
    const PIECE: usize = 8 << 10;
    let (mut reads, mut writes) = split(tunnel);
    let sending = async {
        let mut noise = Noise::new(7);
        let mut piece = vec![0; PIECE];
        for _ in 0..pieces {
            noise.fill(&mut piece);
            writes.write_all(&piece).await.expect("a live tunnel");
            if let Some(pause) = pause {
                sleep(pause).await;
            }
        }
        writes.shutdown().await.expect("a live tunnel");
    };
    let receiving = async {
        let mut noise = Noise::new(7);
        let (mut expected, mut piece) = (vec![0; PIECE], vec![0; PIECE]);
        for _ in 0..pieces {
            noise.fill(&mut expected);
            reads.read_exact(&mut piece).await.expect("a live tunnel");
            assert!(piece == expected, "bent bytes");
        }
        assert_eq!(reads.read(&mut piece).await.expect("an end"), 0);
    };
    tokio::join!(sending, receiving);
}
