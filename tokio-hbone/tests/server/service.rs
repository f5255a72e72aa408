//! A service that does as a test says, and notes what it was asked.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hbone::policy::{Checked, DestinationPolicy};
use hbone::{Authority, Reject};
use tokio::net::TcpStream;
use tokio_hbone::{Incoming, Outcome, Served, Service};

/// What a connect or a lookup does.
#[derive(Clone)]
pub(crate) enum Does {
    /// Nothing, for ever.
    Hang,
    /// Fails at once.
    Fail,
    /// Leads there.
    Lead(Vec<SocketAddr>),
}

#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) policy: DestinationPolicy,
    pub(crate) lookup: Does,
    pub(crate) connect: Does,
    pub(crate) notes: Arc<Mutex<Notes>>,
}

#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) lookups: usize,
    pub(crate) connects: Vec<SocketAddr>,
    pub(crate) connecting: usize,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) accept_failures: usize,
    pub(crate) turned_away: usize,
}

impl Scripted {
    pub(crate) fn new(policy: DestinationPolicy) -> Self {
        Self {
            policy,
            lookup: Does::Fail,
            connect: Does::Hang,
            notes: Arc::default(),
        }
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Notes) -> T) -> T {
        look(&mut self.notes.lock().expect("no panic"))
    }

    /// Waits until the notes say so.
    pub(crate) async fn until(&self, so: impl Fn(&Notes) -> bool) {
        let noted = async {
            while !self.with(|notes| so(notes)) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        crate::support::soon(noted).await;
    }
}

/// One connect under way, until it is dropped.
struct Connecting(Arc<Mutex<Notes>>);

impl Drop for Connecting {
    fn drop(&mut self) {
        self.0.lock().expect("no panic").connecting -= 1;
    }
}

impl Service for Scripted {
    fn policy(&self, _incoming: &Incoming) -> DestinationPolicy {
        self.policy.clone()
    }

    async fn resolve(
        &self,
        _incoming: &Incoming,
        _authority: &Authority,
    ) -> Result<Vec<SocketAddr>, Reject> {
        self.with(|notes| notes.lookups += 1);
        match &self.lookup {
            Does::Hang => std::future::pending().await,
            Does::Fail => Err(Reject::DnsFailed),
            Does::Lead(addresses) => Ok(addresses.clone()),
        }
    }

    async fn connect(
        &self,
        _incoming: &Incoming,
        address: Checked<SocketAddr>,
    ) -> io::Result<TcpStream> {
        self.with(|notes| {
            notes.connects.push(address.addr());
            notes.connecting += 1;
        });
        let _connecting = Connecting(Arc::clone(&self.notes));
        match &self.connect {
            Does::Hang => std::future::pending().await,
            Does::Fail => Err(io::ErrorKind::ConnectionRefused.into()),
            Does::Lead(_) => TcpStream::connect(address.addr()).await,
        }
    }

    fn served(&self, served: &Served) {
        self.with(|notes| notes.outcomes.push(served.outcome.clone()));
    }

    fn accept_failed(&self, _error: &io::Error) {
        self.with(|notes| notes.accept_failures += 1);
    }

    fn turned_away(&self, _addresses: tokio_hbone::Addresses) {
        self.with(|notes| notes.turned_away += 1);
    }
}
