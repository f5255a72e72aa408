use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Stdio;

use rustix::process::Signal;

use crate::applications::{echo, serve};
use crate::running::{Proxy, ask, get, within};
use crate::socks::connect;
use crate::world::{MESH, World};

#[test]
fn sigterm_lets_what_is_open_come_to_its_end_on_either_side() {
    let world = World::new(21, MESH);
    let (mut client, mut server) = (world.start("client", 1), world.start("server", 2));
    serve(world.at(2, 8080), echo);
    let socks = world.at(1, 15080);
    let vip = world.at(100, 80).ip().to_string();
    let mut socket = connect(socks, &vip, 80).expect("a connection");
    echoed(&mut socket);

    server.signal(Signal::TERM);
    client.signal(Signal::TERM);
    within("no more is taken", || TcpStream::connect(socks).is_err());
    let ready = get(world.at(1, 15021), "/healthz/ready").expect("an answer");
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");

    echoed(&mut socket);
    socket.shutdown(Shutdown::Write).expect("an end");
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).expect("an end of file");
    assert_eq!(rest, b"");
    assert_eq!((client.end(), server.end()), (Some(0), Some(0)));
}

#[test]
fn who_has_asked_for_nothing_yet_keeps_nobody_from_ending() {
    let world = World::new(172, MESH);
    let mut client = world.start_with("client", 1, |command| {
        command.env("CONNECTION_TERMINATION_DEADLINE", "1h");
    });
    let silent = TcpStream::connect(world.at(1, 15080)).expect("it listens");
    let mut greeted = TcpStream::connect(world.at(1, 15080)).expect("it listens");
    greeted.write_all(&[5, 1, 0]).expect("it is open");
    greeted.read_exact(&mut [0; 2]).expect("an answer");
    client.signal(Signal::TERM);
    assert_eq!(client.end(), Some(0));
    drop((silent, greeted));
}

#[test]
fn a_mesh_file_is_seen_to_change_whatever_its_time_says_and_to_go() {
    let world = World::new(173, MESH);
    let _client = world.start("client", 1);
    let (path, other) = (world.path("mesh.yaml"), world.path("other.yaml"));
    let told = || {
        world
            .log("client")
            .matches("the mesh file has changed and is in force")
            .count()
    };
    let modified = || std::fs::metadata(&path).and_then(|file| file.modified());
    let before = modified().expect("a time");
    // As long as it was.
    let text = std::fs::read_to_string(&path).expect("a file");
    let changed = text.replace("client-v1", "client-v2");
    std::fs::write(&other, &changed).expect("a file");
    let copy = std::fs::File::options().write(true).open(&other);
    copy.and_then(|copy| copy.set_modified(before))
        .expect("a time set back");
    std::fs::rename(&other, &path).expect("it is put in its place");
    assert_eq!(modified().expect("a time"), before);
    within("the other file is read", || told() == 1);
    std::fs::rename(&path, &other).expect("it goes");
    within("it is missed", || {
        world.log("client").contains("the mesh file is gone")
    });
    std::fs::write(&other, &text).expect("a file");
    std::fs::rename(&other, &path).expect("it comes back");
    within("it is read again", || told() == 2);
}

#[test]
fn a_reload_tells_whether_the_mesh_file_has_changed() {
    let world = World::new(174, MESH);
    let client = world.start("client", 1);
    let said = |what: &str| world.log("client").matches(what).count();
    let changed = "the mesh file has changed and is in force";
    let unchanged = "the mesh file has not changed";
    let refused = "the mesh file cannot be used; the former stays in force";
    for time in 1..=2 {
        client.signal(Signal::HUP);
        within("nothing has changed", || said(unchanged) == time);
    }
    // Written anew, and it says what it said.
    world.write_mesh(MESH);
    client.signal(Signal::HUP);
    within("nothing has changed", || said(unchanged) == 3);
    assert_eq!(said(changed), 0, "{}", world.log("client"));

    world.write_mesh(&MESH.replace("client-v1", "client-v2"));
    client.signal(Signal::HUP);
    within("it has changed", || said(changed) == 1);
    let before = said(refused);
    world.write_mesh("workloads: 1\n");
    client.signal(Signal::HUP);
    within("it cannot be used", || said(refused) > before);
    // What was in force all along is told to be so again.
    world.write_mesh(&MESH.replace("client-v1", "client-v2"));
    within("it can be used again", || said(changed) == 2);
}

