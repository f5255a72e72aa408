//! Two networks whose pods have the same addresses: a client's node proxy and a waypoint in network a, an east-west gateway
//! and a server's node proxy in network b. The label sets of all four are asserted whole.
//!
//! ```text
//!  network a                             network b
//!  client 10.0.0.5 ─ node proxy          server 10.0.0.5 ─ node proxy
//!        └─ HBONE ─> waypoint 10.0.0.8 ── outer ──> gateway 10.0.0.9 ── inner ─> ┘
//!  bystanders 10.0.0.9                   bystanders 10.0.0.8
//! ```

mod world;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::{HeaderValue, StatusCode};
use peer_meta::labels::{HttpLabels, HttpOutcome, LabelDialect, Report, TcpLabels};
use peer_meta::{
    DestinationService, DirectoryEntry, Exchange, ExchangeConfig, Hop, Role, Side, Target,
};
use world::{epoch, id, ip, lines, name_of, own, seconds, whole, workload};

/// Who has an address in a network. Both networks use the same addresses.
fn directory(network: &str, address: IpAddr) -> Option<DirectoryEntry> {
    let last = match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(_) => return None,
    };
    let (name, cluster) = match (network, last) {
        ("a", 5) => ("client", "c1"),
        ("a", 8) => ("waypoint", "c1"),
        ("a", 9) => ("bystander-a", "c1"),
        ("b", 5) => ("server", "c2"),
        ("b", 8) => ("bystander-b", "c2"),
        ("b", 9) => ("gateway", "c2"),
        _ => return None,
    };
    Some(DirectoryEntry::new(workload(name, cluster), network).with_identity(id(name)))
}

/// How the destination's node proxy answers the inner CONNECT.
enum Answer {
    Honest,
    /// With this baggage instead of its own.
    Lie(&'static str),
    Never,
}

struct Mesh {
    client: Exchange,
    waypoint: Exchange,
    gateway: Exchange,
    server: Exchange,
    now: Instant,
}

impl Mesh {
    /// Everything up to the answer of the far end.
    fn connect(config: ExchangeConfig, answer: &Answer) -> Self {
        let now = epoch();
        let begin = |role, name, cluster, network| {
            Exchange::new(role, &config, own(name, cluster, network), now)
        };
        let mut mesh = Self {
            client: begin(Role::SourceNodeProxy, "client", "c1", "a"),
            waypoint: begin(Role::Waypoint, "waypoint", "c1", "a"),
            gateway: begin(Role::EastWestGateway, "gateway", "c2", "b"),
            server: begin(Role::DestinationNodeProxy, "server", "c2", "b"),
            now,
        };
        mesh.client_to_waypoint();
        mesh.waypoint_to_gateway();
        mesh.waypoint_to_server(answer);
        mesh
    }

    fn client_to_waypoint(&mut self) {
        self.client.dial(Target::Address(ip("10.0.0.8")), self.now);
        look_up(&mut self.client);
        self.client
            .handle_connected(Hop::Single, Some(id("waypoint")));
        self.waypoint.handle_accepted(Some(id("client")));
        let told = self.client.request_baggage(Hop::Single);
        self.waypoint
            .handle_request(ip("10.0.0.5"), None, told.iter());
        look_up(&mut self.waypoint);
        let told = self.waypoint.response_baggage(StatusCode::OK);
        self.client.handle_response(Hop::Single, told.iter());
    }

    fn waypoint_to_gateway(&mut self) {
        self.waypoint.dial(Target::OtherNetwork, self.now);
        self.waypoint
            .handle_connected(Hop::Outer, Some(id("gateway")));
        self.gateway.handle_accepted(Some(id("waypoint")));
        let told = self.waypoint.request_baggage(Hop::Outer);
        self.gateway
            .handle_request(ip("10.0.0.8"), None, told.iter());
        self.gateway.dial(Target::Address(ip("10.0.0.5")), self.now);
        look_up(&mut self.gateway);
        let told = self.gateway.response_baggage(StatusCode::OK);
        self.waypoint.handle_response(Hop::Outer, told.iter());
    }

