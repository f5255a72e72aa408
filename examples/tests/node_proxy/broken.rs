use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use socket2::SockRef;

use crate::applications::serve;
use crate::running::{Proxy, within};
use crate::socks::connect;
use crate::world::{MESH, World};

#[test]
fn a_connection_that_the_server_resets_is_counted_as_broken_and_top_shows_it() {
    let world = World::new(71, MESH);
    let (client, server) = (world.start("client", 1), world.start("server", 2));
    serve(world.at(2, 8080), reset_at_a_word);
    let vip = world.at(100, 80).ip().to_string();
    let mut socket = connect(world.at(1, 15080), &vip, 80).expect("a connection");
    socket.write_all(b"hello").expect("it is open");
    socket.read(&mut [0]).expect_err("a reset");

    for (proxy, reporter, why) in [
        (&client, "source", "reset"),
        (&server, "destination", "socket"),
    ] {
        let broken = proxy.sample("hbone_connections_broken_total");
        assert_eq!(broken.value, 1);
        for (label, value) in [
            ("why", why),
            ("reporter", reporter),
            ("source_workload", "client-v1"),
            ("destination_workload", "server-v2"),
            ("destination_service", "echo.shop.svc.cluster.local"),
        ] {
            assert_eq!(broken.label(label), value, "{label} at {reporter}");
        }
    }
    for host in [1, 2] {
        let row = top(&world, host);
        assert_eq!(row["failed"], 1.0, "{row}");
        assert_eq!(row["source"], "shop/client-v1@c1");
        assert_eq!(row["service"], "echo.shop.svc.cluster.local");
    }
}

#[test]
fn a_connection_that_comes_to_its_end_is_not_broken_and_one_that_is_cut_is() {
    let world = World::new(72, MESH);
    let client = world.start("client", 1);
    let server = world.start_with("server", 2, |command| {
        command.env("CRL_PATH", world.path("revoked.pem"));
    });
    serve(world.at(2, 8080), crate::applications::echo);
    let vip = world.at(100, 80).ip().to_string();
    let socket = connect(world.at(1, 15080), &vip, 80).expect("a connection");
    assert_eq!(crate::socks::exchange(socket, b"hello"), b"hello");
    let closed = |proxy: &Proxy| {
        let samples = proxy.samples("istio_tcp_connections_closed_total");
        samples.iter().map(|sample| sample.value).sum::<u64>()
    };
    for proxy in [&client, &server] {
        within("it is over", || closed(proxy) == 1);
        let broken = proxy.samples("hbone_connections_broken_total");
        assert!(broken.is_empty(), "{broken:#?}");
    }
    let mut socket = connect(world.at(1, 15080), &vip, 80).expect("a connection");
    world.revoke("client");
    socket.read(&mut [0]).expect_err("it is cut");
    let broken = server.sample("hbone_connections_broken_total");
    assert_eq!(broken.label("why"), "revoked");
}

fn reset_at_a_word(mut socket: TcpStream) {
    let _ = socket.read(&mut [0; 16]);
    let linger = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
    linger.expect("the option");
}

/// The only row that `hbone top` has of a proxy.
fn top(world: &World, host: u8) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_hbone"))
        .args(["top", "--once", "--json", "--interval", "0.1"])
        .arg(world.at(host, 15020).to_string())
        .output()
        .expect("hbone runs");
    let mut view: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = view["rows"].as_array_mut().expect("rows");
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows.remove(0)
}
