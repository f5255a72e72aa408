//! `hbone serve`, `connect` and `forward` as real processes on loopback.

mod cli_support;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use cli_support::application::{self, application, echo, read_all, reset};
use cli_support::noise::{Noise, assert_noise};
use cli_support::pki::{Pki, expired, id, leaf};
use cli_support::process::{Process, Run, hbone, run};
use cli_support::raw::connect;
use cli_support::{PATIENCE, eventually};
use rustix::process::Signal;

/// More than every window on the way.
const MUCH: u64 = 64 << 20;

fn server(pki: &Pki, more: &[&str]) -> (Process, SocketAddr) {
    let flags = pki.flags("server");
    let more = more.iter().map(|&flag| flag.to_owned());
    let listen = ["serve", "--listen", "127.0.0.1:0"].map(str::to_owned);
    Process::listening(listen.into_iter().chain(flags).chain(more))
}

/// A server that lets clients go to this application.
fn server_for(pki: &Pki, application: SocketAddr) -> (Process, SocketAddr) {
    server(pki, &["--allow", &application.to_string()])
}

fn client_args(pki: &Pki, command: &str, via: SocketAddr, more: &[&str]) -> Vec<String> {
    let mut args = vec![command.to_owned(), "--via".to_owned(), via.to_string()];
    args.extend(pki.flags("client"));
    args.extend(more.iter().map(|&flag| flag.to_owned()));
    args
}

fn client(pki: &Pki, via: SocketAddr, more: &[&str]) -> Process {
    Process::start(client_args(pki, "connect", via, more))
}

fn client_run(pki: &Pki, via: SocketAddr, more: &[&str], input: &[u8]) -> Run {
    run(client_args(pki, "connect", via, more), input)
}

fn forwarder(pki: &Pki, via: SocketAddr, more: &[&str]) -> (Process, SocketAddr) {
    let mut args = client_args(pki, "forward", via, more);
    args.extend(["--listen", "127.0.0.1:0"].map(str::to_owned));
    Process::listening(args)
}

#[test]
fn every_byte_comes_through_both_ways_at_once() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let (server, at) = server_for(&pki, app);
    let peer = id("server");
    let mut client = client(&pki, at, &["--peer-id", &peer, &app.to_string()]);
    let (mut stdin, mut stdout) = (client.stdin(), client.stdout());
    let feed = thread::spawn(move || std::io::copy(&mut Noise::new(1, MUCH), &mut stdin));
    assert_noise(&mut stdout, Noise::new(1, MUCH), b"<EOF>");
    feed.join().expect("no panic").expect("its input");
    client.exits(0);
    client.says(&format!("{MUCH} bytes sent, {} bytes received", MUCH + 5));
    let line = server.says("tunnel peer=");
    for part in [
        format!("peer={}", id("client")),
        format!(
            "authority={app} status=200 upstream={app} received={MUCH} sent={} end=ok",
            MUCH + 5
        ),
    ] {
        assert!(line.contains(&part), "{line}");
    }
}

#[test]
fn the_end_of_the_input_is_not_the_end_of_the_answer() {
    let pki = Pki::new();
    let (app, heard) = application(|mut socket: TcpStream| {
        let all = read_all(&mut socket).expect("a clean end");
        std::io::copy(&mut Noise::new(2, 10 << 20), &mut socket).expect("a listener");
        all
    });
    let (_server, at) = server_for(&pki, app);
    let mut client = client(&pki, at, &[&app.to_string()]);
    let mut stdin = client.stdin();
    stdin.write_all(b"ask").expect("its input");
    drop(stdin);
    assert_noise(&mut client.stdout(), Noise::new(2, 10 << 20), b"");
    assert_eq!(heard.recv_timeout(PATIENCE).expect("its end"), b"ask");
    client.exits(0);
}

#[test]
fn the_peers_end_closes_the_output_and_the_input_goes_on() {
    let pki = Pki::new();
    let (app, heard) = application(|mut socket: TcpStream| {
        socket.write_all(b"HI").expect("a listener");
        socket.shutdown(Shutdown::Write).expect("a socket");
        read_all(&mut socket).expect("a clean end")
    });
    let (_server, at) = server_for(&pki, app);
    let mut client = client(&pki, at, &[&app.to_string()]);
    let mut stdin = client.stdin();
    let mut stdout = client.stdout();
    let (told, output) = channel();
    thread::spawn(move || told.send(read_all(&mut stdout)));
    let output = output.recv_timeout(PATIENCE);
    let output = output.expect("the end of the output while the input is open");
    assert_eq!(output.expect("its end"), b"HI");
    assert!(client.is_alive());
    for _ in 0..10 {
        stdin.write_all(&[7; 100_000]).expect("its input");
    }
    drop(stdin);
    assert_eq!(
        heard.recv_timeout(PATIENCE).expect("its end"),
        [7; 1_000_000]
    );
    client.exits(0);
}

