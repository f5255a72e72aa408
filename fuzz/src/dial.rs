use std::io::ErrorKind;
use std::time::Duration;

use hbone::pool::PoolConfig;
use hbone::{
    Alert, Connect, Dial, DialAction, DialLimits, EstablishError, ExpectedIdentities, Hop,
    LinkFailure, Reason, RequestError, Route, Stage,
};

use crate::hbone_world::{Client, Frame, Peer, epoch::epoch, ms};
use crate::script::Script;

/// One walk under any reports, which always gets on or ends once and tells its caller of every misuse; and whole worlds of walks, pool and
/// connections with peers that do anything, in which every walk ends once and in time, and nothing is left.
pub fn dial(data: &[u8]) {
    let mut script = Script::new(data);
    if script.flag() {
        world(script);
    } else {
        walk(script);
    }
}

const SERVER: &str = "spiffe://cluster.local/ns/default/sa/server";

fn walk(mut script: Script<'_>) {
    let hop = || {
        let connect = Connect::new("10.0.0.9:80".parse().expect("an authority"));
        let who: hbone::Identity = SERVER.parse().expect("an identity");
        Hop::new(connect, ExpectedIdentities::from(who))
    };
    let mut route = Route::new("10.0.0.1:15008".parse().expect("an address"), hop());
    for _ in 0..script.below(3) {
        route = route.through(hop());
    }
    let hops = route.len();
    let mut limits = DialLimits::default();
    limits.retries = script.octet() % 3;
    let start = epoch();
    let mut dial = Dial::new(&route, limits, start);
    let (mut asked, mut ended, mut requests, mut steps) = (None, None, 0, 0);
    while !script.is_over() || asked.is_some() && steps < 10_000 {
        steps += 1;
        while let Some(action) = dial.poll() {
            assert_eq!(ended, None, "nothing follows the end");
            match &action {
                DialAction::Ended(outcome) => {
                    assert_eq!(asked.take(), None, "what is under way is abandoned first");
                    if let Err(error) = outcome {
                        assert!(error.level < error.hops && error.hops == hops);
                        assert!(error.to_string().contains("hop"));
                    }
                    ended = Some(outcome.clone());
                }
                DialAction::Abandon { level } => {
                    assert!(asked.take().is_some());
                    assert_eq!(*level, dial.level());
                }
                action => {
                    requests += usize::from(matches!(action, DialAction::Request { .. }));
                    assert_eq!(asked.replace(action.clone()), None, "one thing at a time");
                }
            }
        }
        assert!(dial.poll_timeout().is_none() == ended.is_some());
        assert!(
            asked.is_some() != ended.is_some(),
            "it waits for something, or it is over"
        );
        if script.below(16) == 15 {
            meddle(&mut dial, &mut script, start, asked.as_ref());
            continue;
        }
        let (error, well) = (request_error(&mut script), script.flag());
        let outcome = match asked.take() {
            None => break,
            Some(DialAction::Checkout { level, elsewhere }) => {
                assert!(!elsewhere || requests > 0);
                dial.handle_checkout(level, well)
            }
            Some(DialAction::Establish { level }) => {
                let closed = EstablishError::Closed(Stage::Tls);
                dial.handle_establish(level, if well { Ok(()) } else { Err(closed) })
            }
            Some(DialAction::Request { level }) => {
                dial.handle_request(level, if well { Ok(()) } else { Err(error) })
            }
            Some(other) => panic!("{other:?}"),
        };
        assert_eq!(outcome, Ok(()), "it was asked for");
    }
    assert!(requests <= hops * (1 + usize::from(limits.retries)));
    dial.cancel();
    while dial.poll().is_some() {}
    assert_eq!(dial.poll_timeout(), None);
    assert!(
        dial.handle_request(0, Ok(())).is_ok(),
        "what crosses the end is ignored"
    );
}

/// Something that nobody asked for: an error that changes nothing, or an end.
fn meddle(
    dial: &mut Dial,
    script: &mut Script<'_>,
    start: std::time::Instant,
    asked: Option<&DialAction>,
) {
    let (level, before) = (script.below(3), format!("{dial:?}"));
    let is = |action: &DialAction| asked == Some(action);
    let outcome = match script.below(6) {
        0 => return dial.cancel(),
        1 => return dial.handle_timeout(start + Duration::from_secs(60)),
        2 => {
            dial.handle_timeout(start + Duration::from_secs(59));
            Ok(())
        }
        3 if !matches!(asked, Some(DialAction::Checkout { .. })) => {
            dial.handle_checkout(level, true)
        }
        4 if !is(&DialAction::Establish { level }) => dial.handle_establish(level, Ok(())),
        5 if !is(&DialAction::Request { level }) => dial.handle_request(level, Ok(())),
        _ => return,
    };
    assert!(outcome.is_ok() || !outcome.unwrap_err().to_string().is_empty());
    assert_eq!(format!("{dial:?}"), before);
}

fn request_error(script: &mut Script<'_>) -> RequestError {
    match script.below(4) {
        0 => RequestError::Lost(failure(script)),
        1 => RequestError::Reset(Reason::from_wire(u32::from(script.octet() % 16))),
        2 => RequestError::TimedOut(Duration::from_secs(1)),
        _ => RequestError::GoingAway,
    }
}

