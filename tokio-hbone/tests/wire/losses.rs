//! The connection under a tunnel is lost, or is about to be.

use std::io::ErrorKind;
use std::time::Duration;

use hbone::{Loss, Reason, Role, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_hbone::Tunnel;

use crate::support::ends::{
    CONNECT, accept_next, acceptor, connector, read_all, route, script_to_server_with,
    script_to_tunnel, tunnel_error, tunnel_to_script,
};
use crate::support::frame::{DATA, END_STREAM, Frame, HEADERS};
use crate::support::pki::{SERVER, workload};
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_closed_in_order_is_no_end_of_file_to_its_tunnels() {
    let (mut tunnel, raw) = after_a_part(Role::Client).await;
    let _io = raw.close().await;
    assert_eq!(lost(&mut tunnel).await, Loss::Closed);

    let (mut tunnel, raw) = after_a_part(Role::Server).await;
    let _io = raw.close().await;
    assert_eq!(lost(&mut tunnel).await, Loss::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_close_notify_is_no_end_of_file_to_its_tunnels() {
    let (mut tunnel, raw) = after_a_part(Role::Client).await;
    let _io = raw.vanish().await;
    assert_eq!(lost(&mut tunnel).await, Loss::Closed);

    let (mut tunnel, raw) = after_a_part(Role::Server).await;
    let _io = raw.vanish().await;
    assert_eq!(lost(&mut tunnel).await, Loss::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_forged_record_ends_every_tunnel_with_an_error() {
    // [25]
    let forged = Loss::Transport(ErrorKind::InvalidData);
    let (mut tunnel, raw) = after_a_part(Role::Client).await;
    let _io = raw.forge().await;
    assert_eq!(lost(&mut tunnel).await, forged);

    let (mut tunnel, raw) = after_a_part(Role::Server).await;
    let _io = raw.forge().await;
    assert_eq!(lost(&mut tunnel).await, forged);
}

#[tokio::test(start_paused = true)]
async fn a_goaway_that_covers_a_tunnel_lets_it_end_in_peace() {
    // [91]
    for reason in [Reason::NO_ERROR, Reason::ENHANCE_YOUR_CALM] {
        let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
        raw.send([
            Frame::go_away((1 << 31) - 1, Reason::NO_ERROR.to_wire()),
            Frame::go_away(stream, reason.to_wire()),
            Frame::data(stream, "on it "),
            Frame::last_data(stream, "goes"),
        ])
        .await;
        assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"on it goes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_goaway_that_leaves_a_tunnel_out_ends_it_with_an_error() {
    // [91]
    let (mut tunnel, mut raw, _) = tunnel_to_script().await;
    raw.send([Frame::go_away(0, Reason::INTERNAL_ERROR.to_wire())])
        .await;
    let error = read_all(&mut tunnel).await.expect_err("no end of file");
    let reason = Reason::INTERNAL_ERROR;
    assert_eq!(
        tunnel_error(&error),
        TunnelError::Lost(Loss::GoAway(reason))
    );
}

#[tokio::test(start_paused = true)]
async fn a_goaway_whose_last_stream_rises_fails_and_never_hangs() {
    // [91]
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    raw.send([
        Frame::go_away(stream, Reason::NO_ERROR.to_wire()),
        Frame::go_away(stream + 2, Reason::NO_ERROR.to_wire()),
    ])
    .await;
    let error = read_all(&mut tunnel).await.expect_err("no end of file");
    let loss = Loss::Protocol(Reason::PROTOCOL_ERROR);
    assert_eq!(tunnel_error(&error), TunnelError::Lost(loss));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_breaks_http2_is_told_so_and_its_tunnels_fail() {
    // [47]
    let (mut tunnel, mut raw, _) = tunnel_to_script().await;
    // DATA on stream 0 (RFC 9113 section 6.1).
    raw.send([Frame::data(0, "x")]).await;
    let error = read_all(&mut tunnel).await.expect_err("no end of file");
    let loss = Loss::Protocol(Reason::PROTOCOL_ERROR);
    assert_eq!(tunnel_error(&error), TunnelError::Lost(loss));
    assert_eq!(raw.go_away().await, Reason::PROTOCOL_ERROR.to_wire());
}

/// Our end of a tunnel, in this role, that has read a part of what the peer has to say.
async fn after_a_part(role: Role) -> (Tunnel, Raw) {
    let (mut tunnel, mut raw, stream) = match role {
        Role::Client => tunnel_to_script().await,
        Role::Server => {
            let (raw, tunnel) = script_to_tunnel().await;
            (tunnel, raw, 1)
        }
    };
    raw.send([Frame::data(stream, "a part")]).await;
    let mut part = [0; 6];
    soon(tunnel.read_exact(&mut part)).await.expect("the part");
    (tunnel, raw)
}

async fn lost(tunnel: &mut Tunnel) -> Loss {
    let error = read_all(tunnel).await.expect_err("no end of file");
    assert_ne!(error.kind(), ErrorKind::UnexpectedEof);
    match tunnel_error(&error) {
        TunnelError::Lost(loss) => loss,
        other => panic!("{other:?}"),
    }
}

/// A socket that is closed with something still to come resets the connection, and takes with it what its host has not sent
/// yet. So a client that has finished waits for its server's end.
#[tokio::test]
async fn what_a_finished_client_has_written_survives_its_close_124() {
    const BYTES: usize = 60_000;
    let listening = TcpSocket::new_v4().expect("a socket");
    listening
        .set_recv_buffer_size(4 << 10)
        .expect("a small buffer");
    listening
        .bind(([127, 0, 0, 1], 0).into())
        .expect("a free port");
    let listener = listening.listen(1).expect("a listener");
    let near = TcpStream::connect(listener.local_addr().expect("an address"));
    let (near, far) = tokio::join!(near, listener.accept());
    let (near, (far, _)) = (near.expect("a server"), far.expect("a client"));

    let client = async {
        let mut tunnel = connector()
            .connect_over(near, &route())
            .await
            .expect("a tunnel");
        tunnel.write_all(&[7; BYTES]).await.expect("room");
        tunnel.shutdown().await.expect("an end");
        assert_eq!(tunnel.read(&mut [0]).await.expect("an end of file"), 0);
    };
    let server = async {
        let mut raw = Raw::server(far, &ScriptTls::new(workload(SERVER)), &[]).await;
        let stream = raw.connect().await;
        raw.send([
            Frame::headers(stream, &[(":status", "200")]),
            Frame::last_data(stream, ""),
        ])
        .await;
        // The client has all the time it needs to finish, while its bytes wait in its own host, and then is spoken to.
        tokio::time::sleep(Duration::from_millis(300)).await;
        raw.send([Frame::ping()]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut got = 0;
        loop {
            let frame = raw.expect(DATA).await;
            got += frame.payload.len();
            if frame.has(END_STREAM) {
                break got;
            }
        }
    };
    let ((), got) = tokio::join!(client, server);
    assert_eq!(got, BYTES);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_without_a_word_is_a_lost_connection_if_it_has_a_tunnel() {
    for has_tunnel in [true, false] {
        let acceptor = acceptor();
        let (mut raw, mut incoming) = script_to_server_with(acceptor.clone(), &[]).await;
        let mut tunnel = None;
        if has_tunnel {
            raw.send([Frame::headers(1, &CONNECT)]).await;
            tunnel = Some(accept_next(&mut incoming).await);
            raw.expect(HEADERS).await;
        }
        drop(raw.vanish().await);
        assert!(soon(incoming.recv()).await.is_none());
        let stats = acceptor.stats();
        assert_eq!(
            (stats.connections, stats.connections_lost),
            (0, u64::from(has_tunnel))
        );
        drop(tunnel);
    }
}
