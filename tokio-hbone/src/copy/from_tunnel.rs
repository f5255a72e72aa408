use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hbone::TunnelError;
use tokio::io::AsyncWrite;

use crate::tunnel::TunnelIo;

/// The direction out of the tunnel. It holds no bytes: they stay in the tunnel, and so in its window, until written.
#[derive(Debug, Default)]
pub(super) struct FromTunnel {
    bytes: u64,
    unflushed: bool,
    step: Step,
}

#[derive(Clone, Copy, Debug, Default)]
enum Step {
    #[default]
    Copying,
    Ending,
    Ended,
}

impl FromTunnel {
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Moves what there is; ready once the socket has been told of the end of file.
    pub(super) fn poll<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        tunnel: &mut TunnelIo,
        socket: &mut S,
    ) -> Poll<Result<(), TunnelError>> {
        let mut socket = Pin::new(socket);
        loop {
            match self.step {
                Step::Copying => match tunnel.poll_peek_far(cx)? {
                    Poll::Ready(Some(unread)) => {
                        let written = if socket.is_write_vectored() {
                            let (slices, count) = unread.slices();
                            socket.as_mut().poll_write_vectored(cx, &slices[..count])
                        } else {
                            socket.as_mut().poll_write(cx, unread.first())
                        };
                        let some = ready!(written).map_err(failed)?;
                        if some == 0 {
                            return Poll::Ready(Err(failed(io::ErrorKind::WriteZero.into())));
                        }
                        tunnel.consume(some);
                        self.bytes += some as u64;
                        self.unflushed = true;
                    }
                    Poll::Ready(None) => self.step = Step::Ending,
                    Poll::Pending if self.unflushed => {
                        // Nothing more for now: a socket that buffers must not keep the last bytes.
                        ready!(socket.as_mut().poll_flush(cx)).map_err(failed)?;
                        self.unflushed = false;
                    }
                    Poll::Pending => return Poll::Pending,
                },
                Step::Ending => {
                    ready!(socket.as_mut().poll_shutdown(cx)).map_err(failed)?;
                    self.step = Step::Ended;
                }
                Step::Ended => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "its only use is as a function of map_err"
)]
fn failed(error: io::Error) -> TunnelError {
    TunnelError::Socket(error.kind())
}
