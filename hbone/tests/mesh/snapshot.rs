//! The ready-made directory.

use hbone::mesh::{Ambiguous, Directory, NamespacedHostname, Ports, Service, StaticMesh};

use crate::two_networks::{address, hostname, mesh, name, service, workload};

#[test]
fn lookups_find_what_was_put_in() {
    let mesh = mesh();
    assert_eq!(&*mesh.workload("east/client").unwrap().uid, "east/client");
    assert_eq!(mesh.workload("client"), None);
    let at = |text| {
        mesh.workload_at(&address(text))
            .map(|found| found.uid.to_string())
    };
    assert_eq!(at("east/10.0.0.11").unwrap(), "east/echo-light");
    assert_eq!(at("west/10.0.0.11").unwrap(), "west/double");
    assert_eq!(at("east/::ffff:10.0.0.11").unwrap(), "east/echo-light");
    assert_eq!(at("north/10.0.0.11"), None);
    let at = |text| {
        mesh.service_at(&address(text))
            .map(|found| found.name.clone())
    };
    assert_eq!(at("east/10.96.0.1"), Some(name("echo.shop")));
    assert_eq!(at("west/10.96.0.1"), Some(name("double.shop")));
    assert_eq!(at("east/10.0.0.11"), None);
    assert_eq!(
        mesh.service(&name("echo.shop")).unwrap().name,
        name("echo.shop")
    );
    assert_eq!(mesh.service(&name("echo.billing")), None);
    let found = mesh.services_with_hostname(&hostname("echo.shop.svc.cluster.local"));
    assert_eq!(found.len(), 1);
}

#[test]
fn a_range_in_ipv6_clothing_is_the_ipv4_range_and_of_two_the_narrower_counts() {
    let ranged = |short: &str, range: &str| {
        let mut service = service(short, &[], &[(80, 8080)]);
        let network = "east".parse().unwrap();
        service.ranges = vec![(network, range.parse().unwrap())];
        service
    };
    let wide = ranged("wide.shop", "::ffff:10.0.0.0/104");
    let narrow = ranged("narrow.shop", "10.1.0.0/16");
    let mesh = StaticMesh::new([], [wide, narrow]).unwrap();
    let at = |text| {
        mesh.service_at(&address(text))
            .map(|found| found.name.clone())
    };
    assert_eq!(at("east/10.2.0.1"), Some(name("wide.shop")));
    assert_eq!(at("east/10.1.0.1"), Some(name("narrow.shop")));
    assert_eq!(at("east/11.0.0.1"), None);
    assert_eq!(at("west/10.2.0.1"), None);
}

#[test]
fn a_workload_in_the_hosts_network_is_found_by_uid_only() {
    let mesh = mesh();
    assert!(mesh.workload("east/on-node").is_some());
    assert_eq!(mesh.workload_at(&address("east/10.0.0.80")), None);
}

#[test]
fn endpoints_come_in_the_order_of_their_uids_whatever_the_order_put_in() {
    let uids = ["e/3", "e/1", "e/2"];
    let one = |uid: &&str| workload(uid, "echo", &[], &["echo.shop"]);
    let service = service("echo.shop", &[], &[(80, 8080)]);
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let workloads = order.map(|index| one(&uids[index]));
        let mesh = StaticMesh::new(workloads, [service.clone()]).unwrap();
        let endpoints = mesh.endpoints(&service);
        let found: Vec<_> = endpoints
            .iter()
            .map(|endpoint| &*endpoint.workload.uid)
            .collect();
        assert_eq!(found, ["e/1", "e/2", "e/3"]);
    }
}

#[test]
fn services_of_one_name_come_in_the_order_of_their_namespaces() {
    let host = hostname("db.example");
    let of = |namespace: &str| {
        let name = NamespacedHostname::new(namespace, host.clone());
        Service::new(name, [(80, 8080)])
    };
    let mesh = StaticMesh::new([], ["c", "a", "b"].map(of)).unwrap();
    let found = mesh.services_with_hostname(&host);
    let found: Vec<_> = found
        .iter()
        .map(|service| service.name.namespace())
        .collect();
    assert_eq!(found, ["a", "b", "c"]);
    let all: Vec<_> = mesh
        .services()
        .map(|service| service.name.namespace())
        .collect();
    assert_eq!(all, found);
}

