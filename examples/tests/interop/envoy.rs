//! Envoy as server, as client, as east-west gateway, and as double client.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use hbone::{Connect, DialCause, EstablishError, Hop, Identity, Network, RequestError, Route};
use http::{HeaderValue, StatusCode};
use tokio::net::TcpStream;
use tokio_hbone::Connector;

use crate::application::{echo, much, ping};
use crate::available::available;
use crate::ours::{Ours, text};
use crate::pki::{Pki, id};
use crate::process::{Process, free_address};

pub(crate) const SERVICE: &str = "echo.default.svc.cluster.local:8080";
const CLIENT: &str = "k8s.cluster.name=c1,k8s.deployment.name=client,service.name=client";
pub(crate) const ENVOY: &str = "k8s.deployment.name=envoy,service.name=envoy";

#[tokio::test]
async fn our_client_speaks_to_envoy() {
    let Some(envoy) = binary() else { return };
    let pki = Pki::new("terminate");
    let (peer, at) = terminate(&envoy, &pki, echo().await).await;

    let connector = Connector::new(pki.client("client"));
    let mut tunnel = connector
        .connect(&route(at, connect("10.0.0.2:8080")))
        .await
        .expect("a tunnel");
    assert_eq!(tunnel.peer().to_string(), id("server"));
    let answer = &tunnel.answers()[0];
    assert_eq!(text(&answer.accept.baggage), [ENVOY]);
    assert_eq!(answer.headers["server"], "envoy");
    ping(&mut tunnel, &much()).await;

    let seen = peer.line(|line| line["log"] == "terminate").await;
    assert_eq!(seen["authority"], "10.0.0.2:8080");
    assert_eq!(seen["baggage"], CLIENT);
    assert_eq!(seen["peer_san"], id("client"));
    assert_eq!((&seen["code"], &seen["flags"]), (&200.into(), &"-".into()));
}

#[tokio::test]
async fn envoys_refusals_are_told_apart() {
    let Some(envoy) = binary() else { return };
    let pki = Pki::new("refusals");
    let nobody = free_address();
    let (_peer, at) = terminate(&envoy, &pki, nobody).await;
    let route = route(at, connect("10.0.0.2:8080"));

    let dead = Connector::new(pki.client("client"))
        .connect(&route)
        .await
        .expect_err("nobody there");
    assert!(
        matches!(&dead.cause, DialCause::Request(RequestError::Refused(refused))
            if refused.status() == StatusCode::SERVICE_UNAVAILABLE),
        "{dead}"
    );

    // A certificate of another trust domain: refused by a TLS 1.3 server, so only after our own handshake is done.
    let stranger = pki.client_as("spiffe://elsewhere/ns/default/sa/client");
    let refused = Connector::new(stranger)
        .connect(&route)
        .await
        .expect_err("a stranger");
    assert!(
        matches!(
            refused.cause,
            DialCause::Establish(EstablishError::CertificateRefused { late: true, .. })
        ),
        "{refused}"
    );

    let mut wrong = route.clone();
    for hop in wrong.hops_mut() {
        hop.expect = Identity::parse(&id("somebody-else")).expect("an id").into();
    }
    let wrong = Connector::new(pki.client("client"))
        .connect(&wrong)
        .await
        .expect_err("not that one");
    assert!(
        matches!(
            wrong.cause,
            DialCause::Establish(EstablishError::PeerIdentity(_))
        ),
        "{wrong}"
    );
}

#[tokio::test]
async fn envoy_speaks_to_our_server() {
    let Some(envoy) = binary() else { return };
    let pki = Pki::new("originate");
    let ours = Ours::start(pki.server("server"), echo().await, "service.name=ours").await;
    let (peer, at) = originate(&envoy, &pki, ours.address, "10.0.0.2:8080").await;

    for _ in 0..3 {
        ping(&mut TcpStream::connect(at).await.expect("Envoy"), &much()).await;
    }
    let (who, connect) = ours.seen().pop().expect("a CONNECT");
    assert_eq!(who.to_string(), id("client"));
    assert_eq!(connect.authority.to_string(), "10.0.0.2:8080");
    assert_eq!(text(&connect.baggage), [ENVOY]);
    assert!(connect.forwarded.is_some() && connect.origin_network.is_none());
    let seen = peer.line(|line| line["bytes_in"].as_u64() > Some(0)).await;
    assert!(
        seen["response_headers"]
            .to_string()
            .contains("service.name=ours"),
        "{seen}"
    );
    assert!(seen["failure"].is_null(), "{seen}");
}

