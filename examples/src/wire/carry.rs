use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::frame::{Frame, Kind};
use super::link::Link;

/// Carries what is written at the other end of `io` through the tunnel `stream`, and back, for a handshake's worth of octets:
/// the windows of the beginning must do for them.
pub async fn carry(mut link: Link, stream: u32, mut io: DuplexStream) {
    let mut read = BytesMut::new();
    loop {
        tokio::select! {
            some = io.read_buf(&mut read) => match some {
                Ok(1..) => link.send([Frame::data(stream, read.split().freeze())]).await,
                _ => return,
            },
            frame = link.frame() => match frame {
                Ok(frame) if frame.kind == Kind::DATA && frame.stream == stream => {
                    if io.write_all(&frame.payload).await.is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(_) => return,
            },
        }
    }
}
