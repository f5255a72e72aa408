use std::task::Context;
use std::time::{Duration, Instant};

use h2::Reason;
use hbone::{Cut, Loss};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Connection;
use crate::deadline::now;

/// The ways in which a connection ends.
impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    /// Ends every tunnel, and then the connection.
    pub(super) fn cut(&mut self, cut: Cut, cx: &mut Context<'_>) {
        self.failure.cut(cut);
        self.open.cut(cut);
        self.roster.cut_all(cut);
        // Unless this is how the drain itself ends, no tunnel comes to its own end any more.
        self.drain.handle_lost();
        if let Some(http2) = &mut self.http2 {
            // The resets go out before the GOAWAY, behind which h2 sends nothing any more. Whether the client takes them is
            // its affair, and how the connection ends is for whoever polls it next.
            let _ = http2.poll_closed(cx);
            self.flusher.flush(cx);
        }
        let reason = match cut {
            Cut::Revoked => Reason::INADEQUATE_SECURITY,
            _ => Reason::NO_ERROR,
        };
        self.close(reason, last_words());
    }

    /// Says GOAWAY, and closes as soon as that and what is owed to the client is out, or it is `until`.
    pub(super) fn close(&mut self, reason: Reason, until: Option<Instant>) {
        if reason != Reason::NO_ERROR {
            self.drain.handle_lost();
        }
        if let Some(http2) = &mut self.http2 {
            http2.abrupt_shutdown(reason);
            self.open.said_go_away(reason);
            let until = until.or_else(last_words);
            self.closing = [self.closing, until].into_iter().flatten().min();
        }
    }

    /// The connection is over. Without an error and with the peer still there it was h2 that ended it, which it does once the
    /// peer has learnt of the announcement and every stream has ended.
    pub(super) fn over(&mut self, error: Option<&h2::Error>) {
        // h2 takes a client that is gone without close_notify for one that has finished. Whoever still holds a tunnel knows better.
        if error.is_none() && self.failure.has_broken() && self.roster.len() > 0 {
            self.open.lost(Loss::Closed);
        }
        self.open.ended(error, &self.failure);
        self.http2 = None;
        if error.is_none() && !self.pulse.has_stopped() && self.drain.is_draining() {
            self.drain.handle_announced();
            self.settle();
        }
        self.drain.handle_lost();
    }
}

/// Until when a client may read the last words of a connection that is being cut. Its tunnels are cut before that.
pub(super) fn last_words() -> Option<Instant> {
    now().checked_add(Duration::from_millis(100))
}