#[tokio::test]
async fn our_double_hbone_passes_envoys_gateway_to_envoy() {
    let Some(envoy) = binary() else { return };
    let pki = Pki::new("eastwest");
    let application = echo().await;
    let (first, one) = terminate(&envoy, &pki, application).await;
    let (second, two) = terminate(&envoy, &pki, application).await;
    let (gateway, at) = eastwest(&envoy, &pki, one, two).await;

    let connector = Connector::new(pki.client("client"));
    for _ in 0..2 {
        let mut tunnel = connector.connect(&double(at)).await.expect("a tunnel");
        let peers: Vec<_> = tunnel
            .answers()
            .iter()
            .map(|answer| answer.peer.to_string())
            .collect();
        assert_eq!(peers, [id("gateway"), id("server")]);
        ping(&mut tunnel, &much()).await;
    }
    for pod in [first, second] {
        let seen = pod.line(|line| line["log"] == "terminate").await;
        assert_eq!(seen["authority"], SERVICE);
        assert_eq!(seen["baggage"], CLIENT);
        assert_eq!(seen["x_forwarded_network"], "net1");
        assert_eq!(
            seen["peer_san"],
            id("client"),
            "the client's own identity, not the gateway's"
        );
    }
    let seen = gateway.line(|line| line["log"] == "eastwest").await;
    assert_eq!(seen["authority"], SERVICE);
    assert!(seen["x_forwarded_network"].is_null());
}

#[tokio::test]
async fn our_double_hbone_passes_envoys_gateway_to_our_server() {
    let Some(envoy) = binary() else { return };
    let pki = Pki::new("through");
    let ours = Ours::start(pki.server("server"), echo().await, "service.name=ours").await;
    let (_gateway, at) = eastwest(&envoy, &pki, ours.address, ours.address).await;

    let connector = Connector::new(pki.client("client"));
    let mut tunnel = connector.connect(&double(at)).await.expect("a tunnel");
    let answers: Vec<_> = tunnel
        .answers()
        .iter()
        .map(|answer| text(&answer.accept.baggage))
        .collect();
    assert_eq!(answers, [[ENVOY], ["service.name=ours"]]);
    ping(&mut tunnel, &much()).await;
    let (who, connect) = ours.seen().pop().expect("a CONNECT");
    assert_eq!(
        (who.to_string(), connect.origin_network),
        (id("client"), Network::parse("net1").ok())
    );
}

#[tokio::test]
async fn envoys_double_hbone_passes_our_gateway_to_our_server() {
    let Some(envoy) = binary() else { return };
    let pki = Pki::new("double");
    let ours = Ours::start(pki.server("server"), echo().await, "service.name=ours").await;
    let gateway = Ours::start(pki.server("gateway"), ours.address, "service.name=gateway").await;
    let at = free_address();
    let mut values = hbone_values(&pki, at, "client");
    values.push(("SERVICE", SERVICE.into()));
    values.push(("PEER_SAN", id("server")));
    values.push(("GATEWAY_SAN", id("gateway")));
    values.push(("GW_HOST", gateway.address.ip().to_string()));
    values.push(("GW_PORT", gateway.address.port().to_string()));
    let peer = start(&envoy, &pki, "double", &values).listens(at).await;

    ping(&mut TcpStream::connect(at).await.expect("Envoy"), &much()).await;
    let (_, outer) = gateway.seen().pop().expect("an outer CONNECT");
    assert_eq!(outer.authority.to_string(), SERVICE);
    assert_eq!(
        outer.source.map(hbone::IstioSource::as_str),
        Some("sidecar")
    );
    assert!(outer.baggage.is_empty());
    let (who, inner) = ours.seen().pop().expect("an inner CONNECT");
    assert_eq!(who.to_string(), id("client"));
    assert_eq!(
        (text(&inner.baggage), inner.origin_network),
        (vec![ENVOY], Network::parse("net1").ok())
    );
    let seen = peer
        .line(|line| line["log"] == "double_inner" && line["bytes_in"].as_u64() > Some(0))
        .await;
    assert!(
        seen["response_headers"]
            .to_string()
            .contains("service.name=ours"),
        "{seen}"
    );
}

pub(crate) fn connect(authority: &str) -> Connect {
    let mut connect = Connect::new(authority.parse().expect("an authority"));
    connect.baggage = [HeaderValue::from_static(CLIENT)].into_iter().collect();
    connect
}

fn route(at: SocketAddr, connect: Connect) -> Route {
    let server = Identity::parse(&id("server")).expect("an id");
    Route::new(at, Hop::new(connect, server.into()))
}

