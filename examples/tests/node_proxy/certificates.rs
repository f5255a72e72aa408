use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::applications::{echo, serve};
use crate::running::{get, within};
use crate::socks::connect;
use crate::world::{MESH, World};

#[test]
fn a_renewed_certificate_is_used_for_new_connections_and_ends_none() {
    let world = World::new(61, MESH);
    let (_client, _server) = (world.start("client", 1), world.start("server", 2));
    serve(world.at(2, 8080), echo);
    let vip = world.at(100, 80).ip().to_string();
    let open = || connect(world.at(1, 15080), &vip, 80).expect("a connection");
    let handshakes = || {
        let metrics = get(world.at(1, 15020), "/metrics").expect("an answer");
        let mut lines = metrics.lines();
        let line = lines.find_map(|line| line.strip_prefix("hbone_pool_handshakes_total "));
        line.expect("a line").to_owned()
    };
    let mut old = open();
    echoed(&mut old);
    drop(open());
    assert_eq!(handshakes(), "1");

    world.issue("client");
    within("the new one is used", || {
        drop(open());
        handshakes() == "2"
    });
    echoed(&mut old);
}

#[test]
fn a_client_whose_certificate_is_revoked_is_cut_off_and_let_in_no_more() {
    let world = World::new(62, MESH);
    let _client = world.start("client", 1);
    let server = world.start_with("server", 2, |command| {
        command.env("CRL_PATH", world.path("revoked.pem"));
    });
    serve(world.at(2, 8080), echo);
    let vip = world.at(100, 80).ip().to_string();
    let mut socket = connect(world.at(1, 15080), &vip, 80).expect("a connection");
    echoed(&mut socket);

    world.revoke("client");
    let cut = socket.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(cut, Err(ErrorKind::ConnectionReset));
    connect(world.at(1, 15080), &vip, 80).expect_err("it is not let in");
    // The client may know of it first.
    within("the server tells it", || {
        world.log("server").contains("has been revoked")
    });
    let rejected = server.sample("istio_crl_policy_rejections_total");
    assert_eq!(rejected.label("reporter"), "destination");
    let failed = server.sample("istio_tcp_connections_failed_total");
    assert_eq!(failed.label("response_flags"), "CERT_REVOKED");
    assert_eq!(failed.label("source_workload"), "client-v1");

    // Who takes the list away takes nothing back.
    std::fs::remove_file(world.path("revoked.pem")).expect("a list");
    let gone = "the former revocation lists stay in force";
    within("it is told", || world.log("server").contains(gone));
    let log = world.log("server");
    let line = log
        .lines()
        .find(|line| line.contains(gone))
        .expect("a line");
    for part in [
        "ERROR",
        "revoked.pem: it held revocation lists and is gone",
        "a list without entries",
    ] {
        assert!(line.contains(part), "{part:?} in {line}");
    }
    connect(world.at(1, 15080), &vip, 80).expect_err("it is not let in");
    world.revoke_nobody();
    within("it is let in", || {
        connect(world.at(1, 15080), &vip, 80).is_ok()
    });
}

#[test]
fn a_revocation_list_that_is_not_there_at_the_start_is_warned_of_and_taken_once_it_is() {
    let world = World::new(68, MESH);
    let _client = world.start("client", 1);
    let _server = world.start_with("server", 2, |command| {
        command.env("CRL_PATH", world.path("revoked.pem"));
    });
    let log = world.log("server");
    let told = "there is no revocation list, so nobody is revoked until there is";
    let line = log
        .lines()
        .find(|line| line.contains(told))
        .expect("a line");
    assert!(
        line.contains("WARN") && line.contains("revoked.pem"),
        "{line}"
    );
    serve(world.at(2, 8080), echo);
    let vip = world.at(100, 80).ip().to_string();
    drop(connect(world.at(1, 15080), &vip, 80).expect("a connection"));
    world.revoke("client");
    within("it is let in no more", || {
        connect(world.at(1, 15080), &vip, 80).is_err()
    });
}

