use std::collections::BTreeSet;
use std::sync::Arc;

use hbone_examples::wire::Frame;

use crate::case::{Case, Complaint, Group, Verdict, must};
use crate::server::{Tunnel, World, opened, refused};

pub(super) fn group(closed_port: u16, endpoints: usize) -> Group<Arc<World>> {
    let mut cases = vec![
        Case::must(
            "HBONE-G-001",
            "a service is served by its name",
            |world: Arc<World>| async move { world.lives().await },
        ),
        Case::must(
            "HBONE-C-012",
            "its name in upper case and with a dot behind is the same",
            |world: Arc<World>| async move {
                let (host, port) = world.authority.rsplit_once(':').unwrap_or_default();
                let other = format!("{}.:{port}", host.to_ascii_uppercase());
                serves(&world, &other, &[]).await
            },
        ),
        Case::must(
            "HBONE-G-001",
            "a name that nobody has: 503",
            |world: Arc<World>| async move {
                refuses(&world, "nobody.nowhere.svc.cluster.local:80", 503).await
            },
        ),
        Case::must(
            "HBONE-G-001",
            "an address of no service: 400",
            |world: Arc<World>| async move { refuses(&world, "192.0.2.1:80", 400).await },
        ),
        Case::must(
            "HBONE-G-001",
            "a port that the service does not expose: 503",
            move |world: Arc<World>| async move {
                let (host, _) = world.authority.rsplit_once(':').unwrap_or_default();
                refuses(&world, &format!("{host}:{closed_port}"), 503).await
            },
        ),
        Case::must(
            "HBONE-G-002",
            "each tunnel is a connection of its own",
            |world: Arc<World>| async move {
                let Tunnel { link, far, .. } = world.open().await?;
                let second = world.open_on(link, 3).await?;
                let apart = match (&far, &second.far) {
                    (Some(one), Some(two)) => one.peer_addr().ok() != two.peer_addr().ok(),
                    _ => false,
                };
                must(apart, "two connections to the endpoint", "one")
            },
        ),
        Case::must(
            "HBONE-G-002",
            "each endpoint gets its share",
            move |world: Arc<World>| async move { shares(&world, endpoints).await },
        ),
    ];
    for source in ["waypoint", "gateway", "sidecar", "moon", ""] {
        let title = format!("from x-istio-source {source:?}: served");
        cases.push(Case::must(
            "HBONE-H-009",
            title,
            move |world: Arc<World>| async move {
                serves(&world, &world.authority, &[("x-istio-source", source)]).await
            },
        ));
    }
    Group {
        title: "A gateway's routes",
        cases,
    }
}

async fn serves(world: &World, authority: &str, more: &[(&str, &str)]) -> Verdict {
    let mut fields = vec![(":method", "CONNECT"), (":authority", authority)];
    fields.extend_from_slice(more);
    let mut link = world.link().await?;
    link.send([Frame::headers(1, &fields)]).await;
    opened(link.answer(1).await).map(drop)
}

/// That of fifty tunnels some come to each endpoint.
async fn shares(world: &World, endpoints: usize) -> Verdict {
    if endpoints < 2 {
        return Err(Complaint::skipped("needs --endpoint twice"));
    }
    let (mut chosen, mut link) = (BTreeSet::new(), world.link().await?);
    for nth in 0..50 {
        let tunnel = world.open_on(link, 1 + 2 * nth).await?;
        let at = tunnel.far.as_ref().and_then(|far| far.local_addr().ok());
        chosen.extend(at);
        link = tunnel.link;
    }
    let told = format!("{} of them", chosen.len());
    must(chosen.len() == endpoints, "each endpoint, in fifty", told)
}

async fn refuses(world: &World, authority: &str, status: u16) -> Verdict {
    let fields = [(":method", "CONNECT"), (":authority", authority)];
    let mut link = world.link().await?;
    link.send([Frame::headers(1, &fields)]).await;
    refused(&link.answer(1).await, &[status], &[])?;
    world.keeps(link, 3).await
}
