//! Limits of a connection that are nothing and everything, one beside any other, at either end.

use std::time::Duration;

use hbone::{Accept, KeepaliveConfig, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, split};
use tokio_hbone::{ConnectionConfig, Tunnel};

use crate::support::ends::{acceptor, connector, incoming, route};
use crate::support::io::pipe;
use crate::support::{soon, tasks, tasks_end};

const NEVER: Duration = Duration::MAX;
const AT_ONCE: Duration = Duration::ZERO;
const SHORT: Duration = Duration::from_nanos(1);

/// One extreme of a limit.
type Extreme = (&'static str, fn(&mut ConnectionConfig));

const EXTREMES: [Extreme; 19] = [
    ("as it is", |_| {}),
    ("no answer in time", |config| {
        config.keepalive = Some(KeepaliveConfig::new(SHORT, AT_ONCE));
    }),
    ("asked all the time", |config| {
        config.keepalive = Some(KeepaliveConfig::new(SHORT, NEVER));
    }),
    ("asked never", |config| {
        config.keepalive = Some(KeepaliveConfig::new(NEVER, AT_ONCE));
    }),
    ("nobody asks", |config| config.keepalive = None),
    ("no drain", |config| config.drain.deadline = AT_ONCE),
    ("any drain", |config| config.drain.deadline = NEVER),
    ("no announcement", |config| config.drain.announce = AT_ONCE),
    ("any announcement", |config| config.drain.announce = NEVER),
    ("no idling", |config| config.idle_timeout = Some(AT_ONCE)),
    ("any idling", |config| config.idle_timeout = Some(NEVER)),
    ("no age", |config| config.max_age = Some(AT_ONCE)),
    ("any age", |config| config.max_age = Some(NEVER)),
    ("no header", |config| config.max_headers = 0),
    ("any headers", |config| config.max_headers = usize::MAX),
    ("no reset", |config| config.reset_burst = 0),
    ("any reset", |config| config.reset_burst = u32::MAX),
    ("never again", |config| config.resets_per_second = 0),
    ("all the time", |config| config.resets_per_second = u32::MAX),
];

#[tokio::test(start_paused = true)]
async fn any_two_extremes_of_a_server_serve_or_refuse_and_leave_nothing() {
    for (at, (one, first)) in EXTREMES.iter().enumerate() {
        for (other, second) in EXTREMES.iter().skip(at) {
            let mut config = ConnectionConfig::default();
            first(&mut config);
            second(&mut config);
            let what = format!("{one}, {other}");
            let is_given_up = config.keepalive == Some(KeepaliveConfig::new(SHORT, AT_ONCE));
            let is_refused = is_given_up
                || config.idle_timeout == Some(AT_ONCE)
                || config.max_age == Some(AT_ONCE)
                || config.max_headers == 0;
            let worked = use_up(config, None, Timeouts::default()).await;
            assert!(worked || is_refused, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_extreme_of_a_client_connects_or_fails_and_leaves_nothing() {
    for limit in [AT_ONCE, SHORT, NEVER] {
        for interval in [SHORT, NEVER] {
            let keepalive = Some(KeepaliveConfig::new(interval, limit));
            for stage in [limit, NEVER] {
                let timeouts = Timeouts::each(stage);
                let worked = use_up(ConnectionConfig::default(), keepalive, timeouts).await;
                let is_given_up = interval < NEVER && limit < NEVER;
                let may_fail = is_given_up || stage < NEVER;
                assert!(worked || may_fail, "{keepalive:?}, {timeouts:?}");
            }
        }
    }
}

/// A tunnel that is used, and the end of its connection; whether it could be used.
async fn use_up(
    config: ConnectionConfig,
    keepalive: Option<KeepaliveConfig>,
    timeouts: Timeouts,
) -> bool {
    let before = tasks();
    let (near, far) = pipe();
    let mut incoming = incoming(far, acceptor().with_connection(config));
    tokio::spawn(async move {
        while let Some(asked) = incoming.recv().await {
            if let Ok(tunnel) = asked.accept(&Accept::default()) {
                let (mut reader, mut writer) = split(tunnel);
                // How a tunnel of these limits ends is looked at from the other side.
                let _ = copy(&mut reader, &mut writer).await;
            }
        }
    });
    let connector = connector()
        .with_keepalive(keepalive)
        .with_timeouts(timeouts);
    let worked = match soon(connector.connect_over(near, &route())).await {
        Ok(mut tunnel) => soon(works(&mut tunnel)).await,
        Err(_) => false,
    };
    tasks_end(before).await;
    worked
}

async fn works(tunnel: &mut Tunnel) -> bool {
    let mut word = [0; 4];
    tunnel.write_all(b"word").await.is_ok()
        && tunnel.read_exact(&mut word).await.is_ok()
        && &word == b"word"
}
