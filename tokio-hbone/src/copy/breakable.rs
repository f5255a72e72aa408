use hbone::Cut;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpStream, UnixStream};

use crate::tunnel::Tunnel;

/// An IO that can be broken off, so that the other end sees an error where a plain close would look like an end of file.
pub trait Breakable: AsyncRead + AsyncWrite + Unpin {
    /// Makes the coming drop look like a failure to the other end, as far as this kind of IO can.
    fn break_off(&mut self);
}

impl Breakable for TcpStream {
    /// The close will send RST.
    fn break_off(&mut self) {
        // A socket that does not take the option is closed with FIN, which is all that is left to do with it.
        let _ = self.set_zero_linger();
    }
}

impl Breakable for Tunnel {
    /// The stream is reset.
    fn break_off(&mut self) {
        if let Ok(tunnel) = self.io() {
            tunnel.cut(Cut::Internal);
        }
    }
}

impl Breakable for UnixStream {
    /// There is no reset on this kind of socket.
    fn break_off(&mut self) {}
}

impl Breakable for DuplexStream {
    /// There is no reset on this kind of pipe.
    fn break_off(&mut self) {}
}
