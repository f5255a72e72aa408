use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::namespaces::are_possible;
use crate::running::within;
use crate::socks::connect;
use crate::topology::{NAME, Topology, socks};

#[test]
fn whoever_is_killed_under_load_is_missed_only_by_what_went_through_it() {
    if !are_possible() {
        return;
    }
    let topology = Topology::new("x");
    let mut running = topology.start();
    let topology = &topology;
    under_load(topology, |load| {
        running.gateway.signal(Signal::KILL);
        running.gateway.end();
        within("the load notices", || load.failed() > 0);
        running.gateway = topology.start_gateway();
        load.recovers();

        running.server.signal(Signal::KILL);
        running.server.end();
        running.server = topology.start_server();
        load.recovers();
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
    counts: std::sync::Mutex<(u64, u64)>,
}

impl Load {
    fn failed(&self) -> u64 {
        self.counts.lock().expect("counts").1
    }

    /// Waits until connections succeed again, several in a row on each of the ways there are.
    fn recovers(&self) {
        const ENOUGH: u64 = 30;
        let before = self.counts.lock().expect("counts").0;
        within("it is as it was", || {
            self.counts.lock().expect("counts").0 >= before + ENOUGH
        });
    }
}

/// Does something while three clients open connections one after another.
fn under_load(topology: &Topology, work: impl FnOnce(&Load)) {
    let load = Load {
        stopped: AtomicBool::new(false),
        counts: std::sync::Mutex::new((0, 0)),
    };
    let load = &load;
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                topology.client.inside(|| {
                    while !load.stopped.load(Ordering::Relaxed) {
                        let is_good = once();
                        let mut counts = load.counts.lock().expect("counts");
                        match is_good {
                            true => counts.0 += 1,
                            false => counts.1 += 1,
                        }
                        drop(counts);
                        thread::sleep(Duration::from_millis(5));
                    }
                });
            });
        }
        within("the load runs", || {
            load.counts.lock().expect("counts").0 > 20
        });
        work(load);
        load.stopped.store(true, Ordering::Relaxed);
    });
}

/// One connection; false if it failed, which it must not do by looking as if it had ended well.
fn once() -> bool {
    let bytes: Vec<u8> = (0..50_000_u32).map(|n| n as u8).collect();
    let Ok(mut socket) = connect(socks(), NAME, 80) else {
        return false;
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
            true
        }
        (Err(error), _) | (_, Err(error)) => {
            let kinds = [
                ErrorKind::ConnectionReset,
                ErrorKind::BrokenPipe,
                ErrorKind::NotConnected,
            ];
            assert!(kinds.contains(&error.kind()), "{error}");
            false
        }
    }
}

fn say(socket: &mut TcpStream, bytes: &[u8]) {
    socket.write_all(bytes).expect("it is open");
}
