//! Requests to another network are shared by weight, one by one, and take few tunnels.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Version;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::client::{Client, get};
use crate::process::Process;
use crate::server::Server;
use crate::setting::{FAR, Setting};
use crate::world::Pod;

/// So many at a time, each on a connection of its own.
const AT_ONCE: usize = 16;
const ALL: usize = 10_000;
const WINDOW: usize = 1_000;
/// What the proxies may take to hear of a change.
const SETTLING: usize = 500;
const MOST_HANDSHAKES: u64 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn every_thousand_of_ten_thousand_requests_are_shared_by_weight_over_few_tunnels() {
    let setting = Setting::new();
    let mesh = setting.mesh(&[(10, 1, true), (11, 1, true), (12, 2, true)], &[]);
    let _gateway = setting.world.start(&mesh, &[]).await;
    let _waypoint = setting.start_waypoint(&[]).await;
    let _servers = servers(&setting, &[10, 11, 12]).await;
    let load = Load::through_waypoint(&setting, Version::HTTP_2).await;
    load.run(0..ALL).await;
    for from in (0..ALL).step_by(WINDOW) {
        load.is_shared(from, &[("10", 25), ("11", 25), ("12", 50)])
            .await;
    }
    few_handshakes(setting.waypoint()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_with_one_server_slow_one_removed_and_one_added_under_load() {
    let setting = Setting::new();
    let all: &[Pod] = &[(10, 1, true), (11, 1, true), (12, 2, true)];
    let gateway = setting.world.start(&setting.mesh(all, &[]), &[]).await;
    let waypoint = setting.start_waypoint(&[]).await;
    let _slow = Server::start(&setting, 10, Duration::from_millis(30)).await;
    let _servers = servers(&setting, &[11, 12, 13]).await;
    let load = Load::through_waypoint(&setting, Version::HTTP_11).await;
    load.through_changes(&setting, &gateway, &waypoint).await;
    few_handshakes(setting.waypoint()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_from_outside_of_the_mesh_are_shared_as_well() {
    let setting = Setting::new();
    let mesh = setting.mesh(&[(10, 1, true), (11, 1, true), (12, 2, true)], &[]);
    let _gateway = setting
        .world
        .start(&mesh, &["--believe", "gateway=*"])
        .await;
    let _ingress = setting.start_ingress(&[]).await;
    let _servers = servers(&setting, &[10, 11, 12]).await;
    let load = Load::through_ingress(&setting).await;
    load.run(0..ALL).await;
    for from in (0..ALL).step_by(WINDOW) {
        load.is_shared(from, &[("10", 25), ("11", 25), ("12", 50)])
            .await;
    }
    few_handshakes(setting.ingress()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_from_outside_with_one_server_slow_one_removed_and_one_added_under_load() {
    let setting = Setting::new();
    let all: &[Pod] = &[(10, 1, true), (11, 1, true), (12, 2, true)];
    let believing = ["--believe", "gateway=*"];
    let mesh = setting.mesh(all, &[]);
    let gateway = setting.world.start(&mesh, &believing).await;
    let ingress = setting.start_ingress(&[]).await;
    let _slow = Server::start(&setting, 10, Duration::from_millis(30)).await;
    let _servers = servers(&setting, &[11, 12, 13]).await;
    let load = Load::through_ingress(&setting).await;
    load.through_changes(&setting, &gateway, &ingress).await;
    few_handshakes(setting.ingress()).await;
}

async fn servers(setting: &Setting, last: &[u8]) -> Vec<Server> {
    let mut servers = Vec::new();
    for last in last {
        servers.push(Server::start(setting, *last, Duration::ZERO).await);
    }
    servers
}

/// Has both proxies take over another mesh, with requests all the while and for some time after that.
async fn change(setting: &Setting, gateway: &Process, proxy: &Process, load: &Load, pods: &[Pod]) {
    let before = proxy.lines(&["is in force"]).len();
    let changing = async {
        let mesh = setting.mesh(pods, &[]);
        setting.world.reload(gateway, &mesh).await;
        // The proxy follows the file by itself.
        proxy.wait_for(&["is in force"], before + 1).await;
    };
    let is_changed = AtomicBool::new(false);
    let changing = async {
        changing.await;
        is_changed.store(true, Ordering::Relaxed);
    };
    let loading = async {
        while !is_changed.load(Ordering::Relaxed) {
            load.once().await;
        }
    };
    tokio::join!(changing, loading);
    for _ in 0..SETTLING.div_ceil(AT_ONCE) {
        load.once().await;
    }
}

async fn few_handshakes(proxy: SocketAddr) {
    let metrics = get((proxy.ip(), 15020).into(), "/metrics").await;
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix("hbone_inner_handshakes_total "));
    let handshakes: u64 = value.expect("a metric").parse().expect("a number");
    println!("{handshakes} inner handshakes");
    assert!((1..=MOST_HANDSHAKES).contains(&handshakes), "{handshakes}");
}

/// Requests, several at a time, and who served each.
struct Load {
    clients: Vec<Arc<Mutex<Client>>>,
    served: Arc<Mutex<BTreeMap<usize, String>>>,
}

impl Load {
    async fn through_waypoint(setting: &Setting, version: Version) -> Self {
        let mut clients = Vec::new();
        for _ in 0..AT_ONCE {
            let client = Client::connect(setting, &format!("{FAR}:80"), version).await;
            clients.push(Arc::new(Mutex::new(client)));
        }
        Self {
            clients,
            served: Arc::default(),
        }
    }

    async fn through_ingress(setting: &Setting) -> Self {
        let mut clients = Vec::new();
        for _ in 0..AT_ONCE {
            clients.push(Arc::new(Mutex::new(
                Client::outside(setting, Version::HTTP_11).await,
            )));
        }
        Self {
            clients,
            served: Arc::default(),
        }
    }

    /// Sends all of them while one server of weight 1 is removed, and another one added. Those of weight 2 stay.
    async fn through_changes(&self, setting: &Setting, gateway: &Process, proxy: &Process) {
        self.run(0..3 * WINDOW).await;
        for from in [0, WINDOW, 2 * WINDOW] {
            self.is_shared(from, &[("10", 25), ("11", 25), ("12", 50)])
                .await;
        }
        let removed: &[Pod] = &[(10, 1, true), (12, 2, true)];
        change(setting, gateway, proxy, self, removed).await;
        self.run(4 * WINDOW..6 * WINDOW).await;
        for from in [4 * WINDOW, 5 * WINDOW] {
            self.is_shared(from, &[("10", 33), ("12", 67)]).await;
        }
        let added: &[Pod] = &[(10, 1, true), (12, 2, true), (13, 1, true)];
        change(setting, gateway, proxy, self, added).await;
        self.run(7 * WINDOW..ALL).await;
        for from in [7 * WINDOW, 8 * WINDOW, 9 * WINDOW] {
            self.is_shared(from, &[("10", 25), ("12", 50), ("13", 25)])
                .await;
        }
    }

    /// Sends the requests of these numbers, in their order.
    async fn run(&self, numbers: Range<usize>) {
        let next = Arc::new(AtomicUsize::new(numbers.start));
        let mut running = JoinSet::new();
        for client in &self.clients {
            let client = Arc::clone(client);
            let (next, served) = (Arc::clone(&next), Arc::clone(&self.served));
            running.spawn(async move {
                let mut client = client.lock().await;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return;
                    }
                    let answer = client.get(FAR, "/").await;
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    served.lock().await.insert(number, answer.text().to_owned());
                }
            });
        }
        while let Some(outcome) = running.join_next().await {
            outcome.expect("no panic");
        }
    }

    /// One request of each client, which nobody counts.
    async fn once(&self) {
        let mut running = JoinSet::new();
        for client in &self.clients {
            let client = Arc::clone(client);
            running.spawn(async move {
                let answer = client.lock().await.get(FAR, "/").await;
                assert_eq!(answer.status, 200, "{}", answer.text());
            });
        }
        while let Some(outcome) = running.join_next().await {
            outcome.expect("no panic");
        }
    }

    /// Whether a thousand requests, from this one on, came to each server as often as they should, to within five percentage points.
    async fn is_shared(&self, from: usize, shares: &[(&str, i64)]) {
        let served = self.served.lock().await;
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for (_, name) in served.range(from..from + WINDOW) {
            *counts.entry(name).or_default() += 1;
        }
        let near = shares.iter().all(|(name, share)| {
            let count = counts.get(name).copied().unwrap_or_default();
            (count - share * 10).abs() <= 50
        });
        let others = counts
            .keys()
            .filter(|name| !shares.iter().any(|(known, _)| known == *name));
        let others: i64 = others.filter_map(|name| counts.get(name)).sum();
        assert!(
            near && others <= 50,
            "from {from}: {counts:?} of {shares:?}"
        );
    }
}