pub(crate) fn double(gateway: SocketAddr) -> Route {
    let expect = |name| Identity::parse(&id(name)).expect("an id").into();
    let mut inner = connect(SERVICE);
    inner.origin_network = Network::parse("net1").ok();
    Route::new(gateway, Hop::new(connect(SERVICE), expect("gateway")))
        .through(Hop::new(inner, expect("server")))
}

/// Envoy as a server that leads every tunnel to the application.
pub(crate) async fn terminate(
    envoy: &str,
    pki: &Pki,
    application: SocketAddr,
) -> (Process, SocketAddr) {
    let at = free_address();
    (terminate_at(envoy, pki, at, application).await, at)
}

/// Envoy as server, at this address.
pub(crate) async fn terminate_at(
    envoy: &str,
    pki: &Pki,
    at: SocketAddr,
    application: SocketAddr,
) -> Process {
    let mut values = hbone_values(pki, at, "server");
    values.push(("APP_HOST", application.ip().to_string()));
    values.push(("APP_PORT", application.port().to_string()));
    start(envoy, pki, "terminate", &values).listens(at).await
}

/// Envoy as a client that leads local TCP through tunnels to `authority`.
pub(crate) async fn originate(
    envoy: &str,
    pki: &Pki,
    server: SocketAddr,
    authority: &str,
) -> (Process, SocketAddr) {
    let at = free_address();
    let mut values = hbone_values(pki, at, "client");
    values.push(("AUTHORITY", authority.to_owned()));
    values.push(("PEER_SAN", id("server")));
    values.push(("HBONE_HOST", server.ip().to_string()));
    values.push(("HBONE_PORT", server.port().to_string()));
    (
        start(envoy, pki, "originate", &values).listens(at).await,
        at,
    )
}

async fn eastwest(
    envoy: &str,
    pki: &Pki,
    one: SocketAddr,
    two: SocketAddr,
) -> (Process, SocketAddr) {
    eastwest_for(envoy, pki, SERVICE, one, two).await
}

/// Envoy as an east-west gateway in front of two servers of this service.
pub(crate) async fn eastwest_for(
    envoy: &str,
    pki: &Pki,
    service: &str,
    one: SocketAddr,
    two: SocketAddr,
) -> (Process, SocketAddr) {
    let at = free_address();
    let mut values = hbone_values(pki, at, "gateway");
    values.push(("SERVICE", service.to_owned()));
    for (host, port, address) in [("EP1_HOST", "EP1_PORT", one), ("EP2_HOST", "EP2_PORT", two)] {
        values.push((host, address.ip().to_string()));
        values.push((port, address.port().to_string()));
    }
    (start(envoy, pki, "eastwest", &values).listens(at).await, at)
}

pub(crate) fn hbone_values(pki: &Pki, at: SocketAddr, leaf: &str) -> Vec<(&'static str, String)> {
    vec![
        ("BIND", at.ip().to_string()),
        ("PORT", at.port().to_string()),
        ("CERTS", pki.folder().display().to_string()),
        ("LEAF", leaf.to_owned()),
        ("TD", "cluster.local".to_owned()),
        ("NET", "net1".to_owned()),
        ("SOURCE", "sidecar".to_owned()),
        ("BAGGAGE", ENVOY.to_owned()),
    ]
}

pub(crate) fn start(envoy: &str, pki: &Pki, template: &str, values: &[(&str, String)]) -> Process {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/peers");
    let text = std::fs::read_to_string(format!("{folder}/{template}.yaml")).expect("the template");
    let text = values.iter().fold(text, |text, (key, value)| {
        text.replace(&format!("@{key}@"), value)
    });
    let port = &values
        .iter()
        .find(|(key, _)| *key == "PORT")
        .expect("a port")
        .1;
    let file = pki.folder().join(format!("{template}-{port}.yaml"));
    std::fs::write(&file, text).expect("the configuration");
    let mut command = Command::new(envoy);
    command.arg("-c").arg(file).stderr(Stdio::inherit());
    command.args([
        "--disable-hot-restart",
        "--concurrency",
        "1",
        "--log-level",
        "error",
    ]);
    command.args(["--file-flush-interval-msec", "50"]);
    Process::start(&mut command)
}

/// Where Envoy is, if it is.
pub(crate) fn binary() -> Option<String> {
    let envoy = std::env::var("ENVOY").ok();
    available("Envoy ($ENVOY)", envoy.is_some())
        .then_some(envoy)
        .flatten()
}
