//! What the mesh file may say, and what it means. What it may not say is tested with the node proxy, whose users meet it.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use hbone::authorization::Connection;
use hbone::mesh::{
    Directory, Entropy, Health, LoadBalancingMode, NetworkAddress, Protocol, Scope, Source,
    TunnelProtocol, Way, plan,
};
use hbone::{Authority, Network};
use hbone_examples::mesh_file::{MeshFile, MeshFileError};

fn parse(text: &str) -> MeshFile {
    read(text).expect("a mesh file")
}

fn read(text: &str) -> Result<MeshFile, MeshFileError> {
    MeshFile::parse(Path::new("mesh.yaml"), text)
}

/// In the form of the local configuration that comes with ztunnel: ports by service, policies as three nested lists, addresses
/// of the unnamed network.
const AS_ZTUNNEL_READS_IT: &str = r#"
workloads:
- uid: cluster1//v1/Pod/default/local
  name: local
  namespace: default
  serviceAccount: default
  workloadIps: ["127.0.0.1"]
  protocol: HBONE
  node: local
  network: ""
  services:
    "default/example.com":
      80: 8080
    "default/example2.com":
      80: 8080
- uid: cluster1//v1/Pod/default/local-tcp
  name: local-tcp
  namespace: default
  serviceAccount: default
  workloadIps: ["127.0.0.2"]
  protocol: TCP
  node: local
  network: ""
  services:
    "default/example.com":
      80: 8080
policies:
  - action: Allow
    rules:
    - - - notDestinationPorts:
          - 9999
    name: deny-9999
    namespace: default
    scope: Namespace
services:
- name: local
  namespace: default
  hostname: example.com
  vips:
    - /127.10.0.1
  ports:
    80: 8080
  subjectAltNames:
   - spiffe://cluster.local/ns/default/sa/local
- name: remote
  namespace: default
  hostname: example2.com
  vips:
    - remote/127.10.0.2
  ports:
    80: 8080
"#;

#[test]
fn a_file_for_ztunnel_loads_as_it_is() {
    let file = parse(AS_ZTUNNEL_READS_IT);
    let mesh = file.mesh();
    let local = mesh
        .workload("cluster1//v1/Pod/default/local")
        .expect("a workload");
    assert_eq!(
        local.identity.to_string(),
        "spiffe://cluster.local/ns/default/sa/default"
    );
    assert_eq!(local.protocol, Protocol::Hbone);
    let to: Authority = "127.10.0.1:80".parse().expect("an address");
    let plan = plan(mesh, Source::node_proxy(&local), &to, Entropy::new(0)).expect("a plan");
    assert_eq!(plan.way, Way::Direct);
    assert_eq!(plan.legs[0].authority.to_string(), "127.0.0.1:8080");

    let judge = |port| {
        let client = "127.0.0.2:4711".parse().expect("an address");
        let to = SocketAddr::new(local.addresses[0], port);
        file.judge(&local, &Connection::new(client, to))
            .is_allowed()
    };
    assert!(judge(8080));
    assert!(!judge(9999));
}

const EVERYTHING: &str = r#"
workloads:
- uid: w
  name: pod
  namespace: shop
  serviceAccount: cart
  trustDomain: example.org
  workloadIps: [10.0.0.1, "fd00::1", "::ffff:10.0.0.3"]
  network: north
  networkMode: STANDARD
  networkGateway: {destination: north/10.0.0.1, hboneMtlsPort: 15009}
  waypoint: {destination: shop/echo.shop.svc.cluster.local, hboneMtlsPort: 15008}
  protocol: HBONE
  hostname: pod.shop.example.org
  node: n1
  workloadName: cart-v1
  workloadType: CronJob
  canonicalName: cart
  canonicalRevision: v1
  clusterId: c1
  locality: {region: r, zone: z, subzone: s}
  services: [shop/echo.shop.svc.cluster.local]
  status: UNHEALTHY
  capacity: 7
  nativeTunnel: true
  applicationTunnel: {protocol: PROXY, port: 15443}
  authorizationPolicies: [shop/selected]