    fn waypoint_to_server(&mut self, answer: &Answer) {
        self.waypoint
            .handle_connected(Hop::Inner, Some(id("server")));
        self.server.handle_accepted(Some(id("waypoint")));
        let told = self.waypoint.request_baggage(Hop::Inner);
        self.server
            .handle_request(ip("10.0.0.9"), Some(b"a"), told.iter());
        look_up(&mut self.server);
        let told = match answer {
            Answer::Honest => self.server.response_baggage(StatusCode::OK),
            Answer::Lie(lie) => Some(HeaderValue::from_static(lie)),
            Answer::Never => return,
        };
        self.waypoint.handle_response(Hop::Inner, told.iter());
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        for exchange in [
            &mut self.client,
            &mut self.waypoint,
            &mut self.gateway,
            &mut self.server,
        ] {
            exchange.handle_timeout(self.now);
        }
    }

    fn settled(&self) -> [bool; 4] {
        [&self.client, &self.waypoint, &self.gateway, &self.server].map(Exchange::is_settled)
    }
}

/// Answers every lookup from the directory of the proxy's own network.
fn look_up(exchange: &mut Exchange) {
    while let Some((side, address)) = exchange.poll_lookup() {
        let network = exchange.own().network().clone();
        exchange.handle_lookup(side, address, directory(&network, address));
    }
}

fn service() -> DestinationService {
    DestinationService::new("server.server-ns.svc.cluster.local", "server", "server-ns")
}

fn tcp(exchange: &Exchange, dialect: LabelDialect) -> String {
    let service = service();
    let report = Report::of(exchange).with_service(Some(&service));
    whole(TcpLabels::new(&report, dialect).iter())
}

fn http(exchange: &Exchange) -> String {
    let service = service();
    let report = Report::of(exchange).with_service(Some(&service));
    whole(
        HttpLabels::new(
            &report,
            HttpOutcome::Http { code: 200 },
            LabelDialect::Envoy,
        )
        .iter(),
    )
}

const CLIENTS: &str = "
    reporter=source
    source_workload=client-v1
    source_canonical_service=client
    source_canonical_revision=v1
    source_workload_namespace=client-ns
    source_principal=spiffe://mesh/ns/client-ns/sa/client
    source_app=client
    source_version=v1
    source_cluster=c1
    destination_service=server.server-ns.svc.cluster.local
    destination_service_namespace=server-ns
    destination_service_name=server
    destination_workload=waypoint-v1
    destination_canonical_service=waypoint
    destination_canonical_revision=v1
    destination_workload_namespace=waypoint-ns
    destination_principal=spiffe://mesh/ns/waypoint-ns/sa/waypoint
    destination_app=waypoint
    destination_version=v1
    destination_cluster=c1
    request_protocol=tcp
    response_flags=-
    connection_security_policy=mutual_tls
    source_region=c1-r
    source_zone=c1-z
    destination_region=c1-r
    destination_zone=c1-z";

const GATEWAYS: &str = "
    reporter=source
    source_workload=gateway-v1
    source_canonical_service=gateway
    source_canonical_revision=v1
    source_workload_namespace=gateway-ns
    source_principal=unknown
    source_app=gateway
    source_version=v1
    source_cluster=c2
    destination_workload=server-v1
    destination_workload_namespace=server-ns
    destination_principal=unknown
    destination_app=server
    destination_version=v1
    destination_service=server.server-ns.svc.cluster.local
    destination_canonical_service=server
    destination_canonical_revision=v1
    destination_service_name=server
    destination_service_namespace=server-ns
    destination_cluster=c2
    request_protocol=tcp
    response_flags=-
    connection_security_policy=unknown";

#[test]
fn with_baggage_all_four_know_whom_they_deal_with() {
    let mesh = Mesh::connect(ExchangeConfig::new(), &Answer::Honest);
    assert_eq!(mesh.settled(), [true; 4]);
    assert_eq!(tcp(&mesh.client, LabelDialect::Ztunnel), lines(CLIENTS));
    assert_eq!(
        http(&mesh.waypoint),
        lines(
            "reporter=waypoint
            source_workload=client-v1
            source_canonical_service=client
            source_canonical_revision=v1
            source_workload_namespace=client-ns
            source_principal=spiffe://mesh/ns/client-ns/sa/client
            source_app=client
            source_version=v1
            source_cluster=c1
            destination_workload=server-v1
            destination_workload_namespace=server-ns
            destination_principal=spiffe://mesh/ns/server-ns/sa/server
            destination_app=server
            destination_version=v1
            destination_service=server.server-ns.svc.cluster.local
            destination_canonical_service=server
            destination_canonical_revision=v1
            destination_service_name=server
            destination_service_namespace=server-ns
            destination_cluster=c2
            request_protocol=http
            response_code=200
            grpc_response_status=
            response_flags=-
            connection_security_policy=mutual_tls"
        )
    );
    assert_eq!(tcp(&mesh.gateway, LabelDialect::Envoy), lines(GATEWAYS));
    assert_eq!(
        tcp(&mesh.server, LabelDialect::Ztunnel),
        lines(
            "reporter=destination
            source_workload=waypoint-v1
            source_canonical_service=waypoint
            source_canonical_revision=v1
            source_workload_namespace=waypoint-ns
            source_principal=spiffe://mesh/ns/waypoint-ns/sa/waypoint
            source_app=waypoint-v1
            source_version=v1
            source_cluster=c1
            destination_service=server.server-ns.svc.cluster.local
            destination_service_namespace=server-ns
            destination_service_name=server
            destination_workload=server-v1
            destination_canonical_service=server
            destination_canonical_revision=v1
            destination_workload_namespace=server-ns
            destination_principal=spiffe://mesh/ns/server-ns/sa/server
            destination_app=server
            destination_version=v1
            destination_cluster=c2
            request_protocol=tcp
            response_flags=-
            connection_security_policy=mutual_tls
            source_region=c1-r
            source_zone=c1-z
            destination_region=c2-r
            destination_zone=c2-z"
        )
    );
}

const WAYPOINT_IN_THE_DARK: &str = "
    reporter=waypoint
    source_workload=client-v1
    source_canonical_service=client
    source_canonical_revision=v1
    source_workload_namespace=client-ns
    source_principal=spiffe://mesh/ns/client-ns/sa/client
    source_app=client
    source_version=v1
    source_cluster=c1
    destination_workload=unknown
    destination_workload_namespace=unknown
    destination_principal=spiffe://mesh/ns/server-ns/sa/server
    destination_app=unknown
    destination_version=unknown
    destination_service=server.server-ns.svc.cluster.local
    destination_canonical_service=unknown
    destination_canonical_revision=unknown
    destination_service_name=server
    destination_service_namespace=server-ns
    destination_cluster=unknown
    request_protocol=http
    response_code=200
    grpc_response_status=
    response_flags=-
    connection_security_policy=mutual_tls";

#[test]
fn without_baggage_each_network_still_knows_its_own_and_guesses_nothing_of_the_other() {
    let mesh = Mesh::connect(ExchangeConfig::new().with_exchange(false), &Answer::Honest);
    assert_eq!(mesh.settled(), [true; 4]);
    assert_eq!(tcp(&mesh.client, LabelDialect::Ztunnel), lines(CLIENTS));
    assert_eq!(http(&mesh.waypoint), lines(WAYPOINT_IN_THE_DARK));
    assert_eq!(tcp(&mesh.gateway, LabelDialect::Envoy), lines(GATEWAYS));
    assert_eq!(
        tcp(&mesh.server, LabelDialect::Ztunnel),
        lines(
            "reporter=destination
            source_workload=unknown
            source_canonical_service=unknown
            source_canonical_revision=unknown
            source_workload_namespace=unknown
            source_principal=spiffe://mesh/ns/waypoint-ns/sa/waypoint
            source_app=unknown
            source_version=unknown
            source_cluster=unknown
            destination_service=server.server-ns.svc.cluster.local
            destination_service_namespace=server-ns
            destination_service_name=server
            destination_workload=server-v1
            destination_canonical_service=server
            destination_canonical_revision=v1
            destination_workload_namespace=server-ns
            destination_principal=spiffe://mesh/ns/server-ns/sa/server
            destination_app=server
            destination_version=v1
            destination_cluster=c2
            request_protocol=tcp
            response_flags=-
            connection_security_policy=mutual_tls
            source_region=unknown
            source_zone=unknown
            destination_region=c2-r
            destination_zone=c2-z"
        )
    );
}

#[test]
fn the_gateway_does_not_take_the_waypoint_for_the_pod_that_has_its_address_here() {
    let mesh = Mesh::connect(ExchangeConfig::new(), &Answer::Honest);
    assert_eq!(mesh.gateway.downstream().identity(), Some(&*id("waypoint")));
    assert_eq!(
        name_of(mesh.gateway.downstream()),
        None,
        "bystander-b would be a wrong guess"
    );
}

/// HBONE-I-010, HBONE-O-001.
#[test]
fn a_lying_peer_is_quoted_but_its_identity_is_the_one_it_proved() {
    let lie = Answer::Lie(
        "k8s.cluster.name=c1,k8s.namespace.name=kube-system,k8s.pod.name=spiffe://mesh/ns/root/sa/root,\
         service.name=bank,destination_principal=spiffe://mesh/ns/root/sa/root,service.version=%0d%0aevil",
    );
    let mesh = Mesh::connect(ExchangeConfig::new(), &lie);
    assert_eq!(
        http(&mesh.waypoint),
        lines(
            "reporter=waypoint
            source_workload=client-v1
            source_canonical_service=client
            source_canonical_revision=v1
            source_workload_namespace=client-ns
            source_principal=spiffe://mesh/ns/client-ns/sa/client
            source_app=client
            source_version=v1
            source_cluster=c1
            destination_workload=spiffe://mesh/ns/root/sa/root
            destination_workload_namespace=kube-system
            destination_principal=spiffe://mesh/ns/server-ns/sa/server
            destination_app=bank
            destination_version=__evil
            destination_service=server.server-ns.svc.cluster.local
            destination_canonical_service=bank
            destination_canonical_revision=__evil
            destination_service_name=server
            destination_service_namespace=server-ns
            destination_cluster=c1
            request_protocol=http
            response_code=200
            grpc_response_status=
            response_flags=-
            connection_security_policy=mutual_tls"
        )
    );
}

#[test]
fn a_peer_that_never_answers_is_reported_as_unknown_after_the_deadline() {
    let mut mesh = Mesh::connect(ExchangeConfig::new(), &Answer::Never);
    assert_eq!(mesh.settled(), [true, false, true, true]);
    assert_eq!(mesh.waypoint.poll_timeout(), Some(mesh.now + seconds(5)));
    mesh.wait(seconds(4));
    assert!(!mesh.waypoint.is_settled());
    mesh.wait(seconds(1));
    assert_eq!(mesh.settled(), [true; 4]);
    assert_eq!(http(&mesh.waypoint), lines(WAYPOINT_IN_THE_DARK));
    let late = [HeaderValue::from_static("k8s.pod.name=late")];
    mesh.waypoint.handle_response(Hop::Inner, &late);
    assert_eq!(http(&mesh.waypoint), lines(WAYPOINT_IN_THE_DARK));
}

#[test]
fn a_directory_that_never_answers_holds_no_report_back_for_ever() {
    let now = epoch();
    let mut server = Exchange::new(
        Role::DestinationNodeProxy,
        &ExchangeConfig::new(),
        own("server", "c2", "b"),
        now,
    );
    server.handle_accepted(Some(id("client")));
    server.handle_request(
        ip("10.0.0.5"),
        None,
        &[HeaderValue::from_static("k8s.pod.name=client")],
    );
    assert_eq!(
        server.poll_lookup(),
        Some((Side::Downstream, ip("10.0.0.5")))
    );
    server.handle_timeout(now + seconds(5));
    assert!(server.is_settled());
    assert_eq!(name_of(server.downstream()), Some("client"));
}

#[test]
fn without_the_network_header_the_colliding_address_would_be_believed() {
    // Why `x-forwarded-network` is on the inner hop: this is the same request without it, and a directory that does not know
    // identities.
    let now = epoch();
    let mut server = Exchange::new(
        Role::DestinationNodeProxy,
        &ExchangeConfig::new(),
        own("server", "c2", "b"),
        now,
    );
    server.handle_accepted(Some(id("waypoint")));
    server.handle_request(
        ip("10.0.0.9"),
        None,
        &[HeaderValue::from_static("k8s.pod.name=waypoint")],
    );
    let gateway = DirectoryEntry::new(workload("gateway", "c2"), "b");
    server.handle_lookup(Side::Downstream, ip("10.0.0.9"), Some(gateway));
    assert_eq!(name_of(server.downstream()), Some("gateway-v1"));
}