fn failure(script: &mut Script<'_>) -> LinkFailure {
    script.one_of(&[
        LinkFailure::Closed,
        LinkFailure::Alert(Alert::from_wire(116)),
        LinkFailure::Alert(Alert::from_wire(80)),
        LinkFailure::Http2("bad frame".to_owned()),
        LinkFailure::Io(ErrorKind::ConnectionRefused),
    ])
}

const PLACES: [&str; 3] = ["10.0.0.1:15008", "10.0.0.2:15008", "10.0.0.3:15008"];
const SERVICES: [&str; 2] = ["a.svc:80", "b.svc:80"];

fn world(mut script: Script<'_>) {
    let seed = u64::from(script.octet());
    let mut client = match pool_config(&mut script) {
        Some(config) => Client::with_pool(seed, config),
        None => Client::without_pool(seed),
    };
    let inside = SERVICES.map(|service| format!("[{service}]"));
    for place in PLACES.map(str::to_owned).into_iter().chain(inside) {
        let peer = peer(&mut script);
        client.peers.insert(place, peer);
    }
    if script.below(8) == 7 {
        client.last_stream_id = 5;
    }
    if let Some(at) = script.maybe(Script::octet) {
        let place = script.one_of(&PLACES);
        client.after(ms(8 * u64::from(at)), move |client| {
            client.peers.get_mut(place).expect("it is there").vanished = true;
        });
    }
    let mut walks = 0;
    while walks == 0 || !script.is_over() && walks < 24 {
        walks += 1;
        let at = ms(4 * u64::from(script.octet()));
        let place = script.one_of(&PLACES);
        let service = script.one_of(&[None, Some(SERVICES[0]), Some(SERVICES[1])]);
        let give_up = script.maybe(|script| ms(8 * u64::from(script.octet())));
        client.after(at, move |client| {
            let walk = match service {
                Some(service) => client.connect(place, &[service, service]),
                None => client.connect(place, &["10.0.0.9:80"]),
            };
            if let Some(wait) = give_up {
                client.after(wait, move |client| client.give_up(walk));
            }
        });
    }
    client.run(Duration::from_secs(70));
    assert_eq!(client.walks.len(), walks);
    for walk in 0..walks {
        client.ending(walk);
        assert!(client.time_of(walk) <= Duration::from_secs(60));
        client.give_up(walk);
    }
    client.run(Duration::from_secs(400));
    assert_eq!(client.streams(), 0);
    if let Some(pool) = &client.pool {
        assert_eq!((pool.counts().streams, pool.counts().waiting), (0, 0));
    }
}

/// None, roomy as usual, or so tight that keys take turns.
fn pool_config(script: &mut Script<'_>) -> Option<PoolConfig> {
    match script.below(3) {
        0 => Some(PoolConfig::new().max_wait(ms(3_000))),
        1 => None,
        _ => {
            let idle = 8 * u64::from(script.octet());
            let config = PoolConfig::new()
                .max_connections(1 + script.below(5))
                .max_connections_per_key(1 + script.below(3))
                .max_streams_per_connection(1 + u32::from(script.octet() % 4))
                .max_wait(ms(12 * u64::from(script.octet())))
                .idle_timeout(ms(idle))
                .max_age(Some(ms(idle * 3)));
            Some(config)
        }
    }
}

fn peer(script: &mut Script<'_>) -> Peer {
    let mut peer = Peer::good();
    peer.tcp = stage(script, |_| ());
    peer.tls = stage(script, |_| ());
    peer.settings = stage(script, |script| {
        script.maybe(|script| u32::from(script.octet() % 8))
    });
    peer.delay = ms(u64::from(script.octet() % 40));
    if script.below(16) == 15 {
        peer.identity = "spiffe://cluster.local/ns/default/sa/mallory";
    }
    let answers = script.several(6, |script| script.several(4, frame));
    answers.into_iter().fold(peer, Peer::answer)
}

/// Mostly well, sometimes with a failure, sometimes never.
fn stage<T>(
    script: &mut Script<'_>,
    well: impl FnOnce(&mut Script<'_>) -> T,
) -> Option<Result<T, LinkFailure>> {
    match script.below(12) {
        11 => None,
        10 => Some(Err(failure(script))),
        _ => Some(Ok(well(script))),
    }
}

fn frame(script: &mut Script<'_>) -> Frame {
    let code = |script: &mut Script<'_>| Reason::from_wire(u32::from(script.octet() % 16));
    match script.below(12) {
        0..=2 => Frame::Head(200),
        3 => Frame::Head(script.one_of(&[100, 101, 204, 302, 403, 503])),
        4 => Frame::Data,
        5 => Frame::End,
        6 => Frame::Trailers,
        7 => Frame::Reset(code(script)),
        8 => Frame::Malformed,
        9 => Frame::GoAway(code(script), script.flag()),
        10 => Frame::Settings(script.maybe(|script| u32::from(script.octet() % 4))),
        _ => Frame::Lost(failure(script)),
    }
}
