use std::pin::pin;
use std::time::{Duration, Instant};

use crate::mesh_file::{MeshWatch, Site};
use hbone::Cut;
use hbone::mesh::{Directory, Health, Workload};
use tokio::time::sleep_until;
use tokio_hbone::{Breakable, Copied, Tunnel, TunnelHandle, copy_bidirectional};

use crate::eastwest_gateway::asked::Asked;

/// Carries the bytes of a tunnel for as long as the mesh lets it be.
///
/// Once its receiver is unhealthy or gone, the tunnel may go on for `grace`, and is reset then. A gateway has no gentler word: what
/// its client uses is the connection inside, and only its other end can take leave of that (a node proxy that drains does so
/// with GOAWAY, which goes through here like everything else). To the client, a reset is the loss of that connection, never its end.
///
/// Specification: HBONE-G-003.
pub(crate) async fn carry(
    tunnel: &mut Tunnel,
    upstream: &mut impl Breakable,
    handle: &TunnelHandle,
    mesh: &MeshWatch,
    (asked, receiver): (&Asked, &Workload),
    grace: Duration,
) -> Copied {
    let mut changes = mesh.changes();
    changes.mark_changed(); // it may have changed since it was asked
    let mut copying = pin!(copy_bidirectional(tunnel, upstream));
    let mut leaving: Option<Instant> = None;
    loop {
        tokio::select! {
            copied = &mut copying => return copied,
            Ok(()) = changes.changed() => {
                let site = changes.borrow_and_update();
                if !asked.is_allowed_by(&site) {
                    handle.cut(Cut::Revoked);
                }
                leaving = match is_serving(&site, receiver) {
                    true => None,
                    false => leaving.or_else(|| Instant::now().checked_add(grace)),
                };
            }
            () = until(leaving) => {
                handle.cut(Cut::Drained);
                leaving = None;
            }
        }
    }
}

/// Whether new tunnels may lead there, as far as the mesh file says.
fn is_serving(site: &Site, receiver: &Workload) -> bool {
    let now = site.mesh().workload(&receiver.uid);
    now.is_some_and(|now| now.health == Health::Healthy || receiver.health != Health::Healthy)
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}