#[test]
fn the_last_bytes_are_not_lost_to_the_end_of_the_process() {
    let pki = Pki::new();
    let (app, heard) = application(|mut socket: TcpStream| {
        socket.shutdown(Shutdown::Write).expect("a socket");
        read_all(&mut socket).map(|all| all.len())
    });
    let (_server, at) = server_for(&pki, app);
    for _ in 0..5 {
        let run = client_run(&pki, at, &[&app.to_string()], &[9; 300_000]);
        run.fails(0, &[]);
        let heard = heard.recv_timeout(PATIENCE).expect("its end");
        assert_eq!(heard.expect("a clean end"), 300_000);
    }
}

#[test]
fn a_tunnel_that_breaks_is_no_clean_end() {
    let pki = Pki::new();
    let (app, _) = application(|mut socket: TcpStream| {
        socket.write_all(b"half of it").expect("a listener");
        socket.read_exact(&mut [0; 2]).expect("the question");
        reset(socket);
    });
    let (server, at) = server_for(&pki, app);
    let mut client = client(&pki, at, &[&app.to_string()]);
    let (mut stdin, mut stdout) = (client.stdin(), client.stdout());
    let mut half = [0; 10];
    stdout.read_exact(&mut half).expect("what came before");
    assert_eq!(&half, b"half of it");
    stdin.write_all(b"ok").expect("its input");
    assert_eq!(read_all(&mut stdout).expect("its end"), b"");
    client.exits(1);
    let said = client.says("broke after 2 bytes there and 10 bytes back");
    assert!(said.contains("CONNECT_ERROR"), "{said}");
    let line = server.says("tunnel peer=");
    assert!(line.contains("sent=10 end=\"the socket behind"), "{line}");
}

