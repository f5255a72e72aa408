use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::access_log::{Access, Direction, Passed};
use crate::metrics::{Counted, Metered};
use crate::proxy::Admitted;
use hbone::{Authority, Cut, TunnelError};
use peer_meta::{DestinationService, Exchange};
use tokio::net::TcpStream;
use tokio_hbone::Breakable;

use super::upstream::Upstream;

/// A connection of the workload whose way is open.
pub(crate) struct Opened {
    pub(super) upstream: Upstream,
    pub(super) counted: Counted,
    pub(super) exchange: Exchange,
    pub(super) service: Option<Arc<DestinationService>>,
    pub(super) authority: Option<Authority>,
    pub(super) client: SocketAddr,
    pub(super) next: SocketAddr,
    pub(super) began: Instant,
}

impl Opened {
    /// Carries the connection to its end, and logs it.
    pub(crate) async fn relay(mut self, client: TcpStream, mut admitted: Admitted) {
        let mut client = Metered::client(client, &self.counted);
        let relayed = tokio::select! {
            relayed = self.upstream.relay(&mut client) => Some(relayed),
            () = admitted.cut() => None,
        };
        let outcome = relayed.unwrap_or_else(|| {
            client.break_off();
            self.upstream.break_off();
            Err(io::Error::from(TunnelError::Cut(Cut::Drained)))
        });
        // The application is the workload: what is read from it, it has sent.
        self.over((client.read(), client.written()), outcome.as_ref().err());
    }

    /// Logs that the application was gone before it could be told that the way is open.
    pub(crate) fn unwanted(mut self, error: &io::Error) {
        self.upstream.break_off();
        self.over((0, 0), Some(error));
    }

    fn over(&self, (sent, received): (u64, u64), error: Option<&io::Error>) {
        let passed = Passed::new(sent, received, self.began.elapsed());
        let mut access = Access::new(Direction::Outbound, self.client, self.next, &self.exchange);
        access.authority = self.authority.as_ref();
        access.service = self.service.as_deref();
        let error = error.map(|error| error as &(dyn std::error::Error + 'static));
        self.counted.ended(error);
        access.complete(passed, error);
    }
}
