use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// Starts a server that sends back what it gets, and says so at the end of it.
pub(crate) async fn echo() -> SocketAddr {
    echo_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
}

/// The same at a certain address.
pub(crate) async fn echo_at(address: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(address).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = socket.split();
                tokio::io::copy(&mut reader, &mut writer)
                    .await
                    .expect("echo");
                writer.write_all(b"<EOF>").await.expect("the end");
                writer.shutdown().await.expect("the end");
            });
        }
    });
    address
}

/// Sends `bytes`, ends its half, and expects them back with the server's last word after them.
pub(crate) async fn ping<IO: AsyncRead + AsyncWrite + Unpin>(io: &mut IO, bytes: &[u8]) {
    let (mut reader, mut writer) = tokio::io::split(io);
    let mut came = Vec::new();
    let send = async {
        writer.write_all(bytes).await.expect("sending");
        writer.shutdown().await.expect("ending");
    };
    let receive = async { reader.read_to_end(&mut came).await.expect("a clean end") };
    tokio::join!(send, receive);
    assert_eq!(came, [bytes, b"<EOF>"].concat());
}

/// More than one window of any peer here.
pub(crate) fn much() -> Vec<u8> {
    (0..5_000_000_u32)
        .map(|at| (at * 7 / 3).to_le_bytes()[0])
        .collect()
}
