use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// What the page can change while the mesh runs. Who carries it out subscribes.
#[derive(Debug)]
pub(crate) struct Switches {
    baggage: watch::Sender<bool>,
    endpoints: BTreeMap<String, watch::Sender<Condition>>,
    /// When the latest change was made.
    changed: Mutex<Option<Instant>>,
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
            changed: Mutex::default(),
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

    /// Whether something has been changed since `then`.
    pub(super) fn changed_since(&self, then: Instant) -> bool {
        self.changed().is_some_and(|changed| changed >= then)
    }

    pub(super) fn set_baggage(&self, on: bool) {
        // Who obeys restarts the proxies, which what is as it was is no reason for.
        let is_new = self
            .baggage
            .send_if_modified(|now| std::mem::replace(now, on) != on);
        self.note(is_new);
    }

    /// False if there is no endpoint of this name.
    pub(super) fn change_endpoint(&self, name: &str, change: impl FnOnce(&mut Condition)) -> bool {
        let endpoint = self.endpoints.get(name);
        endpoint.is_some_and(|endpoint| {
            let is_new = endpoint.send_if_modified(|condition| {
                let before = *condition;
                change(condition);
                *condition != before
            });
            self.note(is_new);
            true
        })
    }

    fn note(&self, is_new: bool) {
        if is_new {
            *self.changed() = Some(Instant::now());
        }
    }

    fn changed(&self) -> MutexGuard<'_, Option<Instant>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_it_was_wakes_nobody() {
        let switches = Switches::new(true, ["one"]);
        let (baggage, one) = (switches.baggage(), switches.endpoint("one").unwrap());
        let begin = Instant::now();
        switches.set_baggage(true);
        assert!(switches.change_endpoint("one", |one| one.stopped = false));
        assert!(!switches.changed_since(begin));
        assert!(!baggage.has_changed().unwrap() && !one.has_changed().unwrap());
        switches.set_baggage(false);
        assert!(switches.change_endpoint("one", |one| one.stopped = true));
        assert!(baggage.has_changed().unwrap() && one.has_changed().unwrap());
        assert!(!*baggage.borrow() && one.borrow().stopped);
        assert!(
            switches.changed_since(begin)
                && !switches.changed_since(Instant::now() + Duration::from_secs(1))
        );
        assert!(!switches.change_endpoint("two", |_| {}));
    }
}
