use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use baggage::istio::PeerAttributes;
use http::{HeaderValue, StatusCode};
use peer_meta::labels::{
    ConnectionFlag, HttpLabels, HttpOutcome, LabelDialect, Report, SeriesGuard, TcpLabels, UNKNOWN,
};
use peer_meta::{
    Claimed, DestinationService, DirectoryEntry, Exchange, ExchangeConfig, Hop, Message, Origin,
    Role, Side, Target,
};
use spiffe::SpiffeId;

use crate::peer_world::{epoch, id, own, seconds, workload};
use crate::script::Script;

/// Any order of events at any role: an identity is one that TLS proved, and no header changes it; nobody waits for ever; what is settled
/// stays as it is; an entry of the directory is of whoever proved to be there; nothing is told that the configuration keeps back; every
/// label is bounded and harmless, and so is their number.
pub fn exchange(data: &[u8]) {
    let mut script = Script::new(data);
    let now = epoch();
    let role = script.one_of(&[
        Role::SourceNodeProxy,
        Role::DestinationNodeProxy,
        Role::EastWestGateway,
        Role::IngressGateway,
        Role::Waypoint,
    ]);
    let config = config(&mut script);
    let make = || Exchange::new(role, &config, own("own", "c1", "here"), now);
    let (mut told, mut silent) = (make(), make());
    let mut proved = vec![None, Some(id("own"))];
    let mut guard = SeriesGuard::with_cap(3).with_share(2);
    while !script.is_over() {
        let event = Event::read(&mut script);
        if let Event::Accepted(Some(who)) | Event::Connected(_, Some(who)) = &event {
            proved.push(Some(Arc::clone(who)));
        }
        let was_settled = told.is_settled() && !matches!(event, Event::Dial(_));
        let before = (told.downstream().clone(), told.upstream().clone());
        event.without_lines().apply(&mut silent, now);
        event.apply(&mut told, now);
        let after = (told.downstream().clone(), told.upstream().clone());
        assert!(
            !was_settled || before == after,
            "{before:?} became {after:?}"
        );
        assert_eq!(
            told.poll_timeout().is_none(),
            told.is_settled() || config.patience() > seconds(1 << 40)
        );
        for side in [Side::Downstream, Side::Upstream] {
            assert!(told.is_side_settled(side) || !told.is_settled());
        }
        check(&told, &proved, &config);
        count(&mut guard, &told);
    }
    assert_eq!(told.downstream().identity(), silent.downstream().identity());
    assert_eq!(told.upstream().identity(), silent.upstream().identity());
    let request = told.for_request(now);
    assert!(request.is_side_settled(Side::Downstream));
    assert_eq!(
        request.downstream().identity(),
        told.downstream().identity()
    );
    told.handle_timeout(now + seconds(60));
    assert!(told.is_settled() || config.patience() > seconds(60));
    check(&told, &proved, &config);
}

fn config(script: &mut Script<'_>) -> ExchangeConfig {
    let off = |script: &mut Script<'_>| script.below(8) != 7;
    ExchangeConfig::new()
        .with_exchange(off(script))
        .with_response_baggage(off(script))
        .with_ambient_baggage(off(script))
        .with_directory(off(script))
        .with_patience(seconds(script.one_of(&[5, 0, 1])))
}

#[derive(Clone, Debug)]
enum Event {
    Accepted(Option<Arc<SpiffeId>>),
    Request(u8, Option<Vec<u8>>, Vec<HeaderValue>),
    Dial(Target),
    Connected(Hop, Option<Arc<SpiffeId>>),
    Response(Hop, Vec<HeaderValue>),
    Endpoint(Option<PeerAttributes>),
    Lookup(Side, u8, Option<DirectoryEntry>),
    Closed(Side),
    Timeout(u64),
    Polled,
}