services:
- name: echo
  namespace: shop
  hostname: Echo.shop.svc.cluster.local
  vips: [north/10.1.0.1, "south/fd00:1::1"]
  ports: {80: 0, 443: 8443}
  subjectAltNames: [spiffe://example.org/ns/shop/sa/echo]
  loadBalancer: {routingPreferences: [NETWORK, Region, ZONE], mode: FAILOVER, healthPolicy: ALLOW_ALL}
  ipFamilies: IPV4_ONLY
  canonical: true
  ingressUseWaypoint: true
policies:
- name: selected
  namespace: shop
  scope: WORKLOAD_SELECTOR
  action: DENY
  dryRun: false
  rules:
  - - - namespaces: [!Exact a, exact: b, !Prefix c, {suffix: d}]
        notPrincipals: [!Presence [], {presence: {}}]
        serviceAccounts: [{namespace: a, serviceAccount: b}]
        sourceIps: [10.0.0.0/8, 192.0.2.1]
        destinationPorts: [1, 2]
"#;

#[test]
fn every_field_means_what_it_says() {
    let file = parse(EVERYTHING);
    let workload = file.mesh().workload("w").expect("a workload");
    let ips: [IpAddr; 3] = ["10.0.0.1", "fd00::1", "10.0.0.3"].map(|ip| ip.parse().expect("an IP"));
    assert_eq!(workload.addresses, ips);
    assert_eq!(
        workload.identity.to_string(),
        "spiffe://example.org/ns/shop/sa/cart"
    );
    assert_eq!(workload.network.as_str(), "north");
    assert_eq!(
        workload
            .network_gateway
            .as_ref()
            .map(ToString::to_string)
            .as_deref(),
        Some("north/10.0.0.1 port 15009")
    );
    assert_eq!(
        workload
            .waypoint
            .as_ref()
            .map(ToString::to_string)
            .as_deref(),
        Some("shop/echo.shop.svc.cluster.local port 15008")
    );
    assert_eq!((workload.capacity, workload.health), (7, Health::Unhealthy));
    assert_eq!(&*workload.locality.subzone, "s");
    let tunnel = workload.application_tunnel.expect("a tunnel");
    assert_eq!(
        (tunnel.protocol, tunnel.port.map(Into::into)),
        (TunnelProtocol::Proxy, Some(15443))
    );

    let attributes = file.attributes("w").expect("attributes");
    assert_eq!(attributes.cluster(), Some("c1"));
    assert_eq!(attributes.workload(), Some("cart-v1"));
    assert_eq!(attributes.service(), Some("cart"));
    assert_eq!(attributes.revision(), Some("v1"));
    assert_eq!(attributes.instance(), Some("pod"));
    assert_eq!(
        (attributes.region(), attributes.zone()),
        (Some("r"), Some("z"))
    );

    let service = file.mesh().services().next().expect("a service");
    assert_eq!(service.hostname().as_str(), "echo.shop.svc.cluster.local");
    assert_eq!(
        service.ports.iter().collect::<Vec<_>>(),
        [(80, 0), (443, 8443)]
    );
    assert_eq!(service.load_balancing.mode, LoadBalancingMode::Failover);
    assert_eq!(
        service.load_balancing.preferences,
        [Scope::Network, Scope::Region, Scope::Zone]
    );
    assert!(service.ingress_use_waypoint);
    let telemetry = file.destination_service(service).expect("a name");
    assert_eq!((telemetry.name(), telemetry.namespace()), ("echo", "shop"));
    let endpoints = file.mesh().endpoints(service);
    assert_eq!(endpoints.len(), 1);
}

#[test]
fn one_address_in_two_networks_is_two_workloads() {
    let file = parse(
        "workloads:\n\
         - {name: a, namespace: shop, network: north, clusterId: c1, workloadIps: [10.0.0.1]}\n\
         - {name: b, namespace: shop, network: south, clusterId: c2, workloadIps: [10.0.0.1]}\n",
    );
    for (network, cluster) in [("north", "c1"), ("south", "c2")] {
        let network = Network::parse(network).expect("a network");
        let address = NetworkAddress::new(network, "10.0.0.1".parse().expect("an IP"));
        let entry = file.entry(&address).expect("an entry");
        assert_eq!(entry.attributes.cluster(), Some(cluster));
    }
}

#[test]
fn an_empty_file_is_an_empty_mesh() {
    for text in ["", "# nothing\n", "workloads: []\n"] {
        assert_eq!(parse(text).mesh().workloads().count(), 0, "{text:?}");
    }
}

#[test]
fn what_cannot_be_is_told_with_its_place() {
    let line = "- {name: a, namespace: shop, workloadIps: [10.0.0.1]";
    for (text, place, what) in [
        ("workload: []\n".to_owned(), 1, "unknown field `workload`"),
        (format!("workloads:\n{line}, protocol: QUIC}}\n"), 2, "workloads[0].protocol: unknown variant `QUIC`"),
        (format!("workloads:\n{line}, capacity: -1}}\n"), 2, "workloads[0].capacity"),
        (format!("workloads:\n{line}, workloadType: StatefulSet}}\n"), 2, "deployment, job and pod"),
        (format!("workloads:\n{line}, serviceAccount: a/b}}\n"), 2, "workloads[0].serviceAccount"),
        (format!("workloads:\n{line}, trustDomain: 'a b'}}\n"), 2, "workloads[0].trustDomain"),
        (format!("workloads:\n{line}, network: 'a b'}}\n"), 2, "workloads[0].network"),
        (format!("workloads:\n{line}, authorizationPolicies: [shop/none]}}\n"), 2, "there is no policy shop/none"),
        (format!("workloads:\n{line}}}\n{line}, uid: other}}\n"), 3, "both have the address"),
        ("workloads:\n- {name: a}\n".to_owned(), 2, "missing field `namespace`"),
        ("services:\n- {name: a, namespace: shop, hostname: 1.2.3.4}\n".to_owned(), 2, "services[0].hostname"),
        ("services:\n- {name: a, namespace: shop, hostname: a.b, ports: {70000: 1}}\n".to_owned(), 2, "services[0].ports"),
        ("services:\n- {name: a, namespace: shop, hostname: a.b, endpoints: {w: {}}}\n".to_owned(), 2, "told by the workloads"),
        (
            "services:\n- {name: a, namespace: shop, hostname: a.b}\n- {name: a, namespace: shop, hostname: A.b}\n".to_owned(),
            3,
            "two services shop/a.b",
        ),
        ("policies:\n- {name: a, scope: Global, action: Audit}\n".to_owned(), 2, "unknown variant `Audit`"),
        ("policies:\n- {name: a, scope: Global, action: Deny, rules: [[[{ports: [1]}]]]}\n".to_owned(), 2, "unknown field `ports`"),
        (
            "policies:\n- {name: a, scope: Global, action: Deny, rules: [[[{namespaces: [a]}]]]}\n".to_owned(),
            2,
            "Exact, Prefix, Suffix or Presence",
        ),
    ] {
        let error = read(&text).expect_err(&text).to_string();
        let start = format!("mesh.yaml:{place}: ");
        assert!(error.starts_with(&start), "{start:?} in {error}");
        assert!(error.contains(what), "{what:?} in {error}");
    }
}
