//! A program of several threads that is stopped while it waits.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::Duration;

use hbone::{Accept, RequestLimits, Route};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_hbone::Connector;
use tokio_hbone::tls::ClientTls;

use crate::handed;
use crate::process::{again, is_child, must, own_loopback};
use crate::support::ends::{acceptor, hop};
use crate::support::pki::{CLIENT, SERVER};
use crate::support::script_tls::provider;
use crate::support::soon;

/// How long a program waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// For how long it is stopped, with the answer before its door.
const STOPPED: Duration = Duration::from_secs(4);
/// Each is unlucky only now and then.
const PROGRAMS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_that_came_while_a_program_of_four_threads_was_stopped_came_in_time() {
    // [87] Its threads wake up together: one sees that the time is up, another has the answer.
    let mut programs = JoinSet::new();
    for _ in 0..PROGRAMS {
        programs.spawn(heard_from_one_that_is_stopped());
    }
    assert_eq!(programs.join_all().await, ["came"; PROGRAMS]);
}

/// What a program says of the answer that it got while it was stopped.
async fn heard_from_one_that_is_stopped() -> String {
    let listener = TcpListener::bind((own_loopback(), 0))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let child = again(&[], "stopped_asking::ask")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut program = Program(child.expect("a process"));
    let Program(child) = &mut program;
    let mut tell = child.stdin.take().expect("a pipe");
    writeln!(tell, "{address} {}", handed::words(CLIENT)).expect("a child that lives");
    let (socket, _) = soon(listener.accept()).await.expect("a client");
    let mut connection = acceptor().accept(socket).await.expect("a client");
    let incoming = soon(connection.next()).await.expect("a CONNECT");
    let driving = tokio::spawn(async move { while connection.next().await.is_some() {} });
    must(&format!("kill -STOP {}", child.id()));
    let tunnel = incoming.accept(&Accept::default()).expect("a client");
    sleep(STOPPED).await;
    must(&format!("kill -CONT {}", child.id()));
    let says = BufReader::new(child.stdout.take().expect("a pipe"));
    let heard = tokio::task::spawn_blocking(move || {
        let mut lines = says.lines().map_while(Result::ok);
        lines.find_map(|line| Some(line.split_once("answer: ")?.1.to_owned()))
    });
    let heard = soon(heard).await.expect("no panic").expect("an outcome");
    drop((program, tunnel));
    soon(driving).await.expect("no panic");
    heard
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // Stopped or not, it is gone then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "started by the test above, in a process of its own"]
async fn ask() {
    if !is_child() {
        return;
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("a line");
    let words: Vec<_> = line.trim_end().split(' ').collect();
    let [address, root, leaf, key] = words[..] else {
        panic!("{line}");
    };
    let (credentials, bundles) = handed::read([root, leaf, key]);
    let tls = ClientTls::new(provider(), credentials, bundles).expect("a configuration");
    let mut limits = RequestLimits::default();
    limits.response = PATIENCE;
    let connector = Connector::new(tls).with_request_limits(limits);
    let address: SocketAddr = address.parse().expect("an address");
    let route = Route::new(address, hop("10.0.0.1:80", SERVER));
    println!();
    match connector.connect(&route).await {
        Ok(_) => println!("answer: came"),
        Err(error) => println!("answer: {error}"),
    }
}
