use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, TE};
use http::{HeaderMap, StatusCode};

use super::body::strip_mesh;
use super::hop_by_hop;

/// What is to be said on a connection of HTTP/1 before the answer to the request that it carries now: the informational responses of the
/// server (RFC 9110 section 15.2), which hyper has no way for.
#[derive(Debug, Clone, Default)]
pub(super) struct Interim(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Which request of the connection.
    request: u64,
    /// Whether its answer has not come yet.
    is_open: bool,
    waiting: BytesMut,
    /// Of whoever writes on the connection.
    waker: Option<Waker>,
}

/// The right to say something before the answer to one request.
#[derive(Debug, Clone)]
pub(super) struct Before {
    interim: Interim,
    request: u64,
}

/// What waits for a client that is slow to read; more is for nobody.
const MOST: usize = 64 << 10;

impl Interim {
    /// A request has come.
    pub(super) fn open(&self) -> Before {
        let mut state = self.state();
        state.request = state.request.wrapping_add(1);
        state.is_open = true;
        Before {
            interim: self.clone(),
            request: state.request,
        }
    }

    /// It has its answer: nothing more comes before that.
    pub(super) fn close(&self) {
        self.state().is_open = false;
    }

    /// Takes what is to be said.
    pub(super) fn take(&self) -> Bytes {
        self.state().waiting.split().freeze()
    }

    /// Has `waker` woken when there is something, as long as there may be.
    pub(super) fn wake(&self, waker: &Waker) {
        let mut state = self.state();
        if state.is_open && !state.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under it leaves anything half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Before {
    /// Says this, unless it is too late.
    pub(super) fn say(&self, status: StatusCode, headers: &HeaderMap) {
        let head = head(status, headers.clone());
        let mut state = self.interim.state();
        let fits = state.waiting.len().saturating_add(head.len()) <= MOST;
        if !fits || !state.is_open || state.request != self.request {
            return;
        }
        state.waiting.extend_from_slice(head.as_bytes());
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}

/// The same head for the next hop; what is no text is left out.
fn head(status: StatusCode, mut headers: HeaderMap) -> String {
    hop_by_hop::strip(&mut headers);
    for name in [TE, CONTENT_LENGTH] {
        headers.remove(name);
    }
    strip_mesh(&mut headers);
    let phrase = status.canonical_reason().unwrap_or("Unknown");
    let mut head = format!("HTTP/1.1 {} {phrase}\r\n", status.as_str());
    for (name, value) in &headers {
        if let Ok(value) = value.to_str() {
            // A string takes everything.
            let _ = write!(head, "{name}: {value}\r\n");
        }
    }
    head.push_str("\r\n");
    head
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn hints() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("link", HeaderValue::from_static("</a.css>; rel=preload"));
        headers.insert("connection", HeaderValue::from_static("x-mine"));
        headers.insert("x-mine", HeaderValue::from_static("secret"));
        headers.insert("x-envoy-peer-metadata", HeaderValue::from_static("secret"));
        headers
    }

    #[test]
    fn what_is_said_goes_on_without_what_is_for_one_hop_or_of_the_mesh() {
        let interim = Interim::default();
        let before = interim.open();
        before.say(StatusCode::EARLY_HINTS, &hints());
        let said = interim.take();
        let head = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";
        assert_eq!(said, head[..]);
        assert!(interim.take().is_empty(), "once");
    }

    #[test]
    fn what_comes_too_late_is_not_said() {
        let interim = Interim::default();
        let before = interim.open();
        interim.close();
        before.say(StatusCode::EARLY_HINTS, &hints());
        assert!(interim.take().is_empty());
        let _next = interim.open();
        before.say(StatusCode::EARLY_HINTS, &hints());
        assert!(interim.take().is_empty(), "not before another answer");
    }

    #[test]
    fn a_server_that_talks_on_and_on_fills_no_memory() {
        let interim = Interim::default();
        let before = interim.open();
        for _ in 0..10_000 {
            before.say(StatusCode::PROCESSING, &hints());
        }
        assert!(interim.take().len() <= MOST);
    }
}