#[test]
fn a_renewed_certificate_of_another_workload_is_not_adopted() {
    let world = World::new(63, MESH);
    let (_client, server) = (world.start("client", 1), world.start("server", 2));
    serve(world.at(2, 8080), echo);
    world.issue_to("client", "server");
    let told = "the certificate is for spiffe://cluster.local/ns/shop/sa/server, but the mesh file says that the workload is \
                spiffe://cluster.local/ns/shop/sa/client";
    within("it is told", || world.log("client").contains(told));
    assert!(
        world
            .log("client")
            .contains("the former credentials stay in force")
    );
    let vip = world.at(100, 80).ip().to_string();
    echoed(&mut connect(world.at(1, 15080), &vip, 80).expect("a connection"));
    let opened = server.sample("istio_tcp_connections_opened_total");
    let principal = "spiffe://cluster.local/ns/shop/sa/client";
    assert_eq!(opened.label("source_principal"), principal);
    world.issue("client");
    within("the right one is adopted", || {
        world.log("client").contains("new credentials are in force")
    });
}

#[test]
fn a_mesh_that_makes_the_workload_somebody_else_keeps_the_certificate_until_the_new_one_is_there() {
    let world = World::new(64, MESH);
    let (_client, server) = (world.start("client", 1), world.start("server", 2));
    serve(world.at(2, 8080), echo);
    let renamed = MESH.replace("serviceAccount: client", "serviceAccount: buyer");
    world.write_mesh(&renamed);
    let told = "the mesh file now says that the workload is spiffe://cluster.local/ns/shop/sa/buyer, but the certificate in force \
                is for spiffe://cluster.local/ns/shop/sa/client";
    within("it is told", || world.log("client").contains(told));
    let vip = world.at(100, 80).ip().to_string();
    let called = || {
        echoed(&mut connect(world.at(1, 15080), &vip, 80).expect("a connection"));
        let samples = server.samples("istio_tcp_connections_opened_total");
        let principals = samples
            .iter()
            .map(|sample| sample.label("source_principal"));
        principals.map(str::to_owned).collect::<Vec<_>>()
    };
    let [client, buyer] =
        ["client", "buyer"].map(|account| format!("spiffe://cluster.local/ns/shop/sa/{account}"));
    assert_eq!(called(), std::slice::from_ref(&client));
    world.issue_to("client", "buyer");
    within("the new one is used", || called().contains(&buyer));

    // The other way round: the certificate is there before the mesh file says so.
    world.issue("client");
    let told = format!(
        "the certificate is for {client}, but the mesh file says that the workload is {buyer}"
    );
    within("it is held back", || world.log("client").contains(&told));
    world.write_mesh(MESH);
    within("it is adopted", || {
        world
            .log("client")
            .contains("somebody else, and so has --cert")
    });
}

#[test]
fn a_certificate_that_the_own_roots_do_not_let_in_is_warned_of_at_the_start() {
    let world = World::new(65, MESH);
    let _client = world.start("client", 1);
    let warned = "our own certificate was not issued by a root of its trust domain's bundle";
    assert!(!world.log("client").contains(warned));
    let other = World::new(66, MESH);
    world.write(
        "root.pem",
        &std::fs::read_to_string(other.path("root.pem")).expect("a root"),
    );
    let _server = world.start("server", 2);
    let log = world.log("server");
    let line = log
        .lines()
        .find(|line| line.contains(warned))
        .expect(warned);
    assert!(
        line.contains("WARN") && line.contains("check that chain and bundle"),
        "{line}"
    );
}

fn echoed(socket: &mut TcpStream) {
    socket.write_all(b"hello").expect("it is open");
    let mut answer = [0; 5];
    socket.read_exact(&mut answer).expect("an echo");
    assert_eq!(&answer, b"hello");
}
