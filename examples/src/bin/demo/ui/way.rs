use serde::Serialize;

use super::picture::{Picture, ProxyKind};
use super::seen::{Hop, Side};

/// One connection's CONNECTs, in the order of the way.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Way {
    pub(super) connects: Vec<Connect>,
    /// The node that it comes from, and the one that it goes to, as far as the proxies tell.
    #[serde(skip)]
    source: Option<String>,
    #[serde(skip)]
    destination: Option<String>,
}

/// One CONNECT, as either end saw it.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Connect {
    pub(super) asked: Option<Hop>,
    pub(super) answered: Option<Hop>,
}

impl Way {
    /// The latest ways between two nodes. If none is known whole, those that leave the one and those that reach the other.
    pub(super) fn between(
        picture: &Picture,
        traces: Vec<Vec<Hop>>,
        source: &str,
        destination: &str,
    ) -> Vec<Self> {
        let mut ways: Vec<_> = traces
            .into_iter()
            .map(|hops| Self::new(picture, hops))
            .collect();
        let is = |end: &Option<String>, node: &str| end.as_deref() == Some(node);
        let whole = |way: &Self| is(&way.source, source) && is(&way.destination, destination);
        if let Some(at) = ways.iter().position(whole) {
            return vec![ways.swap_remove(at)];
        }
        let leaves = ways.iter().position(|way| is(&way.source, source));
        let leaving = leaves.map(|at| ways.swap_remove(at));
        let reaches = ways
            .iter()
            .position(|way| is(&way.destination, destination));
        let reaching = reaches.map(|at| ways.swap_remove(at));
        leaving.into_iter().chain(reaching).collect()
    }

    fn new(picture: &Picture, hops: Vec<Hop>) -> Self {
        let did = |proxy: &str, side| {
            hops.iter()
                .any(|hop| hop.proxy == proxy && hop.side == side)
        };
        let first = hops
            .iter()
            .find(|hop| hop.side == Side::Asked && !did(&hop.proxy, Side::Answered));
        let last = hops.iter().find(|hop| {
            hop.side == Side::Answered && !did(&hop.proxy, Side::Asked) && !is_gateway(picture, hop)
        });
        let node = |hop: Option<&Hop>| Some(picture.proxy(&hop?.proxy)?.node());
        let (source, destination) = (node(first), node(last));
        let mut at = first.map(|hop| hop.proxy.clone());
        let (mut connects, mut left) = (Vec::new(), hops);
        // From proxy to proxy: what this one asked, and who answered it.
        while let Some(proxy) = at.take() {
            while let Some(asked) = take(&mut left, |hop| {
                hop.side == Side::Asked && hop.proxy == proxy
            }) {
                let answered = take(&mut left, |hop| {
                    hop.side == Side::Answered
                        && hop.authority == asked.authority
                        && is_gateway(picture, hop) == (asked.position == "outer")
                });
                let next = answered.as_ref().filter(|_| asked.position != "outer");
                at = next.map(|hop| hop.proxy.clone()).or(at);
                connects.push(Connect {
                    asked: Some(asked),
                    answered,
                });
            }
        }
        connects.extend(left.into_iter().map(|hop| match hop.side {
            Side::Asked => Connect {
                asked: Some(hop),
                ..Connect::default()
            },
            Side::Answered => Connect {
                answered: Some(hop),
                ..Connect::default()
            },
        }));
        Self {
            connects,
            source,
            destination,
        }
    }
}

fn is_gateway(picture: &Picture, hop: &Hop) -> bool {
    let proxy = picture.proxy(&hop.proxy);
    proxy.is_some_and(|proxy| proxy.kind == ProxyKind::EastwestGateway)
}

fn take(hops: &mut Vec<Hop>, is_it: impl Fn(&Hop) -> bool) -> Option<Hop> {
    hops.iter().position(is_it).map(|at| hops.remove(at))
}
