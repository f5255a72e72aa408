use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a connection is for: the first nine bytes on it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Line {
    /// So many bytes come, and one answers the last.
    Upload(u64),
    /// So many bytes are wanted.
    Download(u64),
    /// Messages of that size come, and each is answered by itself.
    Echo(u64),
}

impl Line {
    pub(crate) async fn send(self, socket: &mut TcpStream) -> io::Result<()> {
        let (kind, number) = match self {
            Self::Upload(number) => (b'u', number),
            Self::Download(number) => (b'd', number),
            Self::Echo(number) => (b'e', number),
        };
        let mut head = [kind; 9];
        head[1..].copy_from_slice(&number.to_be_bytes());
        socket.write_all(&head).await
    }

    /// The next one, or `None` at the end of the connection.
    pub(crate) async fn receive(socket: &mut TcpStream) -> io::Result<Option<Self>> {
        let kind = match socket.read_u8().await {
            Ok(kind) => kind,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        };
        let number = socket.read_u64().await?;
        match kind {
            b'u' => Ok(Some(Self::Upload(number))),
            b'd' => Ok(Some(Self::Download(number))),
            b'e' => Ok(Some(Self::Echo(number))),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Large, so that the applications are not what is measured.
const BLOCK: usize = 256 << 10;

/// Sends that many bytes.
pub(crate) async fn pour(socket: &mut TcpStream, mut bytes: u64) -> io::Result<()> {
    let block = vec![0x5a; BLOCK];
    while bytes > 0 {
        let some = usize::try_from(bytes).map_or(BLOCK, |bytes| bytes.min(BLOCK));
        socket.write_all(&block[..some]).await?;
        bytes -= some as u64;
    }
    Ok(())
}

/// Takes that many bytes.
pub(crate) async fn drain(socket: &mut TcpStream, mut bytes: u64) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    while bytes > 0 {
        let most = usize::try_from(bytes).map_or(BLOCK, |bytes| bytes.min(BLOCK));
        let some = socket.read(&mut block[..most]).await?;
        if some == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes -= some as u64;
    }
    Ok(())
}
