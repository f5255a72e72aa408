use std::task::{Context, Poll};
use std::time::Duration;

use hbone::HalfClose;

use crate::alarm::Alarm;
use crate::deadline::now;

/// The clock of a [`HalfClose`]. Without a limit it is never looked at.
#[derive(Debug)]
pub(super) struct HalfClosed(Option<Limited>);

#[derive(Debug)]
struct Limited {
    half_close: HalfClose,
    /// What had moved when it was last looked at; `None` before the half-close.
    moved: Option<u64>,
    alarm: Alarm,
}

impl HalfClosed {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self(limit.map(|limit| Limited {
            half_close: HalfClose::new(Some(limit)),
            moved: None,
            alarm: Alarm::default(),
        }))
    }

    /// Ready once one direction has been over for too long with the other at rest. So many bytes have `moved` by now.
    pub(super) fn poll_too_long(&mut self, cx: &mut Context<'_>, moved: u64) -> Poll<()> {
        let Some(limited) = &mut self.0 else {
            return Poll::Pending;
        };
        match limited.moved.replace(moved) {
            None => limited.half_close.handle_half_closed(now()),
            Some(before) if before != moved => limited.half_close.handle_bytes(now()),
            Some(_) => {}
        }
        let due = limited.half_close.poll_timeout();
        match limited.alarm.poll_due(cx, due) {
            Poll::Ready(()) if limited.half_close.handle_timeout(now()) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}