#[test]
fn forwarded_connections_share_a_connection_and_keep_their_own_ends() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let (server, at) = server_for(&pki, app);
    let peer = id("server");
    let (forward, local) = forwarder(&pki, at, &["--peer-id", &peer, &app.to_string()]);
    let clients = (0..20).map(|seed| {
        thread::spawn(move || {
            let mut socket = connect(local);
            let mut writer = socket.try_clone().expect("a socket");
            let feed = thread::spawn(move || {
                std::io::copy(&mut Noise::new(seed, 2 << 20), &mut writer).expect("a listener");
                writer.shutdown(Shutdown::Write).expect("a socket");
            });
            assert_noise(&mut socket, Noise::new(seed, 2 << 20), b"<EOF>");
            feed.join().expect("no panic");
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.join().expect("no panic");
    }
    let lines = || {
        let said = server.said().into_iter();
        said.filter(|line| line.starts_with("tunnel "))
            .collect::<Vec<_>>()
    };
    eventually("a line for each tunnel", || lines().len() == 20);
    let from = |line: &String| {
        let mut words = line.split(' ');
        words
            .find(|word| word.starts_with("from="))
            .map(str::to_owned)
    };
    let mut connections: Vec<_> = lines().iter().map(from).collect();
    connections.sort();
    connections.dedup();
    assert_eq!(connections.len(), 1, "one connection carries them all");
    forward.says("end=ok");
}

#[test]
fn forward_passes_resets_on_both_ways_and_refusals_as_such() {
    let pki = Pki::new();
    let (app, heard) = application(|mut socket: TcpStream| {
        let mut word = [0; 5];
        let came = socket.read_exact(&mut word);
        if &word == b"reset" {
            reset(socket);
            return Ok(0);
        }
        came.and_then(|()| socket.write_all(&word))?;
        read_all(&mut socket).map(|all| all.len())
    });
    let (_server, at) = server_for(&pki, app);
    let (forward, local) = forwarder(&pki, at, &[&app.to_string()]);

    let mut socket = connect(local);
    socket.write_all(b"reset").expect("a listener");
    let error = read_all(&mut socket).expect_err("a reset is no end of file");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(heard.recv_timeout(PATIENCE).expect("its end").is_ok());

    let mut socket = connect(local);
    socket.write_all(b"hello").expect("a listener");
    socket.read_exact(&mut [0; 5]).expect("the way back");
    reset(socket);
    let error = heard.recv_timeout(PATIENCE).expect("its end");
    let error = error.expect_err("a reset is no end of file");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    // [81] Policy denies this one, so that no connection is better than an empty one.
    let (denied, denied_at) = forwarder(&pki, at, &["127.0.0.1:9"]);
    let mut socket = connect(denied_at);
    let error = read_all(&mut socket).expect_err("a refusal is no end of file");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    denied.says("403");
    forward.says("reset");
}

#[test]
fn forward_bounds_its_connections_and_the_next_ones_wait() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let (_server, at) = server_for(&pki, app);
    let (_forward, local) = forwarder(&pki, at, &["--max-connections", "2", &app.to_string()]);
    let mut sockets: Vec<_> = (0..3).map(|_| connect(local)).collect();
    for socket in &mut sockets[..2] {
        socket.write_all(b"a").expect("a listener");
        socket.read_exact(&mut [0]).expect("an echo");
    }
    let mut waiting = sockets.pop().expect("three");
    waiting.write_all(b"a").expect("the backlog");
    waiting
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("the option");
    assert!(waiting.read_exact(&mut [0]).is_err(), "it waits");
    drop(sockets);
    waiting
        .set_read_timeout(Some(PATIENCE))
        .expect("the option");
    waiting.read_exact(&mut [0]).expect("its turn");
}

#[test]
fn double_hbone_passes_a_server_that_stands_as_gateway() {
    let pki = Pki::new();
    // One name, two addresses: the gateway is allowed the one at which the inner server listens, the inner server the other.
    let Some((app, inner_at)) = two_of_localhost() else {
        eprintln!("SKIPPED: localhost has not both 127.0.0.1 and ::1 here");
        return;
    };
    let (app, _) = application::at(app, echo);
    let mut flags = vec![
        "serve".to_owned(),
        "--listen".to_owned(),
        inner_at.to_string(),
    ];
    flags.extend(pki.flags("server"));
    flags.extend(
        [
            "--allow",
            &app.to_string(),
            "--baggage",
            "service.name=inner",
        ]
        .map(str::to_owned),
    );
    let (inner, _) = Process::listening(flags);
    let mut flags = vec!["serve", "--listen", "127.0.0.1:0"]
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    flags.extend(pki.flags("gateway"));
    flags.extend(
        [
            "--allow",
            &inner_at.to_string(),
            "--baggage",
            "service.name=outer",
        ]
        .map(str::to_owned),
    );
    let (gateway, via) = Process::listening(flags);

    let authority = format!("localhost:{}", app.port());
    let (outer_id, inner_id) = (id("gateway"), id("server"));
    let args = [
        "--double",
        "--json",
        "--peer-id",
        &outer_id,
        "--inner-peer-id",
        &inner_id,
        "--baggage",
        "service.name=me",
        &authority,
    ];
    let mut process = client(&pki, via, &args);
    let (mut stdin, mut stdout) = (process.stdin(), process.stdout());
    let feed = thread::spawn(move || std::io::copy(&mut Noise::new(3, 8 << 20), &mut stdin));
    assert_noise(&mut stdout, Noise::new(3, 8 << 20), b"<EOF>");
    feed.join().expect("no panic").expect("its input");
    process.exits(0);

    let opened = process.event("opened");
    let hops = opened["hops"].as_array().expect("hops");
    let seen = hops.iter().map(|hop| {
        (
            hop["hop"].as_str(),
            hop["peer"].as_str(),
            hop["attributes"]["service"].as_str(),
        )
    });
    let wanted = [
        (Some("outer"), Some(&*outer_id), Some("outer")),
        (Some("inner"), Some(&*inner_id), Some("inner")),
    ];
    assert!(seen.eq(wanted), "{opened}");
    for process in [gateway, inner] {
        let line = process.says("tunnel ");
        assert!(line.contains(&format!("peer={}", id("client"))), "{line}");
        assert!(line.contains("baggage=\"service.name=me\""), "{line}");
        assert!(line.contains("end=ok"), "{line}");
    }

    let run = client_run(
        &pki,
        via,
        &["--double", "--inner-peer-id", &outer_id, &authority],
        b"",
    );
    run.fails(4, &["the inner hop (2 of 2)", &inner_id, &outer_id]);
}

/// A listener for the application at one address of localhost, and the other, free at the same port.
fn two_of_localhost() -> Option<(TcpListener, SocketAddr)> {
    let found: Vec<SocketAddr> = std::net::ToSocketAddrs::to_socket_addrs("localhost:1")
        .ok()?
        .collect();
    let has = |ip: &str| found.iter().any(|addr| addr.ip().to_string() == ip);
    if !has("127.0.0.1") || !has("::1") {
        return None;
    }
    (0..10).find_map(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = listener.local_addr().ok()?.port();
        TcpListener::bind(("::1", port))
            .ok()?
            .local_addr()
            .ok()
            .map(|other| (listener, other))
    })
}

#[test]
fn sigterm_lets_what_is_open_end_and_takes_nothing_new() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let (mut server, at) = server(
        &pki,
        &["--allow", &app.to_string(), "--drain-timeout", "60"],
    );
    let (_forward, local) = forwarder(&pki, at, &[&app.to_string()]);
    let mut sockets: Vec<_> = (0..20).map(|_| connect(local)).collect();
    for socket in &mut sockets {
        socket.write_all(b"a").expect("a listener");
        socket.read_exact(&mut [0]).expect("an echo");
    }
    server.signal(Signal::TERM);
    server.says("draining, 20 tunnels are open");
    client_run(&pki, at, &[&app.to_string()], b"").fails(3, &["refused"]);
    assert!(server.is_alive());
    let busy = sockets.into_iter().enumerate().map(|(seed, mut socket)| {
        thread::spawn(move || {
            let seed = seed as u64;
            let mut writer = socket.try_clone().expect("a socket");
            let feed = thread::spawn(move || {
                std::io::copy(&mut Noise::new(seed, 1 << 20), &mut writer).expect("a listener");
                writer.shutdown(Shutdown::Write).expect("a socket");
            });
            assert_noise(&mut socket, Noise::new(seed, 1 << 20), b"<EOF>");
            feed.join().expect("no panic");
        })
    });
    for socket in busy.collect::<Vec<_>>() {
        socket.join().expect("no panic");
    }
    server.exits(0);
    server.says("drained");
}

