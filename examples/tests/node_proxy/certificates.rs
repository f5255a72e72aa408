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
    let log = world.log("server");
    assert!(log.contains("has been revoked"), "{log}");
    let rejected = server.sample("istio_crl_policy_rejections_total");
    assert_eq!(rejected.label("reporter"), "destination");
    let failed = server.sample("istio_tcp_connections_failed_total");
    assert_eq!(failed.label("response_flags"), "CERT_REVOKED");
    assert_eq!(failed.label("source_workload"), "client-v1");
}

fn echoed(socket: &mut TcpStream) {
    socket.write_all(b"hello").expect("it is open");
    let mut answer = [0; 5];
    socket.read_exact(&mut answer).expect("an echo");
    assert_eq!(&answer, b"hello");
}
