use std::time::Instant;

use hbone::{Authority, Reason, Reject, RequestError, Role};

use super::{Event, Scope, TunnelInfo, TunnelLog, Watch};
use crate::deadline::now;

/// A CONNECT without an answer. Dropped as such, it was given up.
#[derive(Debug)]
pub(crate) struct RequestLog {
    watch: Watch,
    stream: u32,
    /// `None` if nobody wants to know.
    authority: Option<Authority>,
    began: Instant,
    is_over: bool,
}

impl RequestLog {
    pub(super) fn begin(watch: Watch, stream: u32, authority: &Authority) -> Self {
        watch.counters().requests.increment();
        if stream != 0 {
            watch.scope().is_on_stream(stream);
        }
        let authority = watch.is_watched().then(|| authority.clone());
        Self {
            watch,
            stream,
            authority,
            began: now(),
            is_over: false,
        }
    }

    /// It was sent on this stream.
    pub(crate) fn sent_on(&mut self, stream: u32) {
        self.stream = stream;
        self.watch.scope().is_on_stream(stream);
    }

    /// We reset it.
    pub(crate) fn reset_sent(&self, reason: Reason) {
        self.watch.reset_sent(self.stream, reason);
    }

    pub(crate) fn info(&self) -> TunnelInfo {
        self.watch.tunnel(self.stream)
    }

    pub(crate) const fn scope(&self) -> &Scope {
        self.watch.scope()
    }

    /// It opened a tunnel.
    pub(crate) fn opened(mut self) -> TunnelLog {
        self.is_over = true;
        let tunnel = self.watch.tunnel(self.stream);
        self.watch.counters().tunnels_opened.increment();
        let authority = self.authority.take();
        if let Some(authority) = &authority {
            self.watch.tell(|| Event::TunnelOpened {
                tunnel,
                peer: self.watch.peer().clone(),
                authority: authority.clone(),
                took: now().saturating_duration_since(self.began),
            });
        }
        TunnelLog::new(self.watch.clone(), self.stream, authority)
    }

    /// At a client, it opened none.
    pub(crate) fn failed(mut self, error: &RequestError) {
        self.fail(error);
    }

    /// At a server, it was refused.
    pub(crate) fn refused(mut self, reject: &Reject) {
        self.is_over = true;
        self.watch.counters().tunnels_failed.increment();
        let tunnel = self.watch.tunnel(self.stream);
        let authority = self.authority.take();
        self.watch.tell(|| Event::TunnelRefused {
            tunnel,
            authority,
            reject: reject.clone(),
        });
    }

    fn fail(&mut self, error: &RequestError) {
        self.is_over = true;
        self.watch.counters().tunnels_failed.increment();
        if let RequestError::Reset(reason) = error {
            self.watch.reset_received(self.stream, *reason);
        }
        if let Some(authority) = self.authority.take() {
            self.watch.tell(|| Event::TunnelFailed {
                connection: self.watch.connection(),
                authority,
                error: error.clone(),
            });
        }
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if self.watch.connection().role == Role::Client {
            return self.fail(&RequestError::Cancelled);
        }
        self.watch.counters().tunnels_failed.increment();
        let tunnel = self.watch.tunnel(self.stream);
        if let Some(authority) = self.authority.take() {
            self.watch
                .tell(|| Event::TunnelGivenUp { tunnel, authority });
        }
    }
}
