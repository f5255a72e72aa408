//! A future that is dropped before its end.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// After how many polls, and when then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    polls: usize,
    /// Dropped only when it has been woken once more, so that what it waited for is there and nobody takes it; otherwise as soon
    /// as it has said that it waits.
    is_woken: bool,
}

impl Cut {
    /// Dropped once it is woken after so many polls.
    pub(crate) const fn woken(polls: usize) -> Self {
        Self {
            polls,
            is_woken: true,
        }
    }

    /// `work`, up to the cut; `None` if it is not over by then.
    pub(crate) async fn short<T>(self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut left = self.polls;
        poll_fn(|cx| {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
            match work.as_mut().poll(cx) {
                Poll::Pending if left == 0 && !self.is_woken => Poll::Ready(None),
                polled => polled.map(Some),
            }
        })
        .await
    }
}

/// Runs `scenario` with a later cut each time, until it says that what was to be cut came to its end.
pub(crate) async fn at_every_poll(scenario: impl AsyncFn(Cut) -> bool) {
    for is_woken in [false, true] {
        let mut polls = 0;
        while !scenario(Cut { polls, is_woken }).await {
            polls += 1;
            assert!(polls < 2_000, "it comes to no end");
        }
        assert!(polls > 1, "it never had to wait");
    }
}
