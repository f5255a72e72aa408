use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, Stdin};
use tokio_hbone::Breakable;

/// Standard input to read from, and standard output to write to, which can be closed.
pub(super) struct StandardIo {
    input: Stdin,
    /// `None` once it is closed.
    output: Option<tokio::fs::File>,
    failure: Option<(&'static str, io::Error)>,
}

impl StandardIo {
    /// Takes standard output away from everybody else in this process: it must be ours alone for a close to be one.
    pub(super) fn take() -> anyhow::Result<Self> {
        let ours = io::stdout().as_fd().try_clone_to_owned();
        let ours = ours.context("standard output")?;
        let nowhere = File::options().write(true).open("/dev/null");
        let nowhere = nowhere.context("opening /dev/null in place of standard output")?;
        rustix::stdio::dup2_stdout(nowhere).context("standard output")?;
        Ok(Self {
            input: tokio::io::stdin(),
            output: Some(tokio::fs::File::from_std(File::from(ours))),
            failure: None,
        })
    }

    /// What went wrong at this end, if it did.
    pub(super) fn failure(&mut self) -> Option<anyhow::Error> {
        let (name, error) = self.failure.take()?;
        let hint = match error.kind() {
            io::ErrorKind::BrokenPipe => {
                " failed; whoever read it has gone before the tunnel's end"
            }
            _ => " failed",
        };
        Some(anyhow::Error::new(error).context(format!("{name}{hint}")))
    }

    fn output(
        &mut self,
        cx: &mut Context<'_>,
        work: impl FnOnce(Pin<&mut tokio::fs::File>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Some(output) = &mut self.output else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let outcome = ready!(work(Pin::new(output), cx));
        Poll::Ready(outcome.map_err(|error| self.failed("standard output", error)))
    }

    fn failed(&mut self, name: &'static str, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.failure = Some((name, error));
        kind.into()
    }
}

impl AsyncRead for StandardIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = ready!(Pin::new(&mut self.input).poll_read(cx, buf));
        Poll::Ready(outcome.map_err(|error| self.failed("standard input", error)))
    }
}

impl AsyncWrite for StandardIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.output(cx, |output, cx| output.poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flush = |output: Pin<&mut tokio::fs::File>, cx: &mut Context<'_>| {
            output.poll_flush(cx).map_ok(|()| 0)
        };
        self.output(cx, flush).map_ok(drop)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        self.output = None;
        Poll::Ready(Ok(()))
    }
}

impl Breakable for StandardIo {
    /// There is no reset in a pipe: the exit code tells.
    fn break_off(&mut self) {}
}
