use std::io::{ErrorKind, Read, Write};

use crate::applications::{echo, serve};
use crate::running::within;
use crate::socks::{connect, exchange};
use crate::world::{MESH, World};

const DENY_CLIENT: &str = "\
policies:
- name: no-client
  namespace: shop
  scope: Namespace
  action: Deny
  rules:
  - - - principals:
        - !Exact cluster.local/ns/shop/sa/client
";

#[test]
fn a_policy_that_denies_the_client_is_told_to_it_and_counted() {
    let world = World::new(11, &format!("{MESH}{DENY_CLIENT}"));
    let (client, server) = (world.start("client", 1), world.start("server", 2));
    serve(world.at(2, 8080), echo);
    let socks = world.at(1, 15080);
    let vip = world.at(100, 80).ip().to_string();
    assert_eq!(connect(socks, &vip, 80).map(drop), Err(2), "not allowed");
    let failed = server.sample("istio_tcp_connections_failed_total");
    assert_eq!(failed.label("response_flags"), "DENY");
    assert_eq!(failed.label("source_workload"), "client-v1");
    let failed = client.sample("istio_tcp_connections_failed_total");
    assert_eq!(failed.label("response_flags"), "CONNECT");
    assert!(
        world.log("client").contains("401"),
        "{}",
        world.log("client")
    );
}

#[test]
fn a_tunnel_that_is_open_ends_when_a_new_policy_denies_it() {
    let world = World::new(12, MESH);
    let (_client, _server) = (world.start("client", 1), world.start("server", 2));
    serve(world.at(2, 8080), echo);
    let socks = world.at(1, 15080);
    let vip = world.at(100, 80).ip().to_string();
    let mut socket = connect(socks, &vip, 80).expect("a connection");
    socket.write_all(b"hello").expect("it is open");
    let mut answer = [0; 5];
    socket.read_exact(&mut answer).expect("an echo");

    world.write_mesh(&format!("{MESH}{DENY_CLIENT}"));
    let cut = socket.read(&mut answer).map_err(|error| error.kind());
    assert_eq!(
        cut,
        Err(ErrorKind::ConnectionReset),
        "an error, and no end of file"
    );
    assert_eq!(connect(socks, &vip, 80).map(drop), Err(2));

    world.write_mesh(MESH);
    within("the policy is gone", || connect(socks, &vip, 80).is_ok());
}

#[test]
fn a_mesh_file_that_cannot_be_used_leaves_the_former_in_force() {
    let world = World::new(13, MESH);
    let (_client, _server) = (world.start("client", 1), world.start("server", 2));
    serve(world.at(2, 8080), echo);
    world.write_mesh("workloads: [{name: client, nonsense: 1}]");
    within("the log says so", || {
        world
            .log("client")
            .contains("cannot be used; the former stays in force")
    });
    assert!(world.log("client").contains("unknown field `nonsense`"));
    let socket = connect(world.at(1, 15080), &world.at(100, 80).ip().to_string(), 80);
    assert_eq!(exchange(socket.expect("a connection"), b"hello"), b"hello");
}
