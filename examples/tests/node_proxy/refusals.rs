use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use crate::running::{PATIENCE, ask, get, within};
use crate::socks::{connect, greet};
use crate::world::{MESH, World};

/// One proxy for all that is refused before anything is connected.
#[test]
fn socks5_garbage_is_answered_with_the_right_code() {
    let world = World::new(31, MESH);
    let _client = world.start("client", 1);
    let socks = world.at(1, 15080);

    let greeting = |bytes: &[u8]| raw(socks, bytes);
    assert_eq!(
        greeting(b"GET / HTTP/1.1\r\n\r\n"),
        [5, 0xff],
        "another protocol"
    );
    assert_eq!(greeting(&[4, 1, 0, 80, 1, 2, 3, 4, 0]), [5, 0xff], "SOCKS4");
    assert_eq!(greeting(&[5, 1, 2]), [5, 0xff], "a password is not taken");
    assert_eq!(greeting(&[5, 0]), [5, 0xff], "no method at all");

    let code = |request: &[u8]| {
        let mut socket = greet(socks).expect("a greeting");
        socket.write_all(request).expect("the request is sent");
        let mut answer = Vec::new();
        socket
            .read_to_end(&mut answer)
            .expect("an answer and an end");
        assert_eq!(answer.len(), 10, "{answer:?}");
        answer[1]
    };
    assert_eq!(code(&[5, 2, 0, 1, 1, 2, 3, 4, 0, 80]), 7, "BIND");
    assert_eq!(code(&[5, 3, 0, 1, 1, 2, 3, 4, 0, 80]), 7, "UDP");
    assert_eq!(
        code(&[5, 1, 0, 9, 1, 2, 3, 4, 0, 80]),
        8,
        "no such kind of address"
    );
    assert_eq!(
        code(&[5, 1, 0, 3, 3, b'a', b' ', b'b', 0, 80]),
        4,
        "no host name"
    );
    assert_eq!(code(&[5, 1, 0, 3, 0, 0, 80]), 4, "an empty name");
    assert_eq!(code(&[5, 1, 0, 1, 1, 2, 3, 4, 0, 0]), 1, "port 0");
    assert_eq!(code(&[4, 1, 0, 1, 1, 2, 3, 4, 0, 80]), 1, "another version");
}

#[test]
fn a_socks5_client_that_drips_is_sent_away() {
    let world = World::new(34, MESH);
    let _client = world.start("client", 1);
    let mut socket = greet(world.at(1, 15080)).expect("a greeting");
    let mut answer = [0; 1];
    for byte in [5, 1, 0, 3, 255].into_iter().chain([b'a'; 250]) {
        let dripping = socket.write_all(&[byte]);
        std::thread::sleep(std::time::Duration::from_millis(100));
        socket.set_nonblocking(true).expect("it can");
        let read = socket.read(&mut answer);
        socket.set_nonblocking(false).expect("it can");
        let gone = match read {
            Ok(length) => length == 0,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        };
        if gone || dripping.is_err() {
            return;
        }
    }
    panic!("255 bytes in 25 s, and still welcome");
}

#[test]
fn a_connection_that_cannot_be_is_answered_with_the_reason() {
    let world = World::new(32, MESH);
    let _client = world.start("client", 1);
    let socks = world.at(1, 15080);
    let code = |ip: SocketAddr| {
        connect(socks, &ip.ip().to_string(), ip.port()).expect_err("no connection")
    };
    assert_eq!(code(world.at(9, 7000)), 5, "nobody listens");
    assert_eq!(code(world.at(100, 81)), 4, "no such port of the service");
    assert_eq!(code(world.at(2, 8080)), 5, "no proxy at the server");
    assert_eq!(
        code(world.at(1, 15020)),
        5,
        "the metrics, by the workload's own tunnel"
    );
    let unspecified: SocketAddr = "0.0.0.0:15080".parse().expect("an address");
    assert!(matches!(code(unspecified), 2 | 5), "the proxy itself");
    let unknown = connect(socks, "nobody.invalid", 80).expect_err("no connection");
    assert_eq!(unknown, 4, "no such name");
}

