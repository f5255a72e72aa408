use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hbone_examples::hop_log::TARGET;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::topology::{CLIENT, PARTIES, Party};
use crate::ui::{self, Seen, Side};

/// Reads the hop logs of all proxies: the latest hops for the page, the first ones for the report.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hops {
    seen: Arc<Seen>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    first: Vec<ui::Hop>,
    /// What the answering ends saw, without a trace and waiting for the asking end to tell.
    waiting: VecDeque<ui::Hop>,
    /// The latest outer hop of each proxy towards each destination, as both ends saw it.
    outer: BTreeMap<(String, String), Vec<ui::Hop>>,
    untraced: u64,
}

/// One CONNECT and its answer, of the first connection across networks.
#[derive(Clone, Serialize)]
pub(crate) struct SeenHop {
    pub(crate) hop: &'static str,
    /// Whom the answering end saw.
    pub(crate) client: String,
    /// Whom the asking end saw.
    pub(crate) server: String,
    pub(crate) authority: String,
    /// The request as it arrived.
    pub(crate) request: BTreeMap<String, String>,
    /// The answer as it arrived.
    pub(crate) response: BTreeMap<String, String>,
}

/// How many of the first ones are kept.
const FIRST: usize = 512;
/// How many wait.
const MOST_WAITING: usize = 256;

impl Hops {
    /// The latest ones.
    pub(crate) fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.seen)
    }

    /// Both hops of the first connection from [`CLIENT`] into the other network, the outer one first.
    pub(crate) fn first(&self) -> Vec<SeenHop> {
        let state = self.state();
        let is_it = |hop: &&ui::Hop| {
            hop.proxy == CLIENT.name && hop.side == Side::Asked && hop.position == "outer"
        };
        let Some(trace) = state.first.iter().find(is_it).map(|hop| &hop.trace) else {
            return Vec::new();
        };
        let of_trace = |side| {
            let hops = state.first.iter();
            hops.filter(move |hop| hop.trace == *trace && hop.side == side)
        };
        let asked = of_trace(Side::Asked).filter_map(|asked| {
            let answered = of_trace(Side::Answered).find(|hop| is_other_end(asked, hop))?;
            Some(SeenHop {
                hop: asked.position,
                client: answered.peer.clone(),
                server: asked.peer.clone(),
                authority: asked.authority.clone(),
                request: joined(&answered.request),
                response: joined(&asked.response),
            })
        });
        asked.collect()
    }

    fn note(&self, hop: ui::Hop) {
        let mut state = self.state();
        for hop in state.whole(hop) {
            if state.first.len() < FIRST {
                state.first.push(hop.clone());
            }
            self.seen.note(hop);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What can be told now that this hop is known, with one trace each.
    ///
    /// Proxies that speak like Envoy send no `traceparent` on their CONNECTs. Their ways are put together here: to the hop on
    /// which one asked for the destination belong the other end's view of it, and the latest outer hop of whoever asked.
    fn whole(&mut self, hop: ui::Hop) -> Vec<ui::Hop> {
        if !hop.trace.is_empty() {
            return vec![hop];
        }
        if hop.side == Side::Answered {
            if self.waiting.len() >= MOST_WAITING {
                self.waiting.pop_front();
            }
            self.waiting.push_back(hop);
            return Vec::new();
        }
        let ends = (hop.proxy.clone(), hop.authority.clone());
        let answered = self.take(|other| is_other_end(&hop, other));
        let position = hop.position;
        let seen = answered.into_iter().chain([hop]);
        if position == "outer" {
            self.outer.insert(ends, seen.collect());
            return Vec::new();
        }
        // Several tunnels inside may share the one to the gateway.
        let outer = match position {
            "inner" => self.outer.get(&ends).cloned(),
            _ => None,
        };
        let mut way = outer.unwrap_or_default();
        way.extend(seen);
        self.untraced += 1;
        for hop in &mut way {
            hop.trace = format!("untraced-{}", self.untraced);
        }
        way
    }

    fn take(&mut self, is_it: impl Fn(&ui::Hop) -> bool) -> Option<ui::Hop> {
        let at = self.waiting.iter().position(is_it)?;
        self.waiting.remove(at)
    }
}

/// Whether `other` is what the answering end saw of the hop that `asked` tells of.
fn is_other_end(asked: &ui::Hop, other: &ui::Hop) -> bool {
    let is = |proxy: &str, peer: &str| party(proxy).is_some_and(|party| party.spiffe_id() == peer);
    other.side == Side::Answered
        && other.authority == asked.authority
        && is(&other.proxy, &asked.peer)
        && is(&asked.proxy, &other.peer)
}

fn party(name: &str) -> Option<&'static Party> {
    PARTIES.iter().find(|party| party.name == name)
}