#[test]
fn a_drain_ends_at_its_deadline_and_at_once_when_asked_twice() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    for (deadline, signals) in [("1", 1), ("600", 2)] {
        let (mut server, at) = server(
            &pki,
            &["--allow", &app.to_string(), "--drain-timeout", deadline],
        );
        let mut client = client(&pki, at, &[&app.to_string()]);
        client.says("is open");
        let began = Instant::now();
        for signal in 1..=signals {
            server.signal(Signal::TERM);
            if signal < signals {
                server.says("draining");
            }
        }
        server.exits(0);
        assert!(began.elapsed() < PATIENCE);
        client.exits(1);
        client.says("broke");
    }
}

#[test]
fn forward_drains_and_cuts_what_does_not_end() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let (_server, at) = server_for(&pki, app);
    let (mut forward, local) = forwarder(&pki, at, &["--drain-timeout", "2", &app.to_string()]);
    let (mut ends, mut stays) = (connect(local), connect(local));
    for socket in [&mut ends, &mut stays] {
        socket.write_all(b"a").expect("a listener");
        socket.read_exact(&mut [0]).expect("an echo");
    }
    forward.signal(Signal::TERM);
    forward.says("draining, 2 connections are open");
    ends.write_all(b"bc").expect("a listener");
    ends.shutdown(Shutdown::Write).expect("a socket");
    assert_eq!(read_all(&mut ends).expect("its end"), b"bc<EOF>");
    let error = read_all(&mut stays).expect_err("a cut is no end of file");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    forward.exits(0);
    forward.says("drained, 1 connections were cut");
}

#[test]
fn sighup_takes_the_new_certificate_at_once_and_what_is_open_lives_on() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let (server, at) = server_for(&pki, app);
    let (renamed, authority) = (id("renamed"), app.to_string());
    client_run(&pki, at, &["--peer-id", &renamed, &authority], b"")
        .fails(4, &[&id("server"), &renamed]);
    let mut live = client(&pki, at, &[&authority]);
    let (mut stdin, mut stdout) = (live.stdin(), live.stdout());
    live.says("is open");

    // A key without its certificate is not taken.
    let next = pki.sign(leaf(&renamed));
    let former = std::fs::read_to_string(pki.path("server.key")).expect("a key");
    pki.write("server.key", &next.key);
    server.signal(Signal::HUP);
    server.says("the former credentials stay in force");
    client_run(&pki, at, &["--peer-id", &id("server"), &authority], b"x").fails(0, &[]);
    pki.write("server.key", &former);

    pki.install("server", &next);
    server.signal(Signal::HUP);
    let is_reload = |line: &&String| line.contains("SIGHUP");
    eventually("the second reload", || {
        server.said().iter().filter(is_reload).count() == 2
    });
    // Somebody looks at the files every second as well; this look is over when it is said to be.
    let said = server.said();
    let last = said.iter().rposition(|line| line.contains("SIGHUP"));
    let adopted = said
        .iter()
        .position(|line| line.contains("new credentials are in force"));
    assert!(adopted.is_some() && adopted < last, "{said:#?}");
    client_run(&pki, at, &["--peer-id", &renamed, &authority], b"x").fails(0, &[]);
    stdin.write_all(b"still here").expect("its input");
    drop(stdin);
    assert_eq!(read_all(&mut stdout).expect("its end"), b"still here<EOF>");
    live.exits(0);
}

#[test]
fn nothing_is_allowed_until_somebody_says_so() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let authority = app.to_string();
    let (server_of_nobody, at) = server(&pki, &[]);
    server_of_nobody
        .says("serves nothing: every CONNECT is denied until --allow NET:PORT or --local-only");
    let denied = client_run(&pki, at, &[&authority], b"secret");
    denied.fails(
        6,
        &["the only hop (1 of 1)", "403", &authority, &at.to_string()],
    );
    assert!(denied.stdout.is_empty());
    server_of_nobody.says("status=403");

    // Everything, but loopback is not named.
    let (_wide, at) = server(
        &pki,
        &["--allow", "0.0.0.0/0:1-65535", "--allow", "[::/0]:1-65535"],
    );
    client_run(&pki, at, &[&authority], b"").fails(6, &["403"]);
    let name = format!("localhost:{}", app.port());
    client_run(&pki, at, &[&name], b"").fails(6, &["403"]);

    let (_local, at) = server(&pki, &["--local-only"]);
    client_run(&pki, at, &[&authority], b"x").fails(0, &[]);
    client_run(&pki, at, &["127.0.0.2:80"], b"").fails(6, &["403"]);
    // [79] The way back into itself.
    client_run(&pki, at, &[&at.to_string()], b"").fails(6, &["403"]);
}