#[test]
fn a_connection_for_which_there_is_no_way_is_counted_as_failed() {
    let world = World::new(67, MESH);
    let client = world.start("client", 1);
    let socks = world.at(1, 15080);
    let failed = || client.samples("istio_tcp_connections_failed_total");
    let vip = world.at(100, 81).ip().to_string();
    connect(socks, &vip, 81).expect_err("no such port of the service");
    connect(socks, "nobody.invalid", 80).expect_err("no such name");
    let samples = failed();
    assert_eq!(samples.len(), 1, "{samples:#?}");
    assert_eq!(samples[0].value, 2);
    for (label, value) in [
        ("reporter", "source"),
        ("source_workload", "client-v1"),
        ("destination_workload", "unknown"),
        ("response_flags", "CONNECT"),
    ] {
        assert_eq!(samples[0].label(label), value, "{label}");
    }
}

#[test]
fn admin_requests_are_answered_or_refused() {
    let world = World::new(33, MESH);
    let _client = world.start("client", 1);
    let (metrics, ready) = (world.at(1, 15020), world.at(1, 15021));
    let status = |address, request: &str| {
        let answer = ask(address, request.as_bytes()).expect("an answer");
        let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
        status.parse().unwrap_or(0)
    };
    let close = "host: proxy\r\nconnection: close\r\n\r\n";
    assert_eq!(
        status(metrics, &format!("GET /metrics HTTP/1.1\r\n{close}")),
        200
    );
    assert_eq!(
        status(metrics, &format!("HEAD /metrics HTTP/1.1\r\n{close}")),
        200
    );
    assert_eq!(
        status(ready, &format!("GET /healthz/ready HTTP/1.1\r\n{close}")),
        200
    );
    assert_eq!(status(metrics, &format!("GET / HTTP/1.1\r\n{close}")), 404);
    assert_eq!(
        status(metrics, &format!("POST /metrics HTTP/1.1\r\n{close}")),
        405
    );
    assert_eq!(status(metrics, "nonsense\r\n\r\n"), 400);
    let long = "x".repeat(20_000);
    let answer = status(metrics, &format!("GET /{long} HTTP/1.1\r\n{close}"));
    assert!(matches!(answer, 400..=499), "{answer}");
}

#[test]
fn connections_that_ask_nothing_keep_nobody_from_asking() {
    let world = World::new(171, MESH);
    let _client = world.start("client", 1);
    for (port, path) in [(15020, "/metrics"), (15021, "/healthz/ready")] {
        let address = world.at(1, port);
        let _silent: Vec<TcpStream> = (0..500)
            .map(|_| TcpStream::connect(address).expect("it accepts"))
            .collect();
        let mut asking = TcpStream::connect(address).expect("it accepts");
        // Those before would have had to be given up one after the other.
        let soon = Some(std::time::Duration::from_secs(20));
        asking.set_read_timeout(soon).expect("a timeout");
        let request = format!("GET {path} HTTP/1.1\r\nhost: proxy\r\n\r\n");
        asking.write_all(request.as_bytes()).expect("it is open");
        let mut answer = [0; 12];
        asking.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
}

/// What is answered to these bytes until the other end closes.
fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).expect("the proxy listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket.write_all(bytes).expect("the bytes are sent");
    let mut answer = Vec::new();
    socket
        .read_to_end(&mut answer)
        .expect("an answer and an end");
    answer
}

#[test]
fn a_socks_client_that_leaves_before_it_is_answered_ends_the_attempt() {
    let world = World::new(29, MESH);
    let _client = world.start("client", 1);
    let held = |name| value(world.at(1, 15020), name);
    // It never says a word, so that the attempt would go on for as long as it may.
    let silent = TcpListener::bind(world.at(2, 15008)).expect("a port");
    let mut socket = TcpStream::connect(world.at(1, 15080)).expect("a connection");
    let vip: Ipv4Addr = world.at(100, 80).ip().to_string().parse().expect("IPv4");
    let asked = [&[5, 1, 0, 5, 1, 0, 1][..], &vip.octets(), &[0, 80]].concat();
    socket.write_all(&asked).expect("it is open");
    let (mut dialled, _) = silent.accept().expect("it is being dialled");
    drop(socket);
    dialled.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // What was said to it by then, and an end.
    let _ = dialled.read_to_end(&mut Vec::new());
    let gave_up = held("hbone_pool_dials_failed_total");
    assert_eq!(gave_up, 0, "it was called off, and did not time out");
    within("nobody waits and nothing is dialled", || {
        held("hbone_pool_waiting") + held("hbone_pool_connections_dialling") == 0
    });
    within("it is told", || {
        world.log("client").contains("the SOCKS5 client left")
    });
}

/// The value of a metric without labels.
fn value(metrics: SocketAddr, name: &str) -> u64 {
    let text = get(metrics, "/metrics").expect("an answer");
    let start = format!("{name} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&start));
    line.and_then(|value| value.parse().ok()).expect(name)
}
