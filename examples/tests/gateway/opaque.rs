//! What is inside of an outer tunnel is none of the gateway's business.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use hbone::{Connect, Hop, Identity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_hbone::Pool;

use crate::endpoint::Endpoint;
use crate::process::Process;
use crate::world::{AT_ONCE, SERVICE, World, id, name};

#[tokio::test(flavor = "multi_thread")]
async fn bytes_pass_as_they_are_also_those_that_are_no_tls() {
    // [122]
    let world = World::new();
    let _gateway = world.start(&world.mesh(&[(10, 1, true)]), &[]).await;
    let _pod = Endpoint::start(world.ip(10), 10, AT_ONCE).await;
    let mut tunnel = world
        .pool()
        .connect(&world.route(SERVICE))
        .await
        .expect("a tunnel");
    assert_eq!(name(&mut tunnel).await, 10);
    // An alert, a ClientHello of nonsense, and every byte there is, over and over.
    let mut bytes = b"\x15\x03\x01\x00\x02\x02\x28\x16\x03\x01\x00\x04nope".to_vec();
    bytes.extend((0..=255_u8).cycle().take(1 << 20));
    let (mut reader, mut writer) = tokio::io::split(tunnel);
    let sent = bytes.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.expect("room");
        writer.shutdown().await.expect("an end");
        writer
    });
    let mut back = Vec::new();
    reader.read_to_end(&mut back).await.expect("the end");
    writing.await.expect("no panic");
    assert!(
        back == bytes,
        "{} of {} bytes came back as they were",
        back.len(),
        bytes.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tunnel_inside_is_between_the_client_and_the_endpoint() {
    let world = World::new();
    let _gateway = world
        .start(&world.mesh(&[(10, 1, true), (11, 1, true)]), &[])
        .await;
    application(world.ip(30)).await;
    let _one = serve(&world, 10).await;
    let _two = serve(&world, 11).await;
    let pool = Pool::new(world.connector("client"));
    for _ in 0..20 {
        let server = Identity::parse(&id("echo")).expect("an id");
        let inner = Hop::new(
            Connect::new(SocketAddr::new(world.ip(30), 80).into()),
            server.into(),
        );
        let mut tunnel = pool
            .connect(&world.route(SERVICE).through(inner))
            .await
            .expect("a tunnel");
        assert_eq!(tunnel.peer().to_string(), id("echo"));
        assert_eq!(tunnel.answers()[0].peer.to_string(), id("gateway"));
        assert_eq!(
            tunnel.answers()[1].accept.baggage.as_slice()[0],
            "service.name=echo"
        );
        tunnel.write_all(b"hello").await.expect("room");
        tunnel.shutdown().await.expect("an end");
        let mut back = String::new();
        tunnel.read_to_string(&mut back).await.expect("the end");
        assert_eq!(back, "hello");
    }
}

/// Sends everything back.
async fn application(at: IpAddr) {
    let application = TcpListener::bind((at, 80)).await.expect("a free address");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = application.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = socket.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
}

/// `hbone serve` at the endpoint's address, in front of the application.
async fn serve(world: &World, last: u8) -> Process {
    let allow = format!("{}/32:80", world.ip(30));
    let listen = format!("{}:{}", world.ip(last), hbone::PORT);
    let process = Process::start(
        Command::new(env!("CARGO_BIN_EXE_hbone"))
            .args([
                "serve",
                "--listen",
                &listen,
                "--allow",
                &allow,
                "--baggage",
                "service.name=echo",
            ])
            .args([
                "--cert",
                &world.file("echo.pem"),
                "--key",
                &world.file("echo.key"),
                "--ca",
                &world.file("root.pem"),
            ]),
    );
    process.wait_for(&[&listen], 1).await;
    process
}