#[test]
fn names_are_resolved_and_lead_only_where_addresses_may() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let (server, at) = server(&pki, &["--allow", &format!("127.0.0.0/8:{}", app.port())]);
    let name = format!("localhost:{}", app.port());
    let run = client_run(&pki, at, &[&name], b"by name");
    run.fails(0, &[]);
    assert_eq!(run.stdout, b"by name<EOF>");
    server.says(&format!("authority={name} status=200 upstream={app}"));
    let nowhere = format!("no-such-name.invalid:{}", app.port());
    client_run(&pki, at, &[&nowhere], b"").fails(5, &["503"]);
    client_run(&pki, at, &["localhost:1"], b"").fails(6, &["403"]);
}

#[test]
fn what_went_wrong_is_told_by_hop_thing_and_place() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let authority = app.to_string();
    let (_server, at) = server_for(&pki, app);

    let wrong = id("somebody-else");
    let run = client_run(&pki, at, &["--peer-id", &wrong, &authority], b"");
    run.fails(
        4,
        &[
            "the only hop (1 of 1)",
            &id("server"),
            "expected",
            &wrong,
            &at.to_string(),
        ],
    );

    let free = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    client_run(&pki, free, &[&authority], b"").fails(3, &[&free.to_string(), "refused"]);
    client_run(&pki, app, &[&authority], b"").fails(4, &["TLS"]);
    let name = ["connect", "--via", "no-such-name.invalid:15008"].map(str::to_owned);
    let args = name
        .into_iter()
        .chain(pki.flags("client"))
        .chain([authority.clone()]);
    run_fails(args, 3, &["no-such-name.invalid", "--via"]);

    let (dead, at_dead) = server(&pki, &["--allow", &free.to_string()]);
    client_run(&pki, at_dead, &[&free.to_string()], b"").fails(5, &["503"]);
    dead.says("status=503 reason=\"the destination refused the connection\"");

    // [9] [10] Certificates that have expired, at either end.
    pki.install("old-client", &pki.sign(expired(leaf(&id("client")))));
    let mut args = vec!["connect".to_owned(), "--via".to_owned(), at.to_string()];
    args.extend(pki.flags("old-client"));
    args.push(authority.clone());
    run_fails(args, 4, &["refused our certificate", "certificate_expired"]);
    pki.install("old-server", &pki.sign(expired(leaf(&id("server")))));
    let mut args = ["serve", "--listen", "127.0.0.1:0", "--allow", &authority]
        .map(str::to_owned)
        .to_vec();
    args.extend(pki.flags("old-server"));
    let (_old, at_old) = Process::listening(args);
    client_run(&pki, at_old, &[&authority], b"").fails(4, &["has expired", "the only hop"]);

    // Another root altogether.
    let other = Pki::new();
    client_run(&other, at, &[&authority], b"").fails(4, &["was not issued by a root"]);
}

#[test]
fn a_cause_is_told_once() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let (_server, at) = server_for(&pki, app);
    let once = |run: &Run, cause: &str| {
        let times = run.stderr.matches(cause).count();
        assert_eq!(times, 1, "{cause:?} in {}", run.stderr);
    };
    let wrong = id("somebody-else");
    let authority = app.to_string();
    for flags in [
        &["--peer-id", &wrong, &authority][..],
        &["--json", "--peer-id", &wrong, &authority],
    ] {
        once(&client_run(&pki, at, flags, b""), "the peer is ");
    }
    once(
        &client_run(&pki, at, &["127.0.0.1:9"], b""),
        "403 Forbidden",
    );
    pki.write("client.key", "no key");
    once(
        &client_run(&pki, at, &[&authority], b""),
        "cannot be read as PEM",
    );
}

#[test]
fn a_peer_that_accepts_and_says_nothing_does_not_answer_in_time() {
    let pki = Pki::new();
    // The system accepts for it.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = silent.local_addr().expect("an address");
    let run = client_run(&pki, at, &["10.0.0.1:80"], b"");
    run.fails(3, &["no answer within", "does it speak TLS?"]);
}

#[test]
fn a_peer_that_speaks_no_tls_is_asked_about() {
    let pki = Pki::new();
    let (http, _) = application(|mut socket: TcpStream| {
        let _ = socket.read(&mut [0; 1024]);
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        read_all(&mut socket).is_ok()
    });
    let (closing, _) = application(|mut socket: TcpStream| {
        let _ = socket.read(&mut [0; 1024]);
    });
    let (resetting, _) = application(|mut socket: TcpStream| {
        let _ = socket.read(&mut [0; 1024]);
        reset(socket);
    });
    for peer in [http, closing, resetting] {
        let run = client_run(&pki, peer, &["10.0.0.1:80"], b"");
        run.fails(4, &["does it speak TLS?"]);
    }
}