impl Event {
    fn read(script: &mut Script<'_>) -> Self {
        let who =
            |script: &mut Script<'_>| script.maybe(|script| id(script.one_of(&["a", "b", "c"])));
        let hop = |script: &mut Script<'_>| script.one_of(&[Hop::Inner, Hop::Outer, Hop::Single]);
        let side = |script: &mut Script<'_>| script.one_of(&[Side::Downstream, Side::Upstream]);
        let lines = |script: &mut Script<'_>| {
            let lines = script.several(3, line);
            lines.into_iter().flatten().collect()
        };
        match script.below(10) {
            0 => Self::Accepted(who(script)),
            1 => {
                let ip = script.octet() % 3;
                let network =
                    script.one_of(&[None, Some(""), Some("here"), Some("there"), Some("\u{e9}")]);
                Self::Request(ip, network.map(|it| it.as_bytes().to_vec()), lines(script))
            }
            2 => Self::Dial(match script.below(4) {
                0 => Target::OtherNetwork,
                ip => Target::Address(address(u8::try_from(ip).expect("below 4"))),
            }),
            3 => Self::Connected(hop(script), who(script)),
            4 => Self::Response(hop(script), lines(script)),
            5 => Self::Endpoint(script.maybe(|script| workload(script.one_of(&["e", "f"]), "c"))),
            6 => {
                let (side, ip) = (side(script), script.octet() % 3);
                let entry = script.maybe(|script| {
                    let network = script.one_of(&["here", "there"]);
                    match script.maybe(|script| script.one_of(&["a", "b"])) {
                        Some(who) => {
                            DirectoryEntry::new(workload(who, "c"), network).with_identity(id(who))
                        }
                        None => DirectoryEntry::new(workload("d", "c"), network),
                    }
                });
                Self::Lookup(side, ip, entry)
            }
            7 => Self::Closed(side(script)),
            8 => Self::Timeout(u64::from(script.octet() % 9)),
            _ => Self::Polled,
        }
    }

    fn without_lines(&self) -> Self {
        match self {
            Self::Request(ip, network, _) => Self::Request(*ip, network.clone(), Vec::new()),
            Self::Response(hop, _) => Self::Response(*hop, Vec::new()),
            other => other.clone(),
        }
    }

    fn apply(self, exchange: &mut Exchange, now: Instant) {
        match self {
            Self::Accepted(who) => exchange.handle_accepted(who),
            Self::Request(ip, network, lines) => {
                exchange.handle_request(address(ip), network.as_deref(), &lines)
            }
            Self::Dial(target) => exchange.dial(target, now),
            Self::Connected(hop, who) => exchange.handle_connected(hop, who),
            Self::Response(hop, lines) => exchange.handle_response(hop, &lines),
            Self::Endpoint(workload) => exchange.handle_endpoint(workload),
            Self::Lookup(side, ip, entry) => exchange.handle_lookup(side, address(ip), entry),
            Self::Closed(side) => exchange.handle_closed(side),
            Self::Timeout(after) => exchange.handle_timeout(now + seconds(after)),
            Self::Polled => drop(exchange.poll_lookup()),
        }
    }
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

/// Baggage from good to bad, with a liking for what looks like a principal.
fn line(script: &mut Script<'_>) -> Option<HeaderValue> {
    let keys = [
        "k8s.cluster.name",
        "k8s.namespace.name",
        "k8s.deployment.name",
        "service.name",
        "service.version",
        "app.name",
        "source_principal",
        "k8s.pod.name",
    ];
    let members = script.several(4, |script| {
        let key = script.one_of(&keys);
        let value = match script.below(3) {
            0 => "spiffe://mesh/ns/root/sa/root".into(),
            1 => "v1".into(),
            _ => String::from_utf8_lossy(script.part()),
        };
        format!("{key}={value}")
    });
    HeaderValue::from_bytes(members.join(",").as_bytes()).ok()
}

