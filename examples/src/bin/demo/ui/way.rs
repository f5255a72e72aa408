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
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Connect {
    pub(super) asked: Option<Hop>,
    pub(super) answered: Option<Hop>,
    /// It is of another connection, and was there already.
    pub(super) is_older: bool,
}

impl Way {
    /// The latest ways between two nodes. If none is known whole, those that leave the one and those that reach the other.
    pub(super) fn between(
        picture: &Picture,
        traces: Vec<Vec<Hop>>,
        source: &str,
        destination: &str,
    ) -> Vec<Self> {
        let outers = Connect::outers(picture, &traces);
        let mut ways: Vec<_> = traces
            .into_iter()
            .map(|hops| Self::new(picture, hops, &outers))
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

    fn new(picture: &Picture, hops: Vec<Hop>, outers: &[Connect]) -> Self {
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
                let is_first = connects
                    .last()
                    .is_none_or(|last: &Connect| !last.is_outer_of(&asked));
                if asked.position == "inner" && is_first {
                    connects.extend(
                        outers
                            .iter()
                            .find(|outer| outer.is_outer_of(&asked))
                            .cloned(),
                    );
                }
                let answered = take(&mut left, |hop| is_other_end(picture, &asked, hop));
                let next = answered.as_ref().filter(|_| asked.position != "outer");
                at = next.map(|hop| hop.proxy.clone()).or(at);
                connects.push(Connect {
                    asked: Some(asked),
                    answered,
                    is_older: false,
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

impl Connect {
    /// Those to gateways, the latest first.
    fn outers(picture: &Picture, traces: &[Vec<Hop>]) -> Vec<Self> {
        let outers = traces.iter().flat_map(|hops| {
            let asked = hops
                .iter()
                .filter(|hop| hop.side == Side::Asked && hop.position == "outer");
            asked.map(|asked| Self {
                answered: hops
                    .iter()
                    .find(|hop| is_other_end(picture, asked, hop))
                    .cloned(),
                asked: Some(asked.clone()),
                is_older: true,
            })
        });
        outers.collect()
    }

    fn is_outer_of(&self, inner: &Hop) -> bool {
        self.asked.as_ref().is_some_and(|outer| {
            outer.position == "outer"
                && outer.proxy == inner.proxy
                && outer.authority == inner.authority
        })
    }
}

/// Whether that is what somebody answered who was asked this: only a gateway answers what is outer.
fn is_other_end(picture: &Picture, asked: &Hop, hop: &Hop) -> bool {
    hop.side == Side::Answered
        && hop.authority == asked.authority
        && is_gateway(picture, hop) == (asked.position == "outer")
}

fn is_gateway(picture: &Picture, hop: &Hop) -> bool {
    let proxy = picture.proxy(&hop.proxy);
    proxy.is_some_and(|proxy| proxy.kind == ProxyKind::EastwestGateway)
}

fn take(hops: &mut Vec<Hop>, is_it: impl Fn(&Hop) -> bool) -> Option<Hop> {
    hops.iter().position(is_it).map(|at| hops.remove(at))
}

#[cfg(test)]
mod tests {
    use super::super::picture::Proxy;
    use super::*;

    fn picture() -> Picture {
        let proxy = |name: &str, kind| Proxy {
            name: name.into(),
            kind,
            cluster: "c".into(),
            address: String::new(),
            metrics: String::new(),
            namespace: "n".into(),
            workload: name.into(),
        };
        let proxies = [
            ("client", ProxyKind::NodeProxy),
            ("waypoint", ProxyKind::Waypoint),
            ("gateway", ProxyKind::EastwestGateway),
            ("server", ProxyKind::NodeProxy),
        ];
        Picture {
            proxies: proxies.map(|(name, kind)| proxy(name, kind)).into(),
            ..Picture::default()
        }
    }

    fn hop(trace: &str, proxy: &str, side: Side, position: &'static str, authority: &str) -> Hop {
        Hop {
            trace: trace.into(),
            proxy: proxy.into(),
            side,
            position,
            authority: authority.into(),
            peer: String::new(),
            request: Vec::new(),
            response: Vec::new(),
            status: 200,
        }
    }

    /// By a waypoint and a gateway, told in no good order.
    fn whole(trace: &str) -> Vec<Hop> {
        use Side::{Answered, Asked};
        vec![
            hop(trace, "server", Answered, "", "stock:80"),
            hop(trace, "waypoint", Asked, "outer", "stock:80"),
            hop(trace, "waypoint", Asked, "inner", "stock:80"),
            hop(trace, "gateway", Answered, "", "stock:80"),
            hop(trace, "waypoint", Answered, "", "10.0.0.1:80"),
            hop(trace, "client", Asked, "single", "10.0.0.1:80"),
        ]
    }

    fn told(way: &Way) -> Vec<String> {
        let proxy = |hop: &Option<Hop>| hop.as_ref().map_or("?", |hop| &hop.proxy).to_owned();
        let connects = way.connects.iter();
        connects
            .map(
                |Connect {
                     asked, answered, ..
                 }| {
                    let position = asked.as_ref().map_or("?", |hop| hop.position);
                    format!("{} {position} {}", proxy(asked), proxy(answered))
                },
            )
            .collect()
    }

    #[test]
    fn a_way_is_told_from_proxy_to_proxy() {
        let ways = Way::between(&picture(), vec![whole("1")], "c/n/client", "c/n/server");
        assert_eq!(ways.len(), 1);
        assert_eq!(
            told(&ways[0]),
            [
                "client single waypoint",
                "waypoint outer gateway",
                "waypoint inner server"
            ]
        );
    }

    #[test]
    fn the_latest_way_that_is_whole_is_taken_and_else_what_leaves_and_what_arrives() {
        let (mut leaving, mut arriving) = (whole("1"), whole("2"));
        leaving.retain(|hop| {
            hop.proxy == "client" || hop.side == Side::Answered && hop.proxy == "waypoint"
        });
        arriving.retain(|hop| {
            hop.side == Side::Asked && hop.proxy == "waypoint" || hop.proxy == "server"
        });
        let parts = vec![leaving, arriving];
        let ways = Way::between(&picture(), parts.clone(), "c/n/client", "c/n/server");
        assert_eq!(ways.len(), 2);
        assert_eq!(told(&ways[0]), ["client single waypoint"]);

        let mut all = parts;
        all.push(whole("3"));
        let ways = Way::between(&picture(), all, "c/n/client", "c/n/server");
        assert_eq!(ways.len(), 1);
        assert_eq!(told(&ways[0]).len(), 3);
    }

    #[test]
    fn the_outer_tunnel_may_have_been_there_before() {
        let mut second = whole("2");
        second.retain(|hop| hop.position != "outer" && hop.proxy != "gateway");
        let traces = vec![second, whole("1")];
        let ways = Way::between(&picture(), traces, "c/n/client", "c/n/server");
        assert_eq!(
            told(&ways[0]),
            [
                "client single waypoint",
                "waypoint outer gateway",
                "waypoint inner server"
            ]
        );
        let older: Vec<_> = ways[0]
            .connects
            .iter()
            .map(|connect| connect.is_older)
            .collect();
        assert_eq!(older, [false, true, false]);
    }

    #[test]
    fn what_nobody_has_seen_has_no_way() {
        let ways = Way::between(&picture(), vec![whole("1")], "c/n/nobody", "unknown/a");
        assert!(ways.is_empty());
    }
}