#[test]
fn tls_that_comes_out_of_a_single_tunnel_hints_at_the_double_one() {
    let pki = Pki::new();
    // What is behind a gateway, to whom its client's words are no handshake.
    let (pod, _) = application(|mut socket: TcpStream| {
        let _ = socket.write_all(&[21, 3, 3, 0, 2, 2, 50]);
        let _ = socket.shutdown(Shutdown::Write);
        read_all(&mut socket).is_ok()
    });
    let (_server, at) = server_for(&pki, pod);
    let hint = "the east-west gateway of another network, --double opens";
    client_run(&pki, at, &[&pod.to_string()], b"hello").fails(0, &[hint]);
    // Whoever speaks TLS himself expects as much.
    let hello = [22, 3, 1, 0, 1, 1];
    let run = client_run(&pki, at, &[&pod.to_string()], &hello);
    assert!(!run.stderr.contains("--double"), "{}", run.stderr);
    let (plain, _) = application(echo);
    let (_server, at) = server_for(&pki, plain);
    let run = client_run(&pki, at, &[&plain.to_string()], b"hello");
    assert!(!run.stderr.contains("--double"), "{}", run.stderr);
}

#[test]
fn forward_hints_at_the_double_tunnel_too_and_says_it_once() {
    let pki = Pki::new();
    let (pod, _) = application(|mut socket: TcpStream| {
        let _ = socket.write_all(&[22, 3, 3, 0, 2, 2, 50]);
        let _ = socket.shutdown(Shutdown::Write);
        read_all(&mut socket).is_ok()
    });
    let (_server, at) = server_for(&pki, pod);
    let (forward, local) = forwarder(&pki, at, &[&pod.to_string()]);
    let hints = || {
        let said = forward.said().into_iter();
        said.filter(|line| line.contains("--double opens")).count()
    };
    let exchange = |said: &[u8]| {
        let mut socket = connect(local);
        socket.write_all(said).expect("a listener");
        socket.shutdown(Shutdown::Write).expect("a socket");
        read_all(&mut socket).expect("an answer")
    };
    let ended = || {
        let said = forward.said().into_iter();
        said.filter(|line| line.contains("end=ok")).count()
    };
    // Whoever speaks TLS himself expects as much.
    exchange(&[22, 3, 1, 0, 1, 1]);
    eventually("it has ended", || ended() == 1);
    assert_eq!(hints(), 0);
    let answer = exchange(b"hello");
    assert_eq!(answer, [22, 3, 3, 0, 2, 2, 50], "nothing is held back");
    let told = forward.says("the east-west gateway of another network, --double opens");
    assert!(told.contains(&at.to_string()), "{told}");
    exchange(b"hello again");
    eventually("all have ended", || ended() == 3);
    // What would be said of the third is said before its successor's end.
    exchange(b"hello again");
    eventually("all have ended", || ended() == 4);
    assert_eq!(hints(), 1);
}

#[track_caller]
fn run_fails(args: impl IntoIterator<Item = String>, code: i32, parts: &[&str]) {
    run(args, b"").fails(code, parts);
}

#[test]
fn what_the_peer_says_is_told_in_words_and_in_json() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let said = "k8s.namespace.name=shop,k8s.deployment.name=stock,evil=%1b[31m,service.name=s%20t";
    let (_server, at) = server(&pki, &["--allow", &app.to_string(), "--baggage", said]);
    let words = client_run(&pki, at, &[&app.to_string()], b"");
    words.fails(0, &[
        "any identity spiffe://cluster.local/* is accepted where none is named; --peer-id names one",
        &format!("the only hop at {at}: {}", id("server")),
        r#"attributes {"namespace":"shop","workload":"stock""#,
        &format!("header baggage: \"{said}\""),
        "0 bytes sent, 5 bytes received",
    ]);
    assert!(
        !client_run(&pki, at, &["--any-peer", &app.to_string()], b"")
            .stderr
            .contains('\u{1b}')
    );

    let json = client_run(
        &pki,
        at,
        &["--json", "--peer-id", &id("server"), &app.to_string()],
        b"hi",
    );
    let events: Vec<serde_json::Value> = json
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(events.len(), 2, "{events:#?}");
    assert_eq!(
        events[0],
        serde_json::json!({
            "event": "opened",
            "authority": app.to_string(),
            "hops": [{
                "hop": "only",
                "address": at.to_string(),
                "peer": id("server"),
                "attributes": {"namespace": "shop", "workload": "stock", "workload_type": "deployment", "service": "s t", "app": "s t"},
                "headers": [{"name": "baggage", "value": said}],
            }],
        })
    );
    assert_eq!(
        events[1],
        serde_json::json!({"event": "ended", "sent": 2, "received": 7, "error": null})
    );

    let failed = client_run(
        &pki,
        at,
        &["--json", "--peer-id", &id("server"), "127.0.0.1:9"],
        b"",
    );
    let event: serde_json::Value = serde_json::from_str(&failed.stderr).expect("one line of JSON");
    assert_eq!(
        (&event["event"], &event["exit"]),
        (&"failed".into(), &6.into())
    );
}

