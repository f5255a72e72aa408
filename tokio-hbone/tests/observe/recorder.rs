//! An observer that keeps what it is told.

use std::sync::{Arc, Mutex};

use hbone::Reject;
use tokio::sync::mpsc;
use tokio_hbone::{Acceptor, Event, Incoming, Observer, Tunnel};

use crate::support::ends::{self, connector, route};
use crate::support::io::pipe;
use crate::support::soon;

#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Event>>>);

impl Observer for Recorder {
    fn observe(&self, event: &Event) {
        self.0.lock().expect("no panic").push(event.clone());
    }
}

impl Recorder {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().expect("no panic").clone()
    }

    /// The names of the events so far.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |event: &Event| {
            let text = format!("{event:?}");
            text.chars().take_while(char::is_ascii_alphabetic).collect()
        };
        self.events().iter().map(name).collect()
    }

    /// The only event of its kind.
    #[track_caller]
    pub(crate) fn only<T>(&self, of_kind: impl Fn(&Event) -> Option<T>) -> T {
        let mut found: Vec<_> = self.events().iter().filter_map(of_kind).collect();
        assert_eq!(found.len(), 1, "{:?}", self.names());
        found.remove(0)
    }
}

/// Our two ends, each with somebody who watches.
pub(crate) struct Watched {
    pub(crate) client: Recorder,
    pub(crate) server: Recorder,
    pub(crate) connector: tokio_hbone::Connector,
    pub(crate) acceptor: Acceptor,
}

impl Watched {
    pub(crate) fn ends() -> Self {
        let (client, server) = (Recorder::default(), Recorder::default());
        Self {
            connector: connector().with_observer(client.clone()),
            acceptor: ends::acceptor().with_observer(server.clone()),
            client,
            server,
        }
    }

    pub(crate) async fn tunnel(&self) -> (Tunnel, Tunnel) {
        let (near, mut incoming) = self.door();
        let route = route();
        let (opened, accepted) = tokio::join!(
            self.connector.connect_over(near, &route),
            ends::accept_next(&mut incoming)
        );
        (opened.expect("a tunnel"), accepted)
    }

    pub(crate) async fn refused(&self, reject: Reject) {
        let (near, mut incoming) = self.door();
        let route = route();
        let refusing = async {
            let incoming = soon(incoming.recv()).await.expect("a CONNECT");
            incoming.reject(&reject);
        };
        let (opened, ()) = tokio::join!(self.connector.connect_over(near, &route), refusing);
        opened.expect_err("a refusal");
    }

    pub(crate) fn door(&self) -> (tokio::io::DuplexStream, mpsc::Receiver<Incoming>) {
        let (near, far) = pipe();
        (near, ends::incoming(far, self.acceptor.clone()))
    }
}
