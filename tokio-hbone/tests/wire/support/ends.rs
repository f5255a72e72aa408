//! Our own two ends.

use std::io;

use hbone::policy::DestinationPolicy;
use hbone::{
    Accept, Connect, DenyStatus, ExpectedIdentities, Hop, Identity, Reject, Route, TunnelError,
};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio_hbone::tls::{ClientTls, ServerTls, TrustBundles};
use tokio_hbone::{Acceptor, Connector, Incoming, Tunnel};

use super::frame::{Frame, HEADERS};
use super::io::{Io, pipe};
use super::pki::{CLIENT, SERVER, Shown, mesh_bundle, workload};
use super::raw::Raw;
use super::script_tls::{ScriptTls, provider};
use super::soon;

pub(crate) fn client_tls(shown: &Shown, trusted: TrustBundles) -> ClientTls {
    ClientTls::new(provider(), shown.credentials(), trusted).expect("a configuration")
}

pub(crate) fn server_tls(shown: &Shown, trusted: TrustBundles) -> ServerTls {
    ServerTls::new(provider(), shown.credentials(), trusted).expect("a configuration")
}

/// The client of the mesh.
pub(crate) fn connector() -> Connector {
    Connector::new(client_tls(&workload(CLIENT), mesh_bundle()))
}

/// The server of the mesh.
pub(crate) fn acceptor() -> Acceptor {
    Acceptor::new(server_tls(&workload(SERVER), mesh_bundle()))
}

pub(crate) fn identity(uri: &str) -> Identity {
    Identity::parse(uri).expect("an identity")
}

pub(crate) fn hop(authority: &str, who: &str) -> Hop {
    let connect = Connect::new(authority.parse().expect("an authority"));
    Hop::new(connect, ExpectedIdentities::from(identity(who)))
}

/// One hop to the server. Over a pipe the address means nothing.
pub(crate) fn route() -> Route {
    Route::new(
        "127.0.0.1:15008".parse().expect("an address"),
        hop("10.0.0.1:80", SERVER),
    )
}

/// A server that accepts what `policy` admits, and holds each tunnel open.
pub(crate) async fn serve(io: impl Io, acceptor: Acceptor, policy: DestinationPolicy) {
    let Ok(mut connection) = acceptor.accept(io).await else {
        return;
    };
    let mut held = Vec::new();
    while let Some(incoming) = connection.next().await {
        let authority = &incoming.connect().authority;
        match policy.admit(incoming.peer(), authority) {
            Ok(_) => held.push(incoming.accept(&Accept::default())),
            Err(reason) => incoming.reject(&Reject::denied(reason, DenyStatus::default())),
        }
    }
}

/// Accepts on `io` in a task of its own, which gives out each CONNECT and ends with the connection.
pub(crate) fn incoming(io: impl Io, acceptor: Acceptor) -> mpsc::Receiver<Incoming> {
    let (give, take) = mpsc::channel(1024);
    tokio::spawn(async move {
        let Ok(mut connection) = acceptor.accept(io).await else {
            return;
        };
        while let Some(incoming) = connection.next().await {
            if give.send(incoming).await.is_err() {
                // Nobody wants more, but the tunnels that are open go on.
                connection.drain();
            }
        }
    });
    take
}

/// A tunnel from our client to our server.
pub(crate) async fn tunnel_pair() -> (Tunnel, Tunnel) {
    let (near, far) = pipe();
    let mut incoming = incoming(far, acceptor());
    let (connector, route) = (connector(), route());
    let accepted = async {
        let incoming = incoming.recv().await.expect("a CONNECT");
        incoming.accept(&Accept::default()).expect("a client")
    };
    let (opened, accepted) = tokio::join!(connector.connect_over(near, &route), accepted);
    (opened.expect("a tunnel"), accepted)
}

/// A tunnel from our client to a scripted server, and its stream.
pub(crate) async fn tunnel_to_script() -> (Tunnel, Raw, u32) {
    tunnel_to_script_with(connector(), &[]).await
}

pub(crate) async fn tunnel_to_script_with(
    connector: Connector,
    settings: &[(u16, u32)],
) -> (Tunnel, Raw, u32) {
    let (near, far) = pipe();
    let route = route();
    let script = async {
        let mut raw = Raw::server(far, &ScriptTls::new(workload(SERVER)), settings).await;
        let stream = raw.connect().await;
        raw.send([Frame::headers(stream, &OK)]).await;
        (raw, stream)
    };
    let (opened, (raw, stream)) = tokio::join!(connector.connect_over(near, &route), script);
    (opened.expect("a tunnel"), raw, stream)
}

/// A scripted server behind a good handshake.
pub(crate) async fn scripted_server(io: impl Io) -> Raw {
    Raw::server(io, &ScriptTls::new(workload(SERVER)), &[]).await
}

/// A scripted client of our server, and the CONNECTs that come out there.
pub(crate) async fn script_to_server() -> (Raw, mpsc::Receiver<Incoming>) {
    script_to_server_with(acceptor(), &[]).await
}

pub(crate) async fn script_to_server_with(
    acceptor: Acceptor,
    settings: &[(u16, u32)],
) -> (Raw, mpsc::Receiver<Incoming>) {
    let (near, far) = pipe();
    let incoming = incoming(far, acceptor);
    let raw = Raw::client(near, &ScriptTls::new(workload(CLIENT)), settings).await;
    (raw, incoming)
}

/// The head of a CONNECT, as a good client sends it.
pub(crate) const CONNECT: [(&str, &str); 2] = [(":method", "CONNECT"), (":authority", AUTHORITY)];

/// Where a good client wants to go.
pub(crate) const AUTHORITY: &str = "10.0.0.1:80";

/// The head that opens a tunnel.
pub(crate) const OK: [(&str, &str); 1] = [(":status", "200")];

/// A tunnel on stream 1 that our server has accepted from a scripted client.
pub(crate) async fn script_to_tunnel() -> (Raw, Tunnel) {
    let (mut raw, mut incoming) = script_to_server().await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let tunnel = accept_next(&mut incoming).await;
    let answer = raw.expect(HEADERS).await;
    assert_eq!(raw.status(&answer), 200);
    (raw, tunnel)
}

/// Accepts the next CONNECT.
pub(crate) async fn accept_next(incoming: &mut mpsc::Receiver<Incoming>) -> Tunnel {
    let incoming = soon(incoming.recv()).await.expect("a CONNECT");
    incoming.accept(&Accept::default()).expect("a client")
}

/// Everything up to the end of file.
pub(crate) async fn read_all(tunnel: &mut Tunnel) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    soon(tunnel.read_to_end(&mut all)).await.map(|_| all)
}

/// What is in an error of a tunnel's reader or writer.
#[track_caller]
pub(crate) fn tunnel_error(error: &io::Error) -> TunnelError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    *inner.unwrap_or_else(|| panic!("not a TunnelError: {error:?}"))
}
