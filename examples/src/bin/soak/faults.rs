//! What goes wrong, again and again, each time announced to those whom it may hit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hbone_examples::pki::Issued;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_hbone::tls::{CertificateSource, Crls};

use crate::mesh::{GATEWAY, LAST, Mesh, Way};
use crate::node::End;

/// How often each has happened.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) drains: AtomicU64,
    pub(crate) crashes: AtomicU64,
    pub(crate) rotations: AtomicU64,
    pub(crate) revocations: AtomicU64,
    /// The longest that a revoked peer's tunnels stayed, in microseconds.
    pub(crate) slowest_revocation: AtomicU64,
}

/// Between two faults of a kind.
const PAUSE: Duration = Duration::from_millis(300);

/// After it is mended, until a client has certainly noticed that its old connections are dead.
const SETTLE: Duration = Duration::from_secs(1);

/// For a server to be reached again.
const RECOVERY: Duration = Duration::from_secs(20);

impl Faults {
    /// Stops and starts one server after the other.
    pub(crate) async fn restart_servers(
        &self,
        mesh: &Mesh,
        stop: watch::Receiver<bool>,
    ) -> Result<()> {
        let mut turn = 0;
        while pause(&stop).await {
            // Every server has its turn, the gateway early.
            let node = &mesh.nodes[turn * 2 % mesh.nodes.len()];
            let end = if turn % 2 == 0 {
                End::Drain
            } else {
                End::Crash
            };
            turn += 1;
            node.place.fault_begins();
            node.restart(end).await?;
            for way in ways_over(&mesh.nodes, node.name) {
                reached(mesh, way).await?;
            }
            sleep(SETTLE).await;
            node.place.fault_ends();
            count(match end {
                End::Drain => &self.drains,
                End::Crash => &self.crashes,
            });
        }
        Ok(())
    }

    /// Rotates everybody's certificate, and revokes the victim's `current` one, in turn.
    pub(crate) async fn change_certificates(
        &self,
        mesh: &Mesh,
        mut current: Issued,
        stop: watch::Receiver<bool>,
    ) -> Result<()> {
        let mut revoked = Vec::new();
        while pause(&stop).await {
            // Nobody may notice, so nobody is told.
            mesh.client.rotate(&mesh.authority)?;
            for node in &mesh.nodes {
                let issued = mesh.authority.workload(&node.identity)?;
                node.certificates
                    .replace_credentials(issued.credentials()?)?;
            }
            count(&self.rotations);
            if !pause(&stop).await {
                break;
            }
            mesh.victim.place.fault_begins();
            revoked.push(current);
            self.revoke(mesh, &revoked).await?;
            current = mesh.victim.rotate(&mesh.authority)?;
            reached(mesh, Way::Victim).await?;
            sleep(SETTLE).await;
            mesh.victim.place.fault_ends();
            count(&self.revocations);
        }
        Ok(())
    }

    async fn revoke(&self, mesh: &Mesh, revoked: &[Issued]) -> Result<()> {
        let list = mesh.authority.revocation_list(revoked)?;
        let crls = Crls::parse(list.as_bytes())?;
        let heeded = mesh.nodes[LAST].certificates.revocations();
        let heeded = heeded.context("a server without revocations")?;
        let began = Instant::now();
        heeded.replace(crls);
        while mesh.victim.pool.stats().streams > 0 {
            if began.elapsed() > RECOVERY {
                bail!("the tunnels of a revoked peer live on");
            }
            sleep(Duration::from_millis(2)).await;
        }
        let took = u64::try_from(began.elapsed().as_micros())?;
        self.slowest_revocation.fetch_max(took, Ordering::Relaxed);
        // Those who are still refused now do not make it worse.
        sleep(Duration::from_millis(100)).await;
        Ok(())
    }
}

/// Whether to go on after a pause.
async fn pause(stop: &watch::Receiver<bool>) -> bool {
    let mut stop = stop.clone();
    let told = stop.wait_for(|stop| *stop);
    timeout(PAUSE, told).await.is_err()
}

fn ways_over(nodes: &[std::sync::Arc<crate::node::Node>], name: &str) -> Vec<Way> {
    let index = nodes.iter().position(|node| node.name == name);
    match index {
        Some(GATEWAY) => vec![Way::Double],
        // The victim may be without a certificate just now.
        Some(LAST) => vec![Way::To(LAST), Way::Double],
        Some(index) => vec![Way::To(index)],
        None => Vec::new(),
    }
}

/// Waits until a tunnel can be opened again.
async fn reached(mesh: &Mesh, way: Way) -> Result<()> {
    let route = mesh.route(way)?;
    let pool = &mesh.client(way).pool;
    let began = Instant::now();
    while let Err(error) = pool.connect(&route).await {
        if began.elapsed() > RECOVERY {
            return Err(error).with_context(|| format!("{way:?} does not come back"));
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
