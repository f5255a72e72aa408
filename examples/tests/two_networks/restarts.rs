use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::flow::Flow;
use crate::namespaces::are_possible;
use crate::running::within;
use crate::socks::{ask, connect};
use crate::topology::{NAME, SECOND, Topology, socks};

#[test]
fn whoever_is_killed_under_load_is_missed_only_by_what_went_through_it() {
    if !are_possible() {
        return;
    }
    let topology = Topology::new("x");
    let mut running = topology.start();
    let topology = &topology;
    under_load(topology, |load| {
        // From one server to the other: neither through the gateway nor through the client's proxy.
        let bystander = || Flow::open(&topology.second, "10.1.0.5", 8080, *b"server");
        // Through the client's proxy and the gateway, and not through the proxy of the first server.
        let passenger = || Flow::open(&topology.client, SECOND, 80, *b"second");
        let other = bystander();
        let passing = passenger();
        other.moves();
        passing.moves();

        running.gateway.signal(Signal::KILL);
        running.gateway.end();
        load.fails();
        passing.breaks();
        other.moves();
        running.gateway = topology.start_gateway();
        load.recovers();
        let passing = passenger();
        passing.moves();

        running.client.signal(Signal::KILL);
        running.client.end();
        load.fails();
        passing.breaks();
        other.moves();
        running.client = topology.start_client();
        load.recovers();
        other.moves();
        other.ends_whole();

        let (other, passing) = (bystander(), passenger());
        passing.moves();
        other.moves();
        running.server.signal(Signal::KILL);
        running.server.end();
        other.breaks();
        passing.moves();
        running.server = topology.start_server();
        load.recovers();
        let other = bystander();
        other.moves();
        other.ends_whole();
        passing.moves();
        passing.ends_whole();
    });
}

#[test]
fn sigterm_of_each_under_load_breaks_nothing_that_ends_within_the_deadline() {
    if !are_possible() {
        return;
    }
    let topology = Topology::new("z");
    let mut running = topology.start();
    let topology = &topology;
    under_load(topology, |load| {
        for role in ["server", "second", "gateway", "client"] {
            let proxy = match role {
                "server" => &mut running.server,
                "second" => &mut running.second,
                "gateway" => &mut running.gateway,
                _ => &mut running.client,
            };
            proxy.signal(Signal::TERM);
            assert_eq!(proxy.end(), Some(0), "{role}");
            match role {
                "server" => running.server = topology.start_server(),
                "second" => running.second = topology.start_second(),
                "gateway" => running.gateway = topology.start_gateway(),
                _ => running.client = topology.start_client(),
            }
            load.recovers();
            // What was not let in had not begun; what had begun came to its end.
            assert_eq!(load.counts().broken, 0, "{role}");
        }
    });
}

#[test]
fn sigterm_of_each_loses_nothing_that_ends_within_the_deadline() {
    if !are_possible() {
        return;
    }
    let topology = Topology::new("y");
    let mut running = topology.start();
    for role in ["server", "second", "gateway", "client"] {
        let mut open = topology.client.inside(|| {
            let mut sockets: Vec<_> = (0..20)
                .map(|_| connect(socks(), NAME, 80).expect("a connection"))
                .collect();
            for socket in &mut sockets {
                say(socket, b"hello");
            }
            sockets
        });
        let proxy = match role {
            "server" => &mut running.server,
            "second" => &mut running.second,
            "gateway" => &mut running.gateway,
            _ => &mut running.client,
        };
        proxy.signal(Signal::TERM);
        for socket in &mut open {
            let mut answer = vec![0; 6 + 5];
            socket.read_exact(&mut answer).expect("all that was said");
            assert_eq!(&answer[6..], b"hello");
            say(socket, b"goodbye");
            socket.shutdown(Shutdown::Write).expect("an end");
            let mut rest = Vec::new();
            socket.read_to_end(&mut rest).expect("an end of file");
            assert_eq!(rest, b"goodbye", "{role}");
        }
        assert_eq!(proxy.end(), Some(0), "{role}");
        match role {
            "client" => continue,
            "gateway" => running.gateway = topology.start_gateway(),
            "server" => running.server = topology.start_server(),
            _ => running.second = topology.start_second(),
        }
        // Whoever failed to connect meanwhile waits a moment before trying again.
        topology.client.inside(|| {
            within("it is back", || connect(socks(), NAME, 80).is_ok());
        });
    }
}

/// What connections one after another came to.
struct Load {
    stopped: AtomicBool,
    counts: Mutex<Counts>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    whole: u64,
    refused: u64,
    broken: u64,
}

/// What a connection came to.
enum Came {
    /// All of it.
    Whole,
    /// It was not let in, and was told so.
    Refused,
    /// It broke after it had begun, and was told so.
    Broken,
}

impl Load {
    fn counts(&self) -> Counts {
        *self.counts.lock().expect("counts")
    }

    /// Waits until a connection has not come to its end.
    fn fails(&self) {
        let before = self.counts();
        within("the load notices", || {
            let now = self.counts();
            now.refused + now.broken > before.refused + before.broken
        });
    }

    /// Waits until connections succeed again, several in a row on each of the ways there are.
    fn recovers(&self) {
        const ENOUGH: u64 = 30;
        let before = self.counts().whole;
        within("it is as it was", || self.counts().whole >= before + ENOUGH);
    }
}

/// Does something while three clients open connections one after another.
fn under_load(topology: &Topology, work: impl FnOnce(&Load)) {
    let load = Load {
        stopped: AtomicBool::new(false),
        counts: Mutex::default(),
    };
    let load = &load;
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                topology.client.inside(|| {
                    while !load.stopped.load(Ordering::Relaxed) {
                        let came = once();
                        let mut counts = load.counts.lock().expect("counts");
                        match came {
                            Came::Whole => counts.whole += 1,
                            Came::Refused => counts.refused += 1,
                            Came::Broken => counts.broken += 1,
                        }
                        drop(counts);
                        thread::sleep(Duration::from_millis(5));
                    }
                });
            });
        }
        // Whatever fails, the load ends.
        let _stop = Stop(&load.stopped);
        load.recovers();
        work(load);
    });
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One connection, which must never look as if it had ended well if it has not.
fn once() -> Came {
    let bytes: Vec<u8> = (0..50_000_u32).map(|n| n as u8).collect();
    let Ok(Ok(mut socket)) = ask(socks(), NAME, 80) else {
        return Came::Refused;
    };
    let mut writer = socket.try_clone().expect("a socket");
    let sent = bytes.clone();
    let writing = thread::spawn(move || {
        writer.write_all(&sent)?;
        writer.shutdown(Shutdown::Write)
    });
    let mut answer = Vec::new();
    let read = socket.read_to_end(&mut answer);
    let wrote = writing.join().expect("no panic");
    match (read, wrote) {
        (Ok(_), Ok(())) => {
            assert_eq!(
                answer.len(),
                6 + bytes.len(),
                "a part that looks like the whole"
            );
            assert_eq!(answer[6..], bytes);
            Came::Whole
        }
        (Err(error), _) | (_, Err(error)) => {
            let kinds = [
                ErrorKind::ConnectionReset,
                ErrorKind::BrokenPipe,
                ErrorKind::NotConnected,
            ];
            assert!(kinds.contains(&error.kind()), "{error}");
            Came::Broken
        }
    }
}

fn say(socket: &mut TcpStream, bytes: &[u8]) {
    socket.write_all(bytes).expect("it is open");
}