#[test]
fn wrong_flags_and_files_exit_with_2_and_say_what_to_do() {
    let pki = Pki::new();
    let flags = pki.flags("client");
    let connect = |more: &[&str]| {
        let via = ["connect", "--via", "127.0.0.1:15008"].map(str::to_owned);
        let more = more.iter().map(|&flag| flag.to_owned());
        run(via.into_iter().chain(flags.clone()).chain(more), b"")
    };
    connect(&["10.0.0.1"]).fails(2, &["the authority has no port; write host:port"]);
    connect(&["user@10.0.0.1:80"]).fails(2, &["user info"]);
    connect(&["::1:80"]).fails(2, &["write [address]:port"]);
    connect(&[]).fails(2, &["AUTHORITY"]);
    connect(&["--nonsense", "10.0.0.1:80"]).fails(2, &["--nonsense"]);
    connect(&["--peer-id", "spiffe://x/ns/a", "10.0.0.1:80"]).fails(2, &["--peer-id"]);
    connect(&["--inner-peer-id", &id("a"), "10.0.0.1:80"]).fails(2, &["--double"]);
    connect(&["--any-peer", "--peer-id", &id("a"), "10.0.0.1:80"]).fails(2, &["--any-peer"]);
    connect(&["--baggage", "a=1\n", "10.0.0.1:80"]).fails(2, &["control characters"]);

    let serve = |more: &[&str]| {
        let listen = ["serve", "--listen", "127.0.0.1:0"].map(str::to_owned);
        let more = more.iter().map(|&flag| flag.to_owned());
        run(
            listen.into_iter().chain(pki.flags("server")).chain(more),
            b"",
        )
    };
    serve(&["--allow", "10.0.0.0/8"]).fails(2, &["no port; write NET:PORT"]);
    serve(&["--allow", "10.0.0.0/33:80"]).fails(2, &["10.0.0.0/33"]);
    serve(&["--allow", "fd00::/8:80"]).fails(2, &["write [fd00::/8]:PORT"]);
    serve(&["--allow", "10.0.0.0/8:90-80"]).fails(2, &["backwards"]);
    serve(&["--allow", "10.0.0.0/8:80", "--local-only"]).fails(2, &["--local-only"]);
    serve(&["--drain-timeout", "soon"]).fails(2, &["seconds"]);
    serve(&["--connect-timeout=-1"]).fails(2, &["--connect-timeout"]);
    serve(&["--handshake-timeout", "0"]).fails(2, &["more than 0"]);
    serve(&["--max-streams", "0"]).fails(2, &["--max-streams"]);
    serve(&["--trust-domain", "Not A Domain"]).fails(2, &["--trust-domain"]);

    let with = |cert: &str, key: &str, ca: &str| {
        let args = [
            "connect",
            "--via",
            "127.0.0.1:15008",
            "--cert",
            cert,
            "--key",
            key,
            "--ca",
            ca,
            "10.0.0.1:80",
        ];
        run(args, b"")
    };
    let (cert, key, ca) = (
        pki.path("client.pem"),
        pki.path("client.key"),
        pki.path("root.pem"),
    );
    let missing = pki.path("missing.pem");
    with(&missing, &key, &ca).fails(2, &["--cert", &missing, "cannot be read"]);
    with(&cert, &missing, &ca).fails(2, &["--key", &missing, "cannot be read"]);
    with(&cert, &key, &missing).fails(2, &[&missing, "cannot be read"]);
    with(&cert, &pki.path("server.key"), &ca).fails(
        2,
        &["server.key", "does not belong to the leaf certificate"],
    );
    with(&key, &key, &ca).fails(2, &["client.key", "CERTIFICATE"]);
    with(&cert, &cert, &ca).fails(2, &["client.pem", "private key"]);
    with(&cert, &key, &key).fails(2, &["client.key", "root"]);
    with(&ca, &key, &ca).fails(2, &["root.pem", "not a workload's certificate"]);
    with(&pki.folder().display().to_string(), &key, &ca).fails(2, &["--cert", "cannot be read"]);
}