#[test]
fn an_endpoint_knows_its_target_ports() {
    let mut endpoint = workload("e/1", "echo", &[], &[]);
    let ports = Ports::from([(80, 9090), (81, 0), (83, 9093)]);
    endpoint.services.insert(name("echo.shop"), ports);
    let service = service("echo.shop", &[], &[(80, 8080), (81, 8081), (82, 0)]);
    let mesh = StaticMesh::new([endpoint], [service.clone()]).unwrap();
    let endpoints = mesh.endpoints(&service);
    let target = |port| endpoints[0].target(&service, port);
    assert_eq!(target(80), Some(9090));
    assert_eq!(target(81), Some(8081));
    assert_eq!(target(82), None);
    assert_eq!(target(83), Some(9093));
    assert_eq!(target(84), None);
}

#[test]
fn a_service_that_nobody_defined_yet_is_no_error() {
    let early = workload("e/1", "echo", &["10.0.0.1"], &["late.shop"]);
    let mesh = StaticMesh::new([early.clone()], []).unwrap();
    assert!(mesh.workload("e/1").is_some());
    let late: Service = service("late.shop", &[], &[(80, 8080)]);
    let mesh = StaticMesh::new([early], [late.clone()]).unwrap();
    assert_eq!(mesh.endpoints(&late).len(), 1);
}

#[test]
fn two_claims_to_one_key_are_an_error_that_names_both() {
    let one = || workload("e/1", "echo", &["10.0.0.1"], &[]);
    let uid = StaticMesh::new([one(), one()], []).unwrap_err();
    assert_eq!(uid, Ambiguous::WorkloadUid { uid: "e/1".into() });

    let same = workload("e/2", "echo", &["::ffff:10.0.0.1"], &[]);
    let ip = StaticMesh::new([one(), same], []).unwrap_err();
    assert_eq!(
        ip,
        Ambiguous::WorkloadAddress {
            address: address("e/10.0.0.1"),
            first: "e/1".into(),
            second: "e/2".into()
        }
    );
    assert!(
        ip.to_string()
            .contains("e/1 and e/2 both have the address e/10.0.0.1")
    );

    let [mut a, mut b] = ["e/1", "e/2"].map(|uid| workload(uid, "echo", &[], &[]));
    a.hostname = Some(hostname("db.example"));
    b.hostname = Some(hostname("db.example"));
    let twice = StaticMesh::new([a, b], []).unwrap_err();
    assert!(matches!(twice, Ambiguous::WorkloadName { .. }));

    let echo = || service("echo.shop", &["e/10.96.0.1"], &[]);
    let twice = StaticMesh::new([], [echo(), echo()]).unwrap_err();
    assert_eq!(
        twice,
        Ambiguous::ServiceName {
            name: name("echo.shop")
        }
    );
    let other = service("other.shop", &["e/10.96.0.1"], &[]);
    let ip = StaticMesh::new([], [echo(), other]).unwrap_err();
    assert!(matches!(ip, Ambiguous::ServiceAddress { first, .. } if first == name("echo.shop")));
}

#[test]
fn an_address_named_twice_by_one_owner_is_one_address() {
    let twice = ["10.0.0.1", "::ffff:10.0.0.1"];
    let one = workload("e/1", "echo", &twice, &[]);
    let mesh = StaticMesh::new([one], [service("echo.shop", &["e/10.96.0.1"; 2], &[])]).unwrap();
    assert!(mesh.workload_at(&address("e/10.0.0.1")).is_some());
}

#[test]
fn two_workloads_in_the_hosts_network_may_share_its_address() {
    let [mut a, mut b] = ["e/1", "e/2"].map(|uid| workload(uid, "echo", &["10.0.0.1"], &[]));
    a.host_network = true;
    b.host_network = true;
    assert!(StaticMesh::new([a, b], []).is_ok());
}
