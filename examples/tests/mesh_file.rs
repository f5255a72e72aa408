//! What the mesh file may say, and what it means. What it may not say is tested with the node proxy, whose users meet it.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use hbone::authorization::Connection;
use hbone::mesh::{
    Directory, Entropy, Health, LoadBalancingMode, NetworkAddress, Protocol, Scope, Source,
    TunnelProtocol, Way, plan,
};
use hbone::{Authority, Network};
use hbone_examples::mesh_file::{MeshFile, MeshFileError, Strictness};

fn parse(text: &str) -> MeshFile {
    read(text).expect("a mesh file")
}

fn read(text: &str) -> Result<MeshFile, MeshFileError> {
    MeshFile::parse(Path::new("mesh.yaml"), text)
}

/// What the node proxy carries connections by, too.
fn as_ztunnel_reads_it() -> String {
    include_str!("local_configuration.yaml").replace("NET", "127.0.0")
}

#[test]
fn a_file_for_ztunnel_loads_as_it_is() {
    let file = parse(&as_ztunnel_reads_it());
    let mesh = file.mesh();
    let local = mesh
        .workload("cluster1//v1/Pod/shop/client")
        .expect("a workload");
    assert_eq!(
        local.identity.to_string(),
        "spiffe://cluster.local/ns/shop/sa/client"
    );
    assert_eq!(local.protocol, Protocol::Hbone);
    let to: Authority = "127.0.0.100:80".parse().expect("an address");
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

/// Where a connection from `uid` to `to` ends.
fn end(file: &MeshFile, uid: &str, to: &str) -> String {
    let from = file.mesh().workload(uid).expect("a workload");
    let to: Authority = to.parse().expect("an authority");
    let plan = plan(file.mesh(), Source::node_proxy(&from), &to, Entropy::new(0)).expect("a plan");
    plan.address.to_string()
}

#[track_caller]
fn assert_odd(file: &MeshFile, expected: &[(usize, &str, &str)]) {
    let told: Vec<_> = file.oddities().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (line, field, what) in expected {
        let start = format!("mesh.yaml:{line}: {field}: ");
        let is_told = |odd: &String| odd.starts_with(&start) && odd.contains(what);
        assert!(told.iter().any(is_told), "{start}{what} in {told:#?}");
    }
}

#[test]
fn a_service_may_tell_its_endpoints_itself() {
    let file = parse(
        r#"
workloads:
- {uid: client, namespace: shop, workloadIps: [10.0.0.1]}
- {uid: one, namespace: shop, workloadIps: [10.0.0.2]}
- {uid: sick, namespace: shop, workloadIps: [10.0.0.3]}
- {uid: own, namespace: shop, workloadIps: [10.0.0.4], services: {shop/b.example: {80: 9090}}}
services:
- name: a
  namespace: shop
  hostname: a.example
  vips: [/10.1.0.1]
  ports: {80: 8080}
  endpoints:
    one: {workloadUid: one, port: {80: 8081}, status: Healthy}
    sick: {workloadUid: sick, port: {80: 8080}, status: Unhealthy}
    "gone:/10.0.0.9":
      workloadUid: gone
      port: {80: 8080}
      status: Healthy
- name: b
  namespace: shop
  hostname: b.example
  vips: [/10.1.0.2]
  ports: {80: 8080}
  endpoints:
    own: {workloadUid: own, port: {80: 1}, status: Healthy}
"#,
    );
    assert_eq!(end(&file, "client", "10.1.0.1:80"), "10.0.0.2:8081");
    assert_eq!(end(&file, "client", "10.1.0.2:80"), "10.0.0.4:9090");
    let field = "services[0].endpoints.gone:/10.0.0.9.workloadUid";
    assert_odd(&file, &[(17, field, "there is no workload \"gone\"")]);
}

#[test]
fn a_service_may_have_ranges_of_addresses_of_which_the_narrowest_counts() {
    let file = parse(
        r#"
workloads:
- {uid: client, namespace: shop, workloadIps: [10.0.0.1]}
- {uid: wide, namespace: shop, workloadIps: [10.0.0.2], services: {shop/wide.example: {}}}
- {uid: narrow, namespace: shop, workloadIps: [10.0.0.3], services: {shop/narrow.example: {}}}
- {uid: exact, namespace: shop, workloadIps: [10.0.0.4], services: {shop/exact.example: {}}}
services:
- {name: w, namespace: shop, hostname: wide.example, vips: [], ports: {80: 80}, cidrVips: [{cidr: 240.240.0.0/16}]}
- {name: n, namespace: shop, hostname: narrow.example, vips: [], ports: {80: 80}, cidrVips: [{network: "", cidr: 240.240.7.0/24}]}
- {name: e, namespace: shop, hostname: exact.example, vips: [/240.240.7.7], ports: {80: 80}}
- {name: f, namespace: shop, hostname: far.example, vips: [], ports: {80: 80}, cidrVips: [{network: far, cidr: 240.240.7.0/28}]}
"#,
    );
    assert_eq!(end(&file, "client", "240.240.1.1:80"), "10.0.0.2:80");
    assert_eq!(end(&file, "client", "240.240.7.1:80"), "10.0.0.3:80");
    assert_eq!(end(&file, "client", "240.240.7.7:80"), "10.0.0.4:80");
    assert_odd(&file, &[]);
}

#[test]
fn a_range_of_ipv4_in_ipv6_clothing_is_one_of_ipv4() {
    let text = "
workloads:
- {uid: client, namespace: shop, workloadIps: [10.0.0.1]}
- {uid: wide, namespace: shop, workloadIps: [10.0.0.2], services: {shop/wide.example: {}}}
services:
- {name: w, namespace: shop, hostname: wide.example, ports: {80: 80}, cidrVips: [{cidr: '::ffff:240.240.0.0/112'}]}
policies:
- {name: p, namespace: shop, scope: Namespace, action: Deny, rules: [[[{sourceIps: ['RANGE']}]]]}
";
    for (range, denied) in [
        ("::ffff:10.0.0.0/104", "10.255.255.255"),
        ("::ffff:10.0.0.1/128", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::ffff:0:0/96", "203.0.113.1"),
        ("::1", "::1"),
        ("::/0", "fd00::1"),
    ] {
        let file = parse(&text.replace("RANGE", range));
        assert_eq!(end(&file, "client", "240.240.1.1:80"), "10.0.0.2:80");
        let workload = file.mesh().workload("wide").expect("a workload");
        let is_allowed = |ip: &str| {
            let from = SocketAddr::new(ip.parse().expect("an address"), 1);
            let to = "10.0.0.2:80".parse().expect("an address");
            file.judge(&workload, &Connection::new(from, to))
                .is_allowed()
        };
        assert!(!is_allowed(denied), "{range}");
        assert!(is_allowed("fe80::1") || range == "::/0", "{range}");
    }
}

#[test]
fn each_of_the_many_oddities_of_a_large_mesh_is_told_with_its_line() {
    // Read anew for each of them, the text would take most of an hour.
    const MANY: usize = 10_000;
    let mut text = "workloads:\n".to_owned();
    for index in 0..MANY {
        let ip = std::net::Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(index).expect("a few"));
        text += &format!(
            "- {{uid: u{index}, namespace: shop, workloadIps: [{ip}], authorizationPolicies: [shop/none]}}\n"
        );
    }
    let file = parse(&text);
    assert_eq!(file.oddities().len(), MANY);
    for (index, odd) in file.oddities().iter().enumerate() {
        let place = format!(
            "mesh.yaml:{}: workloads[{index}].authorizationPolicies[0]: ",
            index + 2
        );
        assert!(odd.to_string().starts_with(&place), "{place:?} in {odd}");
    }
}

#[test]
fn what_ztunnel_lives_with_is_told_and_lived_with() {
    let file = parse(
        r#"
workloads:
- uid: client
  namespace: shop
  workloadIps: [10.0.0.1]
  workloadType: StatefulSet
  applicationTunnel: {protocol: PROXY, port: null}
  services: {shop/nowhere.example: {80: 80}}
- {uid: c//Pod/shop/pod, namespace: shop, workloadIps: [10.0.0.2]}
- {uid: c/entry/shop/entry, namespace: shop, workloadIps: [10.0.0.2], protocol: HBONE}
- {uid: h1, namespace: shop, workloadIps: [10.0.0.9], networkMode: HostNetwork}
- {uid: h2, namespace: shop, workloadIps: [10.0.0.9], networkMode: HostNetwork}
services:
- name: a
  namespace: shop
  hostname: a.example
  vips: [/10.1.0.1]
  ports: {80: 80}
  subjectAltNames: [spiffe://cluster.local/ns/shop/sa/a, a.example]
- {name: b, namespace: other, hostname: b.example, vips: [/10.1.0.1], ports: {80: 80}, canonical: true}
"#,
    );
    assert_odd(
        &file,
        &[
            (6, "workloads[0].workloadType", "taken for a deployment"),
            (
                8,
                "workloads[0].services.shop/nowhere.example",
                "there is no such service",
            ),
            (10, "workloads[2].workloadIps", "both have the address"),
            (17, "services[0].vips", "both have the address"),
            (19, "services[0].subjectAltNames[1]", "is no identity"),
        ],
    );
    let address = |ip: &str| NetworkAddress::new(Network::default(), ip.parse().expect("an IP"));
    let taken = file
        .mesh()
        .workload_at(&address("10.0.0.2"))
        .expect("a workload");
    assert_eq!(
        &*taken.uid, "c//Pod/shop/pod",
        "nobody can pretend to be a pod"
    );
    let taken = file
        .mesh()
        .service_at(&address("10.1.0.1"))
        .expect("a service");
    assert_eq!(
        taken.hostname().as_str(),
        "b.example",
        "it is the canonical one"
    );
    let service = file
        .mesh()
        .services_with_hostname(&"a.example".parse().expect("a name"));
    assert_eq!(service[0].identities.iter().count(), 1);
}

/// Every class of what ztunnel lives with, the line and the field that the warning names, and what it says.
const LIVED_WITH: &[(&str, usize, &str, &str)] = &[
    (
        "workloads:\n- namespace: shop\n  waypoint:\n    destination: /10.0.0.9\n    hboneMtlsPort: 15008\n",
        4,
        "workloads[0].waypoint.destination",
        "/10.0.0.9 is neither a service nor a workload",
    ),
    (
        "workloads:\n- namespace: shop\n  networkGateway: {destination: infra/10.0.0.256, hboneMtlsPort: 15008}\n",
        3,
        "workloads[0].networkGateway.destination",
        "infra/10.0.0.256 is neither a service nor a workload",
    ),
    (
        "services:\n- {name: a, namespace: shop, hostname: a.b}\n- name: b\n  namespace: shop\n  hostname: b.b\n  \
         waypoint: {destination: shop/c.b, hboneMtlsPort: 15008}\n",
        6,
        "services[1].waypoint.destination",
        "shop/c.b is neither a service nor a workload",
    ),
    (
        "services:\n- {name: a, namespace: shop, hostname: a.b}\n- name: b\n  namespace: shop\n  hostname: b.b\n  \
         waypoint: {destination: shop/a.b, hboneMtlsPort: 0}\n",
        6,
        "services[1].waypoint.hboneMtlsPort",
        "port 0 cannot be dialled",
    ),
    (
        "workloads:\n- namespace: shop\n  authorizationPolicies:\n  - shop/none\n",
        4,
        "workloads[0].authorizationPolicies[0]",
        "there is no policy \"shop/none\"",
    ),
    (
        "policies:\n- {name: none, scope: Global, action: Deny}\nworkloads:\n- namespace: shop\n  authorizationPolicies: [none]\n",
        5,
        "workloads[0].authorizationPolicies[0]",
        "there is no policy \"none\"",
    ),
    (
        "workloads:\n- namespace: shop\n  services:\n    shop/*.b: {80: 80}\n",
        4,
        "workloads[0].services.shop/*.b",
        "there is no such service",
    ),
    (
        "workloads:\n- {uid: a, namespace: shop}\n- uid: a\n  namespace: other\n",
        3,
        "workloads[1].uid",
        "workloads[0] has the uid a too; this one counts",
    ),
    (
        "services:\n- {name: a, namespace: shop, hostname: a.b}\n- name: b\n  namespace: shop\n  hostname: A.b.\n",
        5,
        "services[1].hostname",
        "services[0] is shop/a.b too; this one counts",
    ),
    (
        "policies:\n- {name: a, scope: Global, action: Deny}\n- name: a\n  scope: Global\n  action: Allow\n",
        3,
        "policies[1].name",
        "policies[0] is /a too; this one counts",
    ),
    (
        "services:\n- name: a\n  namespace: shop\n  hostname: '*.b'\n",
        4,
        "services[0].hostname",
        "\"*.b\" is not a host name",
    ),
    (
        "workloads:\n- namespace: shop\n  hostname: a b\n",
        3,
        "workloads[0].hostname",
        "\"a b\" is not a host name",
    ),
    (
        "services:\n- name: a\n  namespace: shop\n  hostname: a.b\n  ports:\n    0: 80\n    80: 80\n",
        6,
        "services[0].ports.0",
        "nobody can ask for port 0",
    ),
    (
        "services:\n- name: a\n  namespace: shop\n  hostname: a.b\n  visibility: Private\n",
        5,
        "services[0].visibility",
        "is not looked at",
    ),
];

#[test]
fn each_thing_that_ztunnel_lives_with_is_warned_of_by_line_and_field_or_refused_if_that_is_wanted()
{
    for (text, line, field, what) in LIVED_WITH {
        let file = parse(text);
        assert_odd(&file, &[(*line, field, what)]);
        let odd = file.oddities()[0].clone();
        assert!(file.clone().held_to(Strictness::AsZtunnel).is_ok());
        let refused = file.held_to(Strictness::Strict).expect_err(text);
        assert_eq!(refused, odd);
    }
}

#[test]
fn of_two_that_are_the_same_the_last_counts() {
    let file = parse(
        r#"
workloads:
- {uid: client, namespace: shop, workloadIps: [10.0.0.1]}
- {uid: twice, namespace: shop, workloadIps: [10.0.0.2], services: {shop/a.example: {}}}
- {uid: twice, namespace: shop, workloadIps: [10.0.0.3], services: {shop/a.example: {}}, authorizationPolicies: [shop/p]}
services:
- {name: a, namespace: shop, hostname: a.example, vips: [/10.1.0.1], ports: {80: 80}}
- {name: a, namespace: shop, hostname: a.example, vips: [/10.1.0.2], ports: {80: 8080}}
policies:
- {name: p, namespace: shop, scope: WorkloadSelector, action: Allow}
- {name: p, namespace: shop, scope: WorkloadSelector, action: Deny, rules: [[[{destinationPorts: [1]}]]]}
"#,
    );
    assert_eq!(file.oddities().len(), 3, "{:#?}", file.oddities());
    assert_eq!(end(&file, "client", "10.1.0.2:80"), "10.0.0.3:8080");
    assert_eq!(file.mesh().workloads().count(), 2);
    let gone = NetworkAddress::new(Network::default(), "10.1.0.1".parse().expect("an IP"));
    assert!(file.mesh().service_at(&gone).is_none());
    let last = file.mesh().workload("twice").expect("a workload");
    let from = "10.0.0.1:4711".parse().expect("an address");
    let judge = |port| {
        let to = SocketAddr::new(last.addresses[0], port);
        file.judge(&last, &Connection::new(from, to)).is_allowed()
    };
    assert!(judge(80), "an Allow without rules would let nothing in");
    assert!(!judge(1));
}

#[test]
fn what_has_to_go_through_a_waypoint_that_is_nowhere_fails() {
    for destination in ["/10.0.0.9", "shop/nowhere.example", "shop/10.0.0.256"] {
        let file = parse(&format!(
            "workloads:\n\
             - {{uid: client, namespace: shop, workloadIps: [10.0.0.1]}}\n\
             - {{uid: server, namespace: shop, workloadIps: [10.0.0.2], protocol: HBONE, \
                waypoint: {{destination: {destination}, hboneMtlsPort: 15008}}}}\n"
        ));
        let client = file.mesh().workload("client").expect("a workload");
        let to: Authority = "10.0.0.2:80".parse().expect("an authority");
        let plan = plan(
            file.mesh(),
            Source::node_proxy(&client),
            &to,
            Entropy::new(0),
        );
        assert!(plan.is_err(), "{destination}: {plan:?}");
    }
}

#[test]
fn a_service_that_no_host_name_fits_is_found_by_its_addresses() {
    let file = parse(
        r#"
workloads:
- {uid: client, namespace: shop, workloadIps: [10.0.0.1]}
- {uid: server, namespace: shop, workloadIps: [10.0.0.2], services: {"shop/*.example": {80: 8080}}}
services:
- {name: any, namespace: shop, hostname: "*.example", vips: [/10.1.0.1], ports: {80: 80}}
"#,
    );
    assert_eq!(end(&file, "client", "10.1.0.1:80"), "10.0.0.2:8080");
    let address = NetworkAddress::new(Network::default(), "10.1.0.1".parse().expect("an IP"));
    let service = file.mesh().service_at(&address).expect("a service");
    let telemetry = file.destination_service(&service).expect("a name");
    assert_eq!(telemetry.host(), "*.example");
}

#[test]
fn ports_may_be_in_quotes_as_json_has_them() {
    let file = parse(
        r#"{"workloads": [
            {"uid": "client", "namespace": "shop", "workloadIps": ["10.0.0.1"]},
            {"uid": "one", "namespace": "shop", "workloadIps": ["10.0.0.2"], "services": {"shop/a.example": {"80": 8081}}}],
          "services": [{"name": "a", "namespace": "shop", "hostname": "a.example", "vips": ["/10.1.0.1"],
            "ports": {"80": 8080, "81": "8082"}}]}"#,
    );
    assert_odd(&file, &[]);
    assert_eq!(end(&file, "client", "10.1.0.1:80"), "10.0.0.2:8081");
    assert_eq!(end(&file, "client", "10.1.0.1:81"), "10.0.0.2:8082");
}

#[test]
fn the_oldest_form_is_a_list_of_workloads_with_one_address_each() {
    let text = "\
# Nothing but workloads, which is what there was.
- name: local
  namespace: default
  serviceAccount: default
  workloadIp: 127.0.0.1
  protocol: HBONE
  node: local
- name: local-tcp
  namespace: default
  workloadIp: \"127.0.0.2\"
  waypoint: {destination: /127.0.0.3, hboneMtlsPort: 15008}
";
    let file = parse(text);
    let names: Vec<_> = file.mesh().workloads().map(|one| one.uid.clone()).collect();
    let expected = [
        "Kubernetes//Pod/default/local",
        "Kubernetes//Pod/default/local-tcp",
    ];
    assert_eq!(names.iter().map(|uid| &**uid).collect::<Vec<_>>(), expected);
    let field = "workloads[1].waypoint.destination";
    assert_odd(&file, &[(11, field, "/127.0.0.3 is neither")]);
}

/// Every field that ztunnel knows, in its own spelling and with the values that it writes where nothing was said.
const AS_ZTUNNEL_WRITES_IT: &str = r#"
workloads:
- workloadIps: [10.0.0.1]
  waypoint: null
  networkGateway: null
  protocol: HBONE
  networkMode: Standard
  uid: cluster1//Pod/shop/client
  name: client
  namespace: shop
  trustDomain: ""
  serviceAccount: ""
  network: ""
  workloadName: ""
  workloadType: ""
  canonicalName: ""
  canonicalRevision: ""
  hostname: ""
  node: ""
  nativeTunnel: false
  applicationTunnel: null
  authorizationPolicies: []
  status: Healthy
  clusterId: ""
  locality: {region: "", zone: "", subzone: ""}
  services: {}
  capacity: 1
- workloadIps: [10.0.0.2, "fd00::2"]
  waypoint: {destination: shop/waypoint.example, hboneMtlsPort: 15008}
  networkGateway: {destination: /10.0.0.3, hboneMtlsPort: 15009}
  protocol: TCP
  networkMode: HostNetwork
  uid: cluster1//Pod/shop/server
  name: server
  namespace: shop
  applicationTunnel: {protocol: NONE, port: null}
  status: Unhealthy
  services:
    shop/a.example: {80: 8080}
- workloadIps: [10.0.0.3]
  uid: cluster1//Pod/shop/waypoint
  namespace: shop
  services:
    shop/waypoint.example: {}
services:
- name: a
  namespace: shop
  hostname: a.example
  vips: [/10.1.0.1, far/10.1.0.1]
  cidrVips: []
  ports: {80: 80}
  endpoints: {}
  subjectAltNames: []
  waypoint: null
  loadBalancer: {routingPreferences: [Network, Region, Zone, Subzone, Node, Cluster], mode: Strict, healthPolicy: OnlyHealthy}
  ipFamilies: IPv4
  canonical: false
- name: waypoint
  namespace: shop
  hostname: waypoint.example
  vips: []
  ports: {}
  ipFamilies: null
  loadBalancer: {routingPreferences: [], mode: Passthrough, healthPolicy: AllowAll}
policies:
- name: any
  namespace: ""
  scope: Global
  action: Deny
  dryRun: true
  rules:
  - - - namespaces: [!Exact a, !Prefix b, !Suffix c, !Presence []]
        notNamespaces: []
        serviceAccounts: [{namespace: a, serviceAccount: b}]
        notServiceAccounts: []
        principals: [!Suffix /sa/b]
        notPrincipals: []
        sourceIps: [10.0.0.0/8]
        notSourceIps: []
        destinationIps: ["fd00::/8"]
        notDestinationIps: []
        destinationPorts: [80]
        notDestinationPorts: []
"#;

#[test]
fn every_field_that_ztunnel_writes_is_read_and_nothing_is_odd_about_it() {
    let file = parse(AS_ZTUNNEL_WRITES_IT);
    assert_odd(&file, &[]);
    let client = file
        .mesh()
        .workload("cluster1//Pod/shop/client")
        .expect("a workload");
    assert_eq!(
        client.identity.to_string(),
        "spiffe://cluster.local/ns/shop/sa/default"
    );
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
        (
            format!("workloads:\n{line}, protocol: QUIC}}\n"),
            2,
            "workloads[0].protocol: unknown variant `QUIC`",
        ),
        (
            format!("workloads:\n{line}, capacity: -1}}\n"),
            2,
            "workloads[0].capacity",
        ),
        (
            format!("workloads:\n{line}, serviceAccount: a/b}}\n"),
            2,
            "workloads[0].serviceAccount",
        ),
        (
            format!("workloads:\n{line}, trustDomain: 'a b'}}\n"),
            2,
            "workloads[0].trustDomain",
        ),
        (
            format!("workloads:\n{line}, network: 'a b'}}\n"),
            2,
            "workloads[0].network",
        ),
        (
            format!("workloads:\n{line}, services: {{echo: {{80: 80}}}}}}\n"),
            2,
            "there is no slash",
        ),
        (
            format!(
                "workloads:\n{line}, waypoint: {{destination: gateway, hboneMtlsPort: 15008}}}}\n"
            ),
            2,
            "there is no slash",
        ),
        (
            format!("workloads:\n{line}, locality: {{colour: red}}}}\n"),
            2,
            "unknown field `colour`",
        ),
        (
            "workloads:\n- {name: a, namespace: shop, workloadIps: [10.0.0.256]}\n".to_owned(),
            2,
            "workloadIps[0]",
        ),
        (
            "- {name: a, namespace: shop, workloadIp: 10.0.0.256}\n".to_owned(),
            1,
            "workloads[0].workloadIp: \"10.0.0.256\" is not an IP",
        ),
        (
            "workloads: [1]\n".to_owned(),
            1,
            "workloads[0]: invalid type: integer `1`, expected a workload",
        ),
        (
            "workloads:\n- {name: a, namespace: a/b}\n".to_owned(),
            2,
            "workloads[0].namespace",
        ),
        (
            "42\n".to_owned(),
            1,
            "expected `workloads`, `services` and `policies`",
        ),
        (
            "workloads:\n- {name: a}\n".to_owned(),
            2,
            "missing field `namespace`",
        ),
        (
            format!(
                "services:\n- {{name: a, namespace: shop, hostname: {}}}\n",
                "a".repeat(300)
            ),
            2,
            "services[0].hostname",
        ),
        (
            "services:\n- {name: a, namespace: shop, hostname: a.b, ports: {http: 1}}\n".to_owned(),
            2,
            "\"http\" is not a port",
        ),
        (
            "services:\n- {name: a, namespace: shop, hostname: a.b, ports: {70000: 1}}\n"
                .to_owned(),
            2,
            "services[0].ports",
        ),
        (
            "services:\n- name: a\n  namespace: shop\n  hostname: a.b\n  ports:\n    80: 1\n    81: 2\n    \"0x50\": 3\n"
                .to_owned(),
            8,
            "services[0].ports: the key \"0x50\" stands here for the second time",
        ),
        (
            "services:\n- name: a\n  namespace: shop\n  hostname: a.b\n  endpoints:\n    e:\n      workloadUid: w\n    e:\n      workloadUid: v\n"
                .to_owned(),
            8,
            "services[0].endpoints: the key \"e\" stands here for the second time",
        ),
        (
            "workloads:\n- namespace: shop\n  services:\n    shop/a.b:\n      80: 1\n    shop/A.b:\n      80: 2\n"
                .to_owned(),
            6,
            "workloads[0].services: the key \"shop/A.b\" stands here for the second time",
        ),
        (
            "workloads:\n- {namespace: shop, services: {shop/a.b: {80: 1, 80: 2}}}\n".to_owned(),
            2,
            "workloads[0].services.shop/a.b: the key \"80\"",
        ),
        (
            "workloads:\n- namespace: shop\n  node: a\n  node: b\n".to_owned(),
            4,
            "workloads[0]: the key \"node\" stands here for the second time",
        ),
        (
            "workloads: []\nworkloads: []\n".to_owned(),
            2,
            "the key \"workloads\" stands here for the second time",
        ),
        (
            "- name: a\n  namespace: shop\n  locality:\n    region: a\n    region: b\n".to_owned(),
            5,
            "workloads[0].locality: the key \"region\" stands here for the second time",
        ),
        (
            // One field by two of its names.
            "workloads:\n- namespace: shop\n  workloadIp: 10.0.0.1\n  workloadIps: [10.0.0.2]\n".to_owned(),
            2,
            "duplicate field `workloadIps`",
        ),
        (
            "workloads: []\n# \u{1b}[31m\n".to_owned(),
            2,
            "control characters are not allowed",
        ),
        (
            "policies:\n- {name: a, scope: Global, action: Audit}\n".to_owned(),
            2,
            "unknown variant `Audit`",
        ),
        (
            "policies:\n- {name: a, scope: Global, action: Deny, rules: [[[{ports: [1]}]]]}\n"
                .to_owned(),
            2,
            "unknown field `ports`",
        ),
        (
            "policies:\n- {name: a, scope: Global, action: Deny, rules: [[[{namespaces: [a]}]]]}\n"
                .to_owned(),
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

#[test]
fn a_byte_order_mark_before_the_text_means_nothing() {
    let workloads = "- {name: a, namespace: b, workloadIps: [10.0.0.1]}\n";
    for text in [&*as_ztunnel_reads_it(), workloads] {
        let (without, with) = (parse(text), parse(&format!("\u{feff}{text}")));
        let names = |file: &MeshFile| {
            let workloads = file.mesh().workloads();
            workloads.map(|one| one.uid.to_string()).collect::<Vec<_>>()
        };
        assert!(!names(&with).is_empty());
        assert_eq!(names(&with), names(&without));
    }
    // Lines are counted as they were.
    let wrong = read("\u{feff}workloads:\n- colour: red\n").expect_err("an unknown field");
    assert!(wrong.to_string().starts_with("mesh.yaml:2: "), "{wrong}");
}