#[test]
fn a_file_of_pem_that_never_ends_never_comes_or_is_far_too_large_is_refused() {
    let pki = Pki::new();
    let fifo = pki.path("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.expect("mkfifo").success());
    let large = pki.path("large");
    let file = std::fs::File::create(&large).expect("a file");
    file.set_len(1 << 40).expect("a file with a hole");
    for (file, why) in [
        ("/dev/zero", "no regular file"),
        (&*fifo, "no regular file"),
        (&*large, "larger"),
    ] {
        for flag in ["--cert", "--key", "--ca"] {
            let mut args = pki.flags("client");
            let at = args.iter().position(|arg| arg == flag).expect("the flag");
            args[at + 1] = file.to_owned();
            args.insert(0, "connect".to_owned());
            args.extend(["--via", "127.0.0.1:15008", "10.0.0.1:80"].map(str::to_owned));
            run(args, b"").fails(2, &[flag, file, why, "name a regular file"]);
        }
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let pki = Pki::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let _kept = TcpListener::bind(&taken);
    let (_server, at) = server(&pki, &[]);
    let at = at.to_string();
    for command in ["serve", "forward"] {
        let mut args = vec![command.to_owned(), "--listen".to_owned(), at.clone()];
        args.extend(pki.flags("server"));
        if command == "forward" {
            args.extend(["--via", "127.0.0.1:15008", "10.0.0.1:80"].map(str::to_owned));
        }
        run_fails(
            args,
            1,
            &["cannot listen on", &at, "let --listen name another port"],
        );
    }
}

#[test]
fn ends_that_are_closed_are_no_reason_to_panic() {
    let pki = Pki::new();
    let (app, _) = application(|mut socket: TcpStream| {
        std::io::copy(&mut Noise::new(5, 4 << 20), &mut socket).is_ok()
    });
    let (mut server, at) = server_for(&pki, app);
    let args = client_args(&pki, "connect", at, &[&app.to_string()]);

    // Whoever reads the output goes.
    let mut process = Process::start(&args);
    drop(process.stdout());
    process.exits(1);
    process.says("standard output failed; whoever read it has gone");

    // Whoever reads the errors goes.
    let mut command = hbone(&args);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("hbone");
    drop(child.stderr.take());
    assert_noise(
        &mut child.stdout.take().expect("a pipe"),
        Noise::new(5, 4 << 20),
        b"",
    );
    assert_eq!(child.wait().expect("its end").code(), Some(0));

    // There never was an input, an output, or anything at all.
    for closed in ["<&-", ">&-", "<&- >&- 2>&-"] {
        let quoted = args
            .iter()
            .map(|arg| format!("'{arg}'"))
            .collect::<Vec<_>>()
            .join(" ");
        let line = format!("exec '{}' {quoted} {closed}", env!("CARGO_BIN_EXE_hbone"));
        let status = Command::new("sh")
            .args(["-c", &line])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert_eq!(status.expect("a shell").code(), Some(0), "{closed}");
    }
    for closed in [">&-", "<&- >&- 2>&-", "2>/dev/full >/dev/full"] {
        let line = format!(
            "exec '{}' serve --listen {at} {} {closed}",
            env!("CARGO_BIN_EXE_hbone"),
            pki.flags("server").join(" ")
        );
        let status = Command::new("sh")
            .args(["-c", &line])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert_eq!(status.expect("a shell").code(), Some(1), "{closed}");
        let line = format!("exec '{}' --help {closed}", env!("CARGO_BIN_EXE_hbone"));
        let status = Command::new("sh")
            .args(["-c", &line])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert_ne!(status.expect("a shell").code(), Some(101), "{closed}");
    }
    assert!(server.is_alive());
}

#[test]
fn a_trace_tells_what_happened_at_the_hop() {
    let pki = Pki::new();
    let (app, _) = application(echo);
    let (_server, at) = server_for(&pki, app);
    let told = client_run(&pki, at, &["-v", &app.to_string()], b"hello").stderr;
    let server = id("server");
    let steps = [
        format!("ms  {at}: connecting"),
        format!("ms  {at}: TLS and HTTP/2 are up with {server}, after "),
        format!("ms  {at}: CONNECT {app} on stream 1: 200 after "),
        format!("ms  {at}: stream 1 is over: both halves ended; 5 bytes sent, 10 received"),
    ];
    let mut rest = told.as_str();
    for step in steps {
        let (_, behind) = rest
            .split_once(&step)
            .unwrap_or_else(|| panic!("{step:?} is not, or not in order, in {told}"));
        rest = behind;
    }

    let untold = client_run(&pki, at, &[&app.to_string()], b"hello").stderr;
    assert!(!untold.contains("connecting"), "{untold}");
}

/// Carries one connection to `server`, its first direction slowly and with little in flight before it.
fn slow_link(server: SocketAddr) -> SocketAddr {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    socket.set_recv_buffer_size(8192).expect("a small buffer");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a free port");
    socket.listen(1).expect("a listener");
    let listener = TcpListener::from(socket);
    let at = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        let mut there = TcpStream::connect(server).expect("the server");
        let (mut back, mut answers) = (
            client.try_clone().expect("a handle"),
            there.try_clone().expect("a handle"),
        );
        thread::spawn(move || std::io::copy(&mut answers, &mut back));
        let mut buffer = [0; 4096];
        while let Ok(some @ 1..) = client.read(&mut buffer) {
            if there.write_all(&buffer[..some]).is_err() {
                return;
            }
            thread::sleep(Duration::from_micros(3 * some as u64));
        }
        let _ = there.shutdown(Shutdown::Write);
    });
    at
}

#[test]
fn what_a_slow_link_still_holds_when_both_halves_have_ended_arrives() {
    const BYTES: u64 = 1_500_000;
    let pki = Pki::new();
    // It ends its half at once, and counts.
    let (app, heard) = application(|mut socket: TcpStream| {
        socket.shutdown(Shutdown::Write)?;
        std::io::copy(&mut socket, &mut std::io::sink())
    });
    let (_server, at) = server_for(&pki, app);
    let input = vec![7; BYTES as usize];
    let run = client_run(&pki, slow_link(at), &[&app.to_string()], &input);
    let heard = heard.recv_timeout(PATIENCE).expect("an end");
    assert_eq!(heard.expect("no reset"), BYTES);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}
