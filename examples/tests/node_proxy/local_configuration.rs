//! The mesh file as ztunnel's users have it.

use crate::applications::{echo, serve};
use crate::socks::{connect, exchange};
use crate::world::World;

/// The form of the local configuration that comes with ztunnel: ports by service, policies as three nested lists, addresses of the
/// unnamed network.
const AS_ZTUNNEL_READS_IT: &str = r#"
workloads:
- uid: cluster1//v1/Pod/shop/client
  name: client
  namespace: shop
  serviceAccount: client
  workloadIps: ["NET.1"]
  protocol: HBONE
  node: local
  network: ""
  services:
    "shop/example.com":
      80: 8080
    "shop/example2.com":
      80: 8080
- uid: cluster1//v1/Pod/shop/local-tcp
  name: local-tcp
  namespace: shop
  serviceAccount: default
  workloadIps: ["NET.2"]
  protocol: TCP
  node: local
  network: ""
  services:
    "shop/example.com":
      80: 8080
policies:
  - action: Allow
    rules:
    - - - notDestinationPorts:
          - 9999
    name: deny-9999
    namespace: shop
    scope: Namespace
services:
- name: local
  namespace: shop
  hostname: example.com
  vips:
    - /NET.100
  ports:
    80: 8080
  subjectAltNames:
   - spiffe://cluster.local/ns/shop/sa/client
- name: remote
  namespace: shop
  hostname: example2.com
  vips:
    - remote/NET.101
  ports:
    80: 8080
"#;

#[test]
fn a_file_for_ztunnel_carries_connections() {
    let world = World::new(73, AS_ZTUNNEL_READS_IT);
    let _proxy = world.start("client", 1);
    // Either endpoint of the service may be chosen: ourselves by a tunnel, or the other one without.
    serve(world.at(1, 8080), echo);
    serve(world.at(2, 8080), echo);
    let ip = |host| world.at(host, 80).ip().to_string();
    for (destination, port) in [
        (ip(100), 80),
        ("example.com".to_owned(), 80),
        (ip(1), 8080),
        (ip(2), 8080),
    ] {
        let socket = connect(world.at(1, 15080), &destination, port).expect("a connection");
        assert_eq!(exchange(socket, b"hello"), b"hello", "{destination}");
    }
}
