use std::sync::Arc;

use hbone_examples::wire::{Frame, Seen};

use super::world::World;
use crate::case::{Case, Complaint, Group, must};

/// Addresses of the host itself and of its surroundings, in every spelling.
const ADDRESSES: [(&str, &str); 16] = [
    ("the metadata service", "169.254.169.254:80"),
    ("the same, mapped into IPv6", "[::ffff:169.254.169.254]:80"),
    (
        "the same, mapped and in hexadecimal",
        "[::ffff:a9fe:a9fe]:80",
    ),
    ("the same, compatible", "[::169.254.169.254]:80"),
    ("the same through NAT64", "[64:ff9b::a9fe:a9fe]:80"),
    ("the same through local NAT64", "[64:ff9b:1::a9fe:a9fe]:80"),
    ("the same through 6to4", "[2002:a9fe:a9fe::1]:80"),
    (
        "the same through Teredo",
        "[2001:0:5ef5:79fd:0:0:5601:5601]:80",
    ),
    ("IPv6's metadata service", "[fd00:ec2::254]:80"),
    ("link-local IPv6", "[fe80::1]:80"),
    ("unspecified IPv4", "0.0.0.0:80"),
    ("unspecified IPv6", "[::]:80"),
    ("multicast IPv4", "224.0.0.1:80"),
    ("multicast IPv6", "[ff02::1]:80"),
    ("broadcast", "255.255.255.255:80"),
    ("this network", "0.1.2.3:80"),
];

pub(super) fn group() -> Group<Arc<World>> {
    let mut cases: Vec<_> = ADDRESSES
        .into_iter()
        .map(|(what, authority)| {
            let title = format!("{what}: {authority}");
            Case::must("HBONE-Q-002", title, move |world: Arc<World>| async move {
                denied(&world, authority).await
            })
        })
        .collect();
    for port in [15001, 15006, 15008] {
        let title = format!("Istio's own port {port} at the authority's address");
        cases.push(Case::must(
            "HBONE-S-011",
            title,
            move |world: Arc<World>| async move {
                let (host, _) = world.authority.rsplit_once(':').unwrap_or_default();
                denied(&world, &format!("{host}:{port}")).await
            },
        ));
    }
    cases.push(Case::must(
        "HBONE-S-011",
        "the server's own listener",
        |world: Arc<World>| async move { denied(&world, &world.target.to_string()).await },
    ));
    Group {
        title: "Destinations that are not served",
        cases,
    }
}

/// That nobody gets a tunnel there, whatever the reason that is given.
async fn denied(world: &World, authority: &str) -> Result<(), Complaint> {
    let mut link = world.link().await?;
    link.send([Frame::headers(
        1,
        &[(":method", "CONNECT"), (":authority", authority)],
    )])
    .await;
    let seen = link.answer(1).await;
    let fits = match &seen {
        Seen::Head(head) => head.status().is_some_and(|status| status >= 400),
        Seen::Reset(_) => true,
        _ => false,
    };
    must(fits, "a refusal", seen)?;
    world.keeps(link, 3).await
}
