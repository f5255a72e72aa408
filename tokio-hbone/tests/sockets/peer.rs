//! A server in a process of its own, which can be stopped, starved and cut off.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use hbone::{KeepaliveConfig, Route, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_hbone::tls::ServerTls;
use tokio_hbone::{
    Acceptor, ConnectionConfig, Handler, Incoming, Server, ServerConfig, ServerCounts, Tunnel,
};

use crate::handed;
use crate::process::{again, is_child, own_loopback};
use crate::support::ends::hop;
use crate::support::pki::SERVER;
use crate::support::script_tls::provider;

pub(crate) struct Peer {
    child: Child,
    tell: ChildStdin,
    says: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

/// What differs from one test to the next.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    /// Of a handshake, in milliseconds.
    pub(crate) handshake: u64,
    /// The two of keepalive, in milliseconds.
    pub(crate) keepalive: (u64, u64),
    pub(crate) max_connections: usize,
    pub(crate) max_handshakes: usize,
}

impl Default for Figures {
    fn default() -> Self {
        let server = ServerConfig::default();
        Self {
            handshake: 10_000,
            keepalive: (10_000, 20_000),
            max_connections: server.max_connections,
            max_handshakes: server.max_handshakes,
        }
    }
}

impl Peer {
    /// A process that waits to be told where to listen.
    pub(crate) fn spawn(prefix: &[&str]) -> Self {
        let mut child = again(prefix, "peer::serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let tell = child.stdin.take().expect("a pipe");
        let says = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut peer = Self {
            child,
            tell,
            says,
            address,
        };
        peer.heard("ready");
        peer
    }

    /// One that listens on loopback.
    pub(crate) fn start(prefix: &[&str], figures: Figures) -> Self {
        let mut peer = Self::spawn(prefix);
        peer.listen(&own_loopback().to_string(), figures);
        peer
    }

    /// Gives it an identity, and has it listen at `ip`.
    pub(crate) fn listen(&mut self, ip: &str, figures: Figures) {
        let Figures {
            handshake,
            keepalive: (interval, timeout),
            max_connections,
            max_handshakes,
        } = figures;
        self.say(&format!(
            "{ip} {} {handshake} {interval} {timeout} {max_connections} {max_handshakes}",
            handed::words(SERVER)
        ));
        self.address = self.heard("listening on ").parse().expect("an address");
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// One hop to it.
    pub(crate) fn route(&self) -> Route {
        Route::new(self.address, hop("10.0.0.1:80", SERVER))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many sockets and tunnels it holds.
    pub(crate) fn holds(&mut self) -> (usize, usize) {
        self.say("count");
        let counts = self.heard("holds ");
        let (sockets, tunnels) = counts.split_once(' ').expect("two numbers");
        let number = |text: &str| text.parse().expect("a number");
        (number(sockets), number(tunnels))
    }

    /// Waits until it holds that.
    pub(crate) async fn comes_to_hold(&mut self, sockets: usize, tunnels: usize) {
        for _ in 0..6_000 {
            if self.holds() == (sockets, tunnels) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it still holds {:?}", self.holds());
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.pid();
        crate::process::must(&format!("kill -{signal} {pid}"));
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    fn say(&mut self, line: &str) {
        writeln!(self.tell, "{line}").expect("a peer that lives");
    }

    /// The rest of the next line that has `what` in it.
    fn heard(&mut self, what: &str) -> String {
        loop {
            let line = self.says.next().expect("a peer that lives").expect("text");
            if let Some((_, rest)) = line.split_once(what) {
                return rest.to_owned();
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Stopped or not, it is gone then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends everything back.
struct Echo;

impl Handler for Echo {
    async fn handle(&self, incoming: Incoming) {
        if let Ok(mut tunnel) = incoming.accept(&hbone::Accept::default()) {
            give_back(&mut tunnel).await;
        }
    }
}

async fn give_back(tunnel: &mut Tunnel) {
    while let Ok(Some(chunk)) = tunnel.read_chunk().await {
        if tunnel.write_chunk(chunk).await.is_err() {
            return;
        }
    }
    let _ = tunnel.shutdown().await;
}

#[tokio::test]
#[ignore = "started by the tests, in a process of its own"]
async fn serve() {
    if !is_child() {
        return;
    }
    println!("ready");
    let mut lines = BufReader::new(std::io::stdin()).lines();
    let line = lines.next().expect("a line").expect("text");
    let words: Vec<_> = line.split(' ').collect();
    let [ip, root, leaf, key, figures @ ..] = &words[..] else {
        panic!("{line}");
    };
    let figures: Vec<u64> = figures
        .iter()
        .map(|word| word.parse().expect("a number"))
        .collect();
    let [handshake, interval, timeout, connections, handshakes] = figures[..] else {
        panic!("{line}");
    };
    let (credentials, bundles) = handed::read([root, leaf, key]);
    let tls = ServerTls::new(provider(), credentials, bundles).expect("a configuration");
    let mut connection = ConnectionConfig::default();
    let millis = Duration::from_millis;
    connection.keepalive = Some(KeepaliveConfig::new(millis(interval), millis(timeout)));
    let acceptor = Acceptor::new(tls)
        .with_connection(connection)
        .with_timeouts(Timeouts::each(millis(handshake)));
    let mut config = ServerConfig::default();
    config.max_connections = usize::try_from(connections).expect("a number");
    config.max_connections_per_peer = config.max_connections;
    config.max_handshakes = usize::try_from(handshakes).expect("a number");
    let listener = TcpListener::bind((*ip, 0)).await.expect("a port");
    println!(
        "listening on {}",
        listener.local_addr().expect("an address")
    );
    let server = Server::with_config(acceptor, Echo, config);
    let handle = server.handle();
    tokio::spawn(server.run(listener));
    let questions = tokio::task::spawn_blocking(move || {
        for line in lines {
            if line.is_ok_and(|line| line == "count") {
                let ServerCounts {
                    sockets, tunnels, ..
                } = handle.counts();
                println!("holds {sockets} {tunnels}");
            }
        }
    });
    questions.await.expect("no panic");
}

/// Sends a word there and back.
pub(crate) async fn echoes(tunnel: &mut Tunnel) {
    tunnel.write_all(b"hello").await.expect("room");
    let mut back = [0; 5];
    tunnel.read_exact(&mut back).await.expect("an echo");
    assert_eq!(&back, b"hello");
}
