//! A CONNECT from its head to its answer, and what is said about it afterwards.

use std::net::SocketAddr;
use std::time::Duration;

use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening};
use hbone::{Reason, Reject};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_hbone::{Connection, Handler, Incoming, Outcome, Relay, Server};

use crate::pipes::pipes;
use crate::service::{Does, Scripted};
use crate::support::ends::{CONNECT, acceptor};
use crate::support::frame::{DATA, END_STREAM, Frame, HEADERS, RST_STREAM};
use crate::support::pki::{CLIENT, workload};
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;
use crate::support::soon;

/// A scripted client of a whole server.
async fn client_of(handler: impl Handler) -> Raw {
    let (door, listener) = pipes();
    tokio::spawn(Server::new(acceptor(), handler).run(listener));
    Raw::client(door.knock(), &ScriptTls::new(workload(CLIENT)), &[]).await
}

/// The status that a CONNECT to `authority` is answered with.
async fn answer(service: &Scripted, authority: &str) -> u16 {
    let mut raw = client_of(Relay::new(service.clone())).await;
    raw.send([Frame::headers(
        1,
        &[(":method", "CONNECT"), (":authority", authority)],
    )])
    .await;
    let answer = raw.expect(HEADERS).await;
    assert_eq!(answer.has(END_STREAM), raw.status(&answer) != 200);
    raw.status(&answer)
}

fn anywhere() -> DestinationPolicy {
    DestinationPolicy::allow_any_destination()
}

fn last_outcome(service: &Scripted) -> Outcome {
    service
        .with(|notes| notes.outcomes.last().cloned())
        .expect("an outcome")
}