/// The lines of one name are joined as RFC 9110 section 5.3 has it, so that none goes unseen.
fn joined(headers: &[(String, String)]) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        joined
            .entry(name.clone())
            .and_modify(|line| *line = format!("{line}, {value}"))
            .or_insert_with(|| value.clone());
    }
    joined
}

impl<S: Subscriber> Layer<S> for Hops {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != TARGET {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.note(fields.into_hop());
    }
}

/// The fields of a line of the hop log.
#[derive(Debug, Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Fields {
    fn into_hop(mut self) -> ui::Hop {
        let mut take = |name| self.0.remove(name).unwrap_or_default();
        let uid = take("proxy");
        let known = PARTIES.iter().find(|party| party.uid() == uid);
        let request = headers(&take("request"));
        let traceparent = request.iter().find(|(name, _)| name == "traceparent");
        let trace = traceparent.and_then(|(_, value)| value.split('-').nth(1));
        ui::Hop {
            trace: trace.unwrap_or_default().to_owned(),
            proxy: known.map_or(uid, |party| party.name.to_owned()),
            side: match take("side").as_str() {
                "asked" => Side::Asked,
                _ => Side::Answered,
            },
            position: match take("position").as_str() {
                "outer" => "outer",
                "inner" => "inner",
                "single" => "single",
                _ => "",
            },
            authority: take("authority"),
            peer: take("peer"),
            request,
            response: headers(&take("response")),
            status: 200,
        }
    }
}

fn headers(lines: &str) -> Vec<(String, String)> {
    let lines = lines.lines().filter_map(|line| line.split_once(": "));
    lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(proxy: &str, side: Side, position: &'static str, peer: &str) -> ui::Hop {
        let peer = party(peer).expect("a party");
        ui::Hop {
            trace: String::new(),
            proxy: proxy.to_owned(),
            side,
            position,
            authority: "reviews:9080".to_owned(),
            peer: peer.spiffe_id(),
            request: Vec::new(),
            response: Vec::new(),
            status: 200,
        }
    }

    const ASKING: &str = "reviews-waypoint";
    const GATEWAY: &str = "istio-eastwestgateway";

    #[test]
    fn hops_without_a_trace_become_one_way_also_where_tunnels_share_the_outer_one() {
        let mut state = State::default();
        let outer = hop(ASKING, Side::Asked, "outer", GATEWAY);
        assert!(
            state
                .whole(hop(GATEWAY, Side::Answered, "", ASKING))
                .is_empty()
        );
        assert!(state.whole(outer).is_empty());
        for server in ["reviews-v1", "reviews-v2"] {
            let answered = hop(server, Side::Answered, "", ASKING);
            assert!(state.whole(answered).is_empty());
            let way = state.whole(hop(ASKING, Side::Asked, "inner", server));
            let proxies: Vec<_> = way.iter().map(|hop| hop.proxy.as_str()).collect();
            assert_eq!(proxies, [GATEWAY, ASKING, server, ASKING]);
            assert!(way.iter().all(|hop| hop.trace == way[0].trace));
        }
    }

    #[test]
    fn hops_with_a_trace_are_told_at_once() {
        let mut traced = hop(ASKING, Side::Answered, "", "checkout-v1");
        traced.trace = "4bf9".to_owned();
        assert_eq!(State::default().whole(traced.clone()), [traced]);
    }
}
