//! Who is led through a service's waypoint.

use hbone::{Connect, IstioSource};
use serde_json::{Value, json};
use tokio_hbone::Pool;

use crate::endpoint::Endpoint;
use crate::world::{AT_ONCE, SERVICE, World, ask, id};

const WAYPOINT: u8 = 20;
const POD: u8 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_say_so_passes_a_waypoint_by() {
    let world = World::new();
    let believe = format!("gateway={}", id("ingress"));
    let _gateway = world.start(&mesh(&world), &["--believe", &believe]).await;
    let _pod = Endpoint::start(world.ip(POD), POD, AT_ONCE).await;
    let _waypoint = Endpoint::start(world.ip(WAYPOINT), WAYPOINT, AT_ONCE).await;
    for (account, says, leads) in [
        ("client", None, WAYPOINT),
        ("client", Some(IstioSource::Sidecar), WAYPOINT),
        ("client", Some(IstioSource::Waypoint), WAYPOINT),
        ("client", Some(IstioSource::Gateway), WAYPOINT),
        ("waypoint", None, WAYPOINT),
        ("waypoint", Some(IstioSource::Waypoint), POD),
        ("waypoint", Some(IstioSource::Gateway), WAYPOINT),
        ("ingress", Some(IstioSource::Gateway), POD),
        ("ingress", Some(IstioSource::Waypoint), WAYPOINT),
    ] {
        // [R14] [R15] [R16] [R51]
        let led = lead(&world, account, says).await;
        assert_eq!(led, leads, "{account}, who says {says:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_can_be_believed_and_a_service_can_ask_ingress_to_pass_its_waypoint() {
    let world = World::new();
    let mut mesh = mesh(&world);
    mesh["services"][0]["ingressUseWaypoint"] = true.into();
    let _gateway = world
        .start(
            &mesh,
            &["--believe", "waypoint=*", "--believe", "gateway=*"],
        )
        .await;
    let _pod = Endpoint::start(world.ip(POD), POD, AT_ONCE).await;
    let _waypoint = Endpoint::start(world.ip(WAYPOINT), WAYPOINT, AT_ONCE).await;
    assert_eq!(
        lead(&world, "client", Some(IstioSource::Waypoint)).await,
        POD
    );
    assert_eq!(
        lead(&world, "client", Some(IstioSource::Gateway)).await,
        WAYPOINT
    );
}

async fn lead(world: &World, account: &str, says: Option<IstioSource>) -> u8 {
    let mut connect = Connect::new(SERVICE.parse().expect("an authority"));
    connect.source = says;
    let pool = Pool::new(world.connector(account));
    ask(&pool, &world.route_of(connect))
        .await
        .expect("a tunnel")
}

/// `echo` with a waypoint.
fn mesh(world: &World) -> Value {
    let mut mesh = world.mesh(&[(POD, 1, true)]);
    mesh["services"][0]["waypoint"] =
        json!({"destination": format!("west/{}", world.ip(WAYPOINT)), "hboneMtlsPort": 15008});
    let waypoint = json!({
        "uid": "waypoint", "name": "waypoint", "namespace": "shop", "serviceAccount": "waypoint", "network": "west",
        "workloadIps": [world.ip(WAYPOINT)], "protocol": "HBONE",
    });
    mesh["workloads"]
        .as_array_mut()
        .expect("a list")
        .push(waypoint);
    mesh
}
