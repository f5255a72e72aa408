use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;

/// What the page can change while the mesh runs. Who carries it out subscribes.
#[derive(Debug)]
pub(crate) struct Switches {
    baggage: watch::Sender<bool>,
    endpoints: BTreeMap<String, watch::Sender<Condition>>,
}

/// How an endpoint does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Nothing is accepted, as if the process were gone.
    pub(crate) stopped: bool,
    /// How long each answer is held back.
    pub(crate) delay: Duration,
}

impl Switches {
    /// All endpoints well, by their names.
    pub(crate) fn new<'a>(baggage: bool, endpoints: impl IntoIterator<Item = &'a str>) -> Self {
        let endpoints = endpoints.into_iter();
        Self {
            baggage: watch::Sender::new(baggage),
            endpoints: endpoints
                .map(|name| (name.to_owned(), watch::Sender::default()))
                .collect(),
        }
    }

    /// Whether the proxies exchange baggage, and changes of that.
    pub(crate) fn baggage(&self) -> watch::Receiver<bool> {
        self.baggage.subscribe()
    }

    /// How an endpoint is to do, and changes of that; `None` if there is none of this name.
    pub(crate) fn endpoint(&self, name: &str) -> Option<watch::Receiver<Condition>> {
        self.endpoints.get(name).map(watch::Sender::subscribe)
    }

    /// How an endpoint is to do now.
    pub(super) fn condition(&self, name: &str) -> Option<Condition> {
        self.endpoints.get(name).map(|endpoint| *endpoint.borrow())
    }

    pub(super) fn set_baggage(&self, on: bool) {
        self.baggage.send_replace(on);
    }

    /// False if there is no endpoint of this name.
    pub(super) fn set_endpoint(&self, name: &str, condition: Condition) -> bool {
        let endpoint = self.endpoints.get(name);
        endpoint.is_some_and(|endpoint| {
            endpoint.send_replace(condition);
            true
        })
    }
}
