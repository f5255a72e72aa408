//! A process that runs out of descriptors: this very test program, started again by a shell that allows it 64.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use hbone::Route;
use hbone::policy::DestinationPolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_hbone::{Handler, Incoming, Relay, Server, Tunnel};

use crate::service::Scripted;
use crate::support::ends::{acceptor, connector, hop};
use crate::support::pki::SERVER;

const CHILD: &str = "HBONE_TEST_OF_DESCRIPTORS";

#[test]
fn a_process_without_descriptors_keeps_its_tunnels_and_recovers() {
    // [127]
    let program = std::env::current_exe().expect("a path");
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
        .arg(program)
        .args(["--exact", "--ignored", "--nocapture", "descriptors::child"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut says = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut said = |what: &str| loop {
        let line = says.next().expect("more to say").expect("text");
        if let Some((_, rest)) = line.split_once(what) {
            return rest.to_owned();
        }
    };
    let address = said("listening on ");
    let crowd: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(&address).expect("the backlog"))
        .collect();
    said("no descriptor is left");
    drop(crowd);
    let mut tell = child.stdin.take().expect("a pipe");
    writeln!(tell, "gone").expect("a listener");
    let tries: usize = said("recovered after ").parse().expect("a number");
    // Two seconds of them, at most ten a second, and some more for a machine that is slow.
    assert!((1..=60).contains(&tries), "{tries} tries");
    assert!(child.wait().expect("an end").success());
}

/// Sends everything back, and notes the rest.
struct Echo(Relay<Scripted>);

impl Handler for Echo {
    async fn handle(&self, incoming: Incoming) {
        let Ok(mut tunnel) = incoming.accept(&hbone::Accept::default()) else {
            return;
        };
        while let Ok(Some(chunk)) = tunnel.read_chunk().await {
            if tunnel.write_chunk(chunk).await.is_err() {
                return;
            }
        }
    }

    fn accept_failed(&self, error: &std::io::Error) {
        self.0.accept_failed(error);
    }
}

#[tokio::test]
#[ignore = "started by the test above, in a process of its own"]
async fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let service = Scripted::new(DestinationPolicy::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let route = Route::new(address, hop("10.0.0.1:80", SERVER));
    tokio::spawn(Server::new(acceptor(), Echo(Relay::new(service.clone()))).run(listener));
    let mut tunnel = connector().connect(&route).await.expect("a tunnel");
    println!("listening on {address}");
    service.until(|notes| notes.accept_failures > 0).await;
    for _ in 0..20 {
        echoes(&mut tunnel).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let tries = service.with(|notes| notes.accept_failures);
    println!("no descriptor is left");
    let told = tokio::task::spawn_blocking(|| std::io::stdin().lines().next());
    told.await.expect("no panic");
    let mut another = loop {
        // The crowd may still be on its way out.
        match connector().connect(&route).await {
            Ok(tunnel) => break tunnel,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    echoes(&mut another).await;
    echoes(&mut tunnel).await;
    println!("recovered after {tries}");
}

async fn echoes(tunnel: &mut Tunnel) {
    tunnel.write_all(b"hello").await.expect("room");
    let mut back = [0; 5];
    tunnel.read_exact(&mut back).await.expect("an echo");
}