#[tokio::test(start_paused = true)]
async fn a_reset_drops_the_connect_that_is_under_way() {
    // [29]
    let service = Scripted::new(anywhere());
    let mut raw = client_of(Relay::new(service.clone())).await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    service.until(|notes| notes.connecting == 1).await;
    raw.send([Frame::reset(1, Reason::CANCEL.to_wire())]).await;
    service.until(|notes| notes.connecting == 0).await;
    service
        .until(|notes| notes.outcomes == [Outcome::GivenUp])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_drops_every_connect_that_is_under_way() {
    let service = Scripted::new(anywhere());
    let mut raw = client_of(Relay::new(service.clone())).await;
    raw.send((0..50).map(|n| Frame::headers(2 * n + 1, &CONNECT)))
        .await;
    service.until(|notes| notes.connecting == 50).await;
    drop(raw);
    service.until(|notes| notes.connecting == 0).await;
    service.until(|notes| notes.outcomes.len() == 50).await;
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_refuses_is_a_503() {
    // [75]
    let mut service = Scripted::new(anywhere());
    service.connect = Does::Fail;
    assert_eq!(answer(&service, "10.0.0.1:80").await, 503);
    let refused = Outcome::Rejected(Reject::UpstreamRefused);
    assert_eq!(last_outcome(&service), refused);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_says_nothing_is_a_503() {
    // [75]
    let service = Scripted::new(anywhere());
    assert_eq!(answer(&service, "10.0.0.1:80").await, 503);
    let timeout = Outcome::Rejected(Reject::UpstreamTimeout);
    assert_eq!(last_outcome(&service), timeout);
    assert_eq!(service.with(|notes| notes.connecting), 0);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_not_resolved_is_a_503() {
    // [76]
    let mut service = Scripted::new(anywhere());
    assert_eq!(answer(&service, "nowhere.example:80").await, 503);
    assert_eq!(last_outcome(&service), Outcome::Rejected(Reject::DnsFailed));
    service.lookup = Does::Hang;
    assert_eq!(answer(&service, "nowhere.example:80").await, 503);
    assert_eq!(
        last_outcome(&service),
        Outcome::Rejected(Reject::DnsTimeout)
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_leads_to_a_denied_address_is_a_403_and_nothing_is_dialled() {
    // [77]
    let mut service = Scripted::new(anywhere());
    for bad in ["127.0.0.1:80", "169.254.169.254:80", "[fe80::1]:80"] {
        let bad: SocketAddr = bad.parse().expect("an address");
        service.lookup = Does::Lead(vec![bad]);
        assert_eq!(answer(&service, "rebound.example:80").await, 403, "{bad}");
    }
    // One good address among the bad ones is dialled, and exactly that.
    let good: SocketAddr = "10.0.0.7:80".parse().expect("an address");
    service.lookup = Does::Lead(vec!["127.0.0.1:80".parse().expect("an address"), good]);
    assert_eq!(answer(&service, "rebound.example:80").await, 503);
    assert_eq!(service.with(|notes| notes.connects.clone()), [good]);
}

#[tokio::test(start_paused = true)]
async fn a_call_to_our_own_listener_is_refused() {
    // [79]
    let own: SocketAddr = "10.0.0.1:8080".parse().expect("an address");
    let service = Scripted::new(anywhere().own_listener(own));
    assert_eq!(answer(&service, "10.0.0.1:8080").await, 403);
    assert_eq!(answer(&service, "10.0.0.1:15008").await, 403);
    assert!(service.with(|notes| notes.connects.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn what_policy_denies_is_neither_resolved_nor_dialled() {
    // [81]
    let service = Scripted::new(DestinationPolicy::default());
    assert_eq!(answer(&service, "10.0.0.1:80").await, 403);
    assert_eq!(answer(&service, "shop.example:80").await, 403);
    assert!(service.with(|notes| notes.lookups == 0 && notes.connects.is_empty()));
}

#[tokio::test]
async fn bytes_go_both_ways_and_are_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a client");
        let mut all = Vec::new();
        socket.read_to_end(&mut all).await.expect("all");
        all.extend_from_slice(b" and back");
        socket.write_all(&all).await.expect("room");
    });
    let list = AllowEntry::to_addresses(["127.0.0.0/8".parse().expect("a range")]);
    let policy = DestinationPolicy::allow_list([list]);
    let mut service = Scripted::new(policy.open(Opening::Range(DeniedRange::Loopback)));
    service.connect = Does::Lead(Vec::new());
    let mut raw = client_of(Relay::new(service.clone())).await;
    let authority = upstream.to_string();
    let head = [(":method", "CONNECT"), (":authority", &authority)];
    raw.send([Frame::headers(1, &head)]).await;
    let answer = raw.expect(HEADERS).await;
    assert_eq!(raw.status(&answer), 200);
    raw.send([Frame::last_data(1, "there")]).await;
    assert_eq!(raw.bytes_of(1).await, b"there and back");
    service.until(|notes| !notes.outcomes.is_empty()).await;
    let relayed = Outcome::Relayed {
        upstream,
        received: 5,
        sent: 14,
        end: Ok(()),
    };
    assert_eq!(last_outcome(&service), relayed);
}

/// Panics for one port, before or after its answer, and echoes for others.
struct Fragile;

impl Handler for Fragile {
    async fn handle(&self, incoming: Incoming) {
        let port = incoming.connect().authority.port();
        assert_ne!(port, 666, "on purpose");
        let mut tunnel = incoming
            .accept(&hbone::Accept::default())
            .expect("a client");
        assert_ne!(port, 667, "on purpose");
        while let Ok(Some(chunk)) = tunnel.read_chunk().await {
            tunnel.write_chunk(chunk).await.expect("a reader");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_loses_its_own_stream_only() {
    // [74]
    let mut raw = client_of(Fragile).await;
    for (stream, authority) in [(1, "10.0.0.1:666"), (3, "10.0.0.1:80"), (5, "10.0.0.1:667")] {
        let head = [(":method", "CONNECT"), (":authority", authority)];
        raw.send([Frame::headers(stream, &head)]).await;
    }
    let mut resets = Vec::new();
    while resets.len() < 2 {
        let frame = raw.frame().await.expect("more");
        if frame.kind == RST_STREAM {
            assert_eq!(frame.reason(), Reason::INTERNAL_ERROR.to_wire());
            resets.push(frame.stream);
        }
    }
    resets.sort_unstable();
    assert_eq!(resets, [1, 5]);
    raw.send([Frame::data(3, "x")]).await;
    loop {
        let frame = raw.frame().await.expect("an echo");
        if (frame.kind, frame.stream) == (DATA, 3) {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_that_goes_on_sending_does_not_eat_the_window() {
    // [73]
    let service = Scripted::new(DestinationPolicy::default());
    let mut raw = client_of(Relay::new(service)).await;
    // Far more than the connection's window, if it were not given back.
    for stream in (1..).step_by(2).take(300) {
        let data = || Frame::data(stream, vec![0; 16 << 10]);
        raw.send([
            Frame::headers(stream, &CONNECT),
            data(),
            data(),
            data(),
            data(),
        ])
        .await;
        let answer = raw.expect(HEADERS).await;
        assert_eq!(raw.status(&answer), 403);
        assert_eq!(raw.reset_of(stream).await, Reason::NO_ERROR.to_wire());
    }
    soon(tokio::time::sleep(Duration::from_secs(1))).await;
}

/// Connections and what they give out can be moved between threads.
#[test]
fn what_a_server_hands_out_is_send() {
    fn is_send<T: Send>() {}
    is_send::<Connection<tokio::net::TcpStream>>();
    is_send::<Incoming>();
    is_send::<Relay<Scripted>>();
}

#[tokio::test]
async fn an_upstream_does_not_take_the_part_that_it_got_for_the_whole_when_the_server_is_dropped() {
    // [137]
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = listener.local_addr().expect("an address");
    let policy = anywhere().open(Opening::Range(DeniedRange::Loopback));
    let mut service = Scripted::new(policy);
    service.connect = Does::Lead(Vec::new());
    let (door, pipes) = pipes();
    let server = tokio::spawn(Server::new(acceptor(), Relay::new(service)).run(pipes));
    let mut raw = Raw::client(door.knock(), &ScriptTls::new(workload(CLIENT)), &[]).await;
    let authority = target.to_string();
    let head = [(":method", "CONNECT"), (":authority", authority.as_str())];
    raw.send([Frame::headers(1, &head)]).await;
    let (mut upstream, _) = soon(listener.accept()).await.expect("a socket");
    raw.expect(HEADERS).await;
    raw.send([Frame::data(1, "a part")]).await;
    let mut part = [0; 6];
    upstream.read_exact(&mut part).await.expect("a part");
    server.abort();
    let end = soon(upstream.read(&mut part)).await;
    let error = end.expect_err("a failure, and no end of file");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}