#[test]
fn what_is_open_at_the_deadline_is_cut_and_does_not_look_finished() {
    let world = World::new(22, MESH);
    let soon = |command: &mut std::process::Command| {
        command.env("CONNECTION_TERMINATION_DEADLINE", "300ms");
    };
    let mut client = world.start_with("client", 1, soon);
    let _server = world.start("server", 2);
    serve(world.at(2, 8080), echo);
    let vip = world.at(100, 80).ip().to_string();
    let mut socket = connect(world.at(1, 15080), &vip, 80).expect("a connection");
    echoed(&mut socket);
    client.signal(Signal::TERM);
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).expect_err("a reset");
    assert_eq!(client.end(), Some(0));
}

#[test]
fn a_pipe_in_place_of_a_file_is_told_and_keeps_nobody_from_reloading_or_ending() {
    let world = World::new(24, MESH);
    let mut client = world.start("client", 1);
    for (file, told) in [
        ("mesh.yaml", "not a regular file"),
        (
            "client.pem",
            "the certificate chain has to be a regular file",
        ),
        ("client.key", "the private key has to be a regular file"),
        ("root.pem", "the trust bundle has to be a regular file"),
    ] {
        std::fs::rename(world.path(file), world.path("kept")).expect("a file");
        world.pipe(file);
        client.signal(Signal::HUP);
        within(told, || world.log("client").contains(told));
        std::fs::rename(world.path("kept"), world.path(file)).expect("a file");
    }
    world.write_mesh(&MESH.replace("client-v1", "client-v2"));
    client.signal(Signal::HUP);
    within("it reads what is right again", || {
        let log = world.log("client");
        log.contains("the mesh file has changed and is in force")
    });
    std::fs::remove_file(world.path("mesh.yaml")).expect("a file");
    world.pipe("mesh.yaml");
    client.signal(Signal::HUP);
    client.signal(Signal::TERM);
    assert_eq!(client.end(), Some(0));
}

#[test]
fn whoever_does_not_read_the_log_holds_up_nobody() {
    // Far more than any pipe holds.
    const MANY: usize = 2_000;
    let world = World::new(75, MESH);
    world.issue("client");
    let mut command = world.command("client", 1);
    let command = command.stdout(Stdio::piped());
    let mut proxy = Proxy::spawn(command, world.at(1, 15020));
    within("the proxy is ready", || {
        get(world.at(1, 15021), "/healthz/ready").is_some_and(|answer| answer.contains("200"))
    });
    for _ in 0..MANY {
        // Each of them is a line.
        let refused = ask(world.at(1, 15080), &[5, 0]).expect("somebody listens");
        assert_eq!(refused, "\u{5}\u{fffd}", "no method is taken");
    }
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.end(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once_however_soon_it_comes() {
    let world = World::new(25, MESH);
    serve(world.at(2, 8080), echo);
    for second in [Signal::TERM, Signal::INT] {
        let mut client = world.start_with("client", 1, |command| {
            command.env("CONNECTION_TERMINATION_DEADLINE", "1h");
        });
        let server = world.start("server", 2);
        let vip = world.at(100, 80).ip().to_string();
        let mut socket = connect(world.at(1, 15080), &vip, 80).expect("a connection");
        echoed(&mut socket);
        client.signal(Signal::TERM);
        // The system tells a process of one signal once if it comes twice before the process has looked.
        within("the first was heard", || {
            get(world.at(1, 15021), "/healthz/ready").is_none_or(|answer| answer.contains("503"))
        });
        client.signal(second);
        assert_eq!(client.end(), Some(0));
        drop(server);
    }
}

#[test]
fn a_proxy_that_was_killed_is_found_again_without_a_restart_of_the_other() {
    let world = World::new(23, MESH);
    let _client = world.start("client", 1);
    let server = world.start("server", 2);
    serve(world.at(2, 8080), echo);
    let socks = world.at(1, 15080);
    let vip = world.at(100, 80).ip().to_string();
    let mut socket = connect(socks, &vip, 80).expect("a connection");
    echoed(&mut socket);
    server.signal(Signal::KILL);
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).expect_err("no end of file");
    drop(server);
    within("it is refused", || connect(socks, &vip, 80).is_err());
    let _server = world.start("server", 2);
    within("it is back", || connect(socks, &vip, 80).is_ok());
}

fn echoed(socket: &mut TcpStream) {
    socket.write_all(b"hello").expect("it is open");
    let mut answer = [0; 5];
    socket.read_exact(&mut answer).expect("an echo");
    assert_eq!(&answer, b"hello");
}
