//! What a subscriber sees of a tunnel, with the feature `tracing`.
#![cfg(feature = "tracing")]

#[path = "wire/support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use support::ends::{read_all, script_to_server, tunnel_pair};
use support::frame::{Frame, HEADERS};
use support::pki::{CLIENT, SERVER};
use tokio::io::AsyncWriteExt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Writes each event as a line: its spans, then its fields.
#[derive(Clone, Default)]
struct Collector(Arc<Collected>);

#[derive(Default)]
struct Collected {
    next: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The spans by id: their parent, and what they say.
    spans: HashMap<u64, (Option<u64>, String)>,
    entered: Vec<u64>,
    lines: Vec<String>,
}

impl Collector {
    fn lines(&self) -> Vec<String> {
        self.0.state.lock().expect("no panic").lines.clone()
    }

    /// The lines that contain all of these.
    fn with(&self, parts: &[&str]) -> Vec<String> {
        let has_all = |line: &String| parts.iter().all(|part| line.contains(part));
        self.lines().into_iter().filter(has_all).collect()
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "tokio_hbone"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut text = Text(span.metadata().name().to_owned());
        span.record(&mut text);
        let mut state = self.0.state.lock().expect("no panic");
        let parent = span.parent().map(Id::into_u64);
        let parent = parent.or_else(|| {
            state
                .entered
                .last()
                .copied()
                .filter(|_| span.is_contextual())
        });
        state.spans.insert(id, (parent, text.0));
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut state = self.0.state.lock().expect("no panic");
        let (_, said) = state.spans.get_mut(&span.into_u64()).expect("a span");
        let mut text = Text(std::mem::take(said));
        values.record(&mut text);
        *said = text.0;
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        assert_eq!(*event.metadata().level(), Level::DEBUG);
        let mut line = Text(String::new());
        event.record(&mut line);
        let mut state = self.0.state.lock().expect("no panic");
        let mut around = state.entered.last().copied();
        while let Some((parent, said)) = around.and_then(|id| state.spans.get(&id)) {
            line.0 = format!("{said}: {}", line.0);
            around = *parent;
        }
        state.lines.push(line.0);
    }

    fn enter(&self, span: &Id) {
        self.0
            .state
            .lock()
            .expect("no panic")
            .entered
            .push(span.into_u64());
    }

    fn exit(&self, _: &Id) {
        self.0.state.lock().expect("no panic").entered.pop();
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_is_seen_in_its_spans_and_its_payload_is_not() {
    let collector = Collector::default();
    let subscribed = tracing::subscriber::set_default(collector.clone());
    let (mut client, mut server) = tunnel_pair().await;
    client.write_all(b"the payload").await.expect("room");
    client.shutdown().await.expect("an end");
    read_all(&mut server).await.expect("an end");
    server.shutdown().await.expect("an end");
    read_all(&mut client).await.expect("an end");
    drop((client, server));
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    drop(subscribed);

    let peer = format!("peer={SERVER}");
    let connection = ["connection number=", "role=Client", &*peer];
    assert_eq!(
        collector
            .with(&[&connection[..], &["handshake done", "took="]].concat())
            .len(),
        1
    );
    let tunnel = [&connection[..], &["tunnel authority=10.0.0.1:80 stream=1"]].concat();
    assert_eq!(
        collector
            .with(&[&tunnel[..], &["tunnel opened"]].concat())
            .len(),
        1
    );
    let end = ["tunnel closed", "received=0 sent=11"];
    assert_eq!(collector.with(&[&tunnel[..], &end].concat()).len(), 1);
    assert_eq!(
        collector
            .with(&[&connection[..], &["connection closed"]].concat())
            .len(),
        1
    );
    let peer = format!("peer={CLIENT}");
    let end = ["role=Server", &peer, "tunnel closed", "received=11 sent=0"];
    assert_eq!(collector.with(&end).len(), 1);
    assert!(collector.with(&["payload"]).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_seen_with_its_status_and_its_reason() {
    let collector = Collector::default();
    let subscribed = tracing::subscriber::set_default(collector.clone());
    let (mut raw, _incoming) = script_to_server().await;
    let head = [(":method", "CONNECT"), (":authority", "10.0.0.1")];
    raw.send([Frame::headers(1, &head)]).await;
    raw.expect(HEADERS).await;
    drop(subscribed);
    let refused = [
        "role=Server",
        "tunnel refused",
        "status=400",
        "reason=malformed :authority",
    ];
    assert_eq!(collector.with(&refused).len(), 1, "{:?}", collector.lines());
}
