//! The proxy of docs/your-proxy.md, as it is there. `SMALL_PROXY` names another build of it to try, such as one made from the
//! packages as they would be published.

mod cli_support;

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::slice;

use cli_support::application::{application, echo, read_all};
use cli_support::pki::{Pki, id};
use cli_support::process::Process;
use rustix::process::Signal;

/// Starts it with the files of this workload, and says where it listens.
fn small_proxy(pki: &Pki, role: &str, who: &str, to: &[String]) -> (Process, SocketAddr) {
    let program = std::env::var("SMALL_PROXY");
    let program = program.unwrap_or_else(|_| env!("CARGO_BIN_EXE_small-proxy").to_owned());
    let flags = pki.flags(who); // --cert FILE --key FILE --ca FILE
    let files = flags.iter().skip(1).step_by(2);
    let mut command = Command::new(program);
    command.arg(role).args(files).arg("127.0.0.1:0").args(to);
    Process::listening_as(&mut command)
}

/// What comes back through the proxy at this address.
fn ask(entrance: SocketAddr, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut socket = TcpStream::connect(entrance)?;
    socket.write_all(question)?;
    socket.shutdown(Shutdown::Write)?;
    read_all(&mut socket)
}

#[test]
fn both_ends_carry_a_connection_know_each_other_and_end_when_asked() {
    let pki = Pki::new();
    let (application, _) = application(echo);
    let authority = application.to_string();
    let (mut exit, server) = small_proxy(&pki, "exit", "server", slice::from_ref(&authority));
    let to = [server.to_string(), id("server"), authority.clone()];
    let (mut entrance, listening) = small_proxy(&pki, "entrance", "client", &to);

    let answer = ask(listening, b"hello").expect("an answer");
    assert_eq!(answer, b"hello<EOF>");
    let server = format!("{authority} is {}, service server", id("server"));
    entrance.says(&server);
    entrance.says(&format!("{authority}: 5 bytes sent, 10 received"));
    exit.says(&format!(
        "{authority} from {}, service client",
        id("client")
    ));

    for process in [&mut entrance, &mut exit] {
        process.signal(Signal::TERM);
        assert!(process.wait().success(), "{:#?}", process.said());
    }
}

#[test]
fn the_application_of_a_tunnel_that_is_refused_sees_a_reset() {
    let pki = Pki::new();
    let (application, _) = application(echo);
    let (_exit, server) = small_proxy(&pki, "exit", "server", &[application.to_string()]);
    let to = [server.to_string(), id("server"), "127.0.0.1:9".to_owned()];
    let (entrance, listening) = small_proxy(&pki, "entrance", "client", &to);

    assert!(ask(listening, b"hello").is_err());
    entrance.says("403");
}

#[test]
fn a_server_of_another_name_gets_nothing() {
    let pki = Pki::new();
    let (application, _) = application(echo);
    let authority = application.to_string();
    let (_exit, server) = small_proxy(&pki, "exit", "server", slice::from_ref(&authority));
    let to = [server.to_string(), id("gateway"), authority];
    let (entrance, listening) = small_proxy(&pki, "entrance", "client", &to);

    assert!(ask(listening, b"hello").is_err());
    entrance.says(&id("server"));
}

#[test]
fn a_number_of_threads_that_is_none_is_told() {
    for value in ["0", "many", "", "99999999999"] {
        let output = Command::new(env!("CARGO_BIN_EXE_small-proxy"))
            .env("TOKIO_WORKER_THREADS", value)
            .output()
            .expect("it is started");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        let expected = format!("TOKIO_WORKER_THREADS is {value:?}; unset it");
        assert!(told.contains(&expected), "{told}");
    }
}

#[test]
fn an_argument_that_cannot_be_used_is_told_by_its_name() {
    let pki = Pki::new();
    let flags = pki.flags("client"); // --cert FILE --key FILE --ca FILE
    let files: Vec<_> = flags.into_iter().skip(1).step_by(2).collect();
    let us = files.join(" ");
    let peer = id("server");
    for (arguments, told) in [
        (
            format!("exit {us} 127.0.0.1:0 localhost:80"),
            "APPLICATION is \"localhost:80\"",
        ),
        (
            format!("exit {us} nowhere 127.0.0.1:80"),
            "cannot listen on \"nowhere\"",
        ),
        (
            format!("entrance {us} 127.0.0.1:0 127.0.0.1 {peer} 127.0.0.1:80"),
            "SERVER is \"127.0.0.1\"",
        ),
        (
            format!("entrance {us} 127.0.0.1:0 127.0.0.1:1 shop/stock 127.0.0.1:80"),
            "IDENTITY is \"shop/stock\"",
        ),
        (
            format!("entrance {us} 127.0.0.1:0 127.0.0.1:1 {peer} 127.0.0.1"),
            "AUTHORITY is \"127.0.0.1\"",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_small-proxy"))
            .args(arguments.split(' '))
            .output()
            .expect("it is started");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(told), "{arguments}: {stderr}");
    }
}