fn check(exchange: &Exchange, proved: &[Option<Arc<SpiffeId>>], config: &ExchangeConfig) {
    for peer in [
        exchange.downstream(),
        exchange.upstream(),
        exchange.gateway(),
    ] {
        let identity = peer.identity().cloned().map(Arc::new);
        assert!(
            proved.contains(&identity),
            "{identity:?} was proved by nobody"
        );
        assert!(config.exchange() || peer.provenance().attributes != Origin::Claim);
        let entry = Some(peer).filter(|peer| peer.provenance().attributes == Origin::Directory);
        let named = entry.and_then(|peer| peer.for_telemetry()?.service());
        for who in ["a", "b"].into_iter().filter(|who| named == Some(who)) {
            assert!(
                identity.is_none() || identity == Some(id(who)),
                "{identity:?} is not {who}, whom the directory has there"
            );
        }
    }
    let tells = |hop| exchange.request_baggage(hop);
    for hop in [Hop::Inner, Hop::Outer, Hop::Single] {
        assert!(tells(hop).is_none() || config.exchange());
        assert!(tells(hop).is_none() || tells(hop).as_ref() == exchange.own().baggage());
    }
    for status in [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE] {
        let answer = exchange.response_baggage(status);
        assert!(answer.is_none() || config.exchange() && exchange.role().has_downstream());
    }
    for message in [Message::Application, Message::Connect] {
        assert!(
            exchange
                .stripped(message)
                .iter()
                .all(|name| name != "traceparent")
        );
    }
    let service = DestinationService::from_host("echo.shop.svc:80");
    for dialect in [LabelDialect::Envoy, LabelDialect::Ztunnel] {
        for service in [None, Some(&service)] {
            let report = Report::of(exchange)
                .with_service(service)
                .with_flags(ConnectionFlag::Tls.as_str())
                .with_locality(service.is_some());
            let tcp = TcpLabels::new(&report, dialect);
            let outcomes = [
                HttpOutcome::Http { code: 200 },
                HttpOutcome::Grpc {
                    code: 200,
                    status: Some(13),
                },
                HttpOutcome::Grpc {
                    code: 503,
                    status: None,
                },
            ];
            let http = outcomes.map(|outcome| HttpLabels::new(&report, outcome, dialect));
            assert!(tcp.unknown() <= tcp.iter().len());
            let all = tcp.iter().chain(http.iter().flat_map(HttpLabels::iter));
            for (name, value) in all {
                assert!(
                    !value.is_empty() || name == "grpc_response_status",
                    "{name}"
                );
                assert!(value.len() <= 253, "{name}={value}");
                assert!(
                    value
                        .bytes()
                        .all(|b| b.is_ascii_graphic() && !b"\"\\<>{}".contains(&b)),
                    "{name}={value}"
                );
                if name.ends_with("_principal") {
                    let is_proved = proved.iter().flatten().any(|id| id.to_string() == value);
                    assert!(value == UNKNOWN || is_proved, "{name}={value}");
                }
                if name == "reporter" {
                    assert_eq!(tcp.get(name), Some(value));
                }
            }
            assert_eq!(tcp.folded().folded(), tcp.folded());
            assert_eq!(http[0].folded().get("reporter"), http[0].get("reporter"));
            assert!(http[0].unknown() <= http[0].iter().len());
        }
    }
}

/// One peer takes two series at most, and all of them three.
fn count(guard: &mut SeriesGuard<TcpLabels>, exchange: &Exchange) {
    let labels = TcpLabels::new(&Report::of(exchange), LabelDialect::Envoy);
    let peer = exchange
        .upstream()
        .identity()
        .map(ToString::to_string)
        .unwrap_or_default();
    let counted = guard.admit_from(&peer, labels.clone(), TcpLabels::folded);
    assert!(counted == labels || counted == labels.folded());
    assert!(guard.len() <= 3);
    if guard.len() == 3 {
        guard.forget(&counted);
        guard.forget(&labels);
    }
    let claim = Claimed::new(labels.clone()).map(|labels| labels.folded());
    assert_eq!(claim.into_claim(), labels.folded());
}
