use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use hbone::{Accept, Route};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex, split};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_hbone::{Acceptor, Connector, Tunnel, copy_bidirectional};

use crate::bounded::bounded;
use crate::script::Script;
use crate::support::ends::{acceptor, connector, hop, server_tls};
use crate::support::io::BoxIo;
use crate::support::pki::{GATEWAY, SERVER, mesh_bundle, workload};
use crate::support::torn_io::{Call, TornIo};
use crate::upstream::Upstream;

/// A tunnel within a tunnel, with any pieces in either direction and perhaps a fault of the IO below: what arrives is the beginning of what
/// was sent, an end of file comes only behind all of it, an end that was not meant is an error, and without a fault everything arrives.
pub fn double(data: &[u8]) {
    let mut script = Script::new(data);
    let setup = Setup::new(&mut script);
    let (there, back) = (Words::new(&mut script), Words::new(&mut script));
    bounded(64 << 20, run(setup, there, back));
}

/// The IO between client and gateway, and between gateway and server.
struct Setup {
    pipes: [usize; 2],
    torn: [Option<usize>; 2],
    /// Which end breaks, at which kind of call, after how many.
    fault: Option<(usize, Option<Call>, usize)>,
    stream_window: u32,
}

impl Setup {
    fn new(script: &mut Script<'_>) -> Self {
        let calls = [
            None,
            Some(Call::Read),
            Some(Call::Write),
            Some(Call::Flush),
            Some(Call::Shutdown),
        ];
        let window = script.one_of(&[4 << 20, 65_535, 1_000, 40]);
        Self {
            pipes: [0, 1].map(|_| script.one_of(&[64 << 10, 3_000, 100])),
            torn: [0, 1].map(|_| script.one_of(&[None, None, Some(700), Some(30)])),
            fault: script.maybe(|script| {
                (
                    script.below(4),
                    script.one_of(&calls),
                    usize::from(script.octet()),
                )
            }),
            stream_window: window,
        }
    }

    fn pipe(&self, which: usize) -> (BoxIo, BoxIo) {
        let (near, far) = duplex(self.pipes[which]);
        let end = |io, at| -> BoxIo {
            match (self.fault, self.torn[which]) {
                (Some((end, call, number)), _) if end == 2 * which + at => {
                    Box::new(TornIo::failing_at(Box::new(io), call, number))
                }
                (_, Some(most)) => Box::new(TornIo::slow(Box::new(io), most)),
                _ => Box::new(io),
            }
        };
        (end(near, 0), end(far, 1))
    }
}

/// What one side says, and how it stops.
#[derive(Clone)]
struct Words {
    lengths: Vec<usize>,
    pause: Duration,
    /// It breaks off instead of ending.
    breaks_off: bool,
}

impl Words {
    fn new(script: &mut Script<'_>) -> Self {
        let pause = Duration::from_millis(script.one_of(&[0, 0, 1, 50]));
        let breaks_off = script.below(8) == 7;
        let scale = script.one_of(&[1, 10, 200]);
        let lengths = script.several(16, |script| scale * usize::from(script.octet()));
        Self {
            lengths,
            pause,
            breaks_off,
        }
    }

    fn whole(&self, salt: u8) -> Vec<u8> {
        let length = self.lengths.iter().sum();
        (0..length)
            .map(|at: usize| (at % 251) as u8 ^ (at >> 8) as u8 ^ salt)
            .collect()
    }
}

async fn run(setup: Setup, there: Words, back: Words) {
    let is_well = setup.fault.is_none();
    let mut http2 = tokio_hbone::Http2Config::client();
    http2.stream_window = setup.stream_window;
    let (server, gateway) = (SERVER_SIDE.clone().with_http2(http2), GATEWAY_SIDE.clone());
    let ((near, middle), (upstream, far)) = (setup.pipe(0), setup.pipe(1));
    let (there_said, back_said) = (there.whole(0x55), back.whole(0xaa));
    let relaying = tokio::spawn(relay(middle, gateway, upstream));
    let serving = tokio::spawn({
        let (said, expected) = (back_said.clone(), there_said.clone());
        async move {
            let Ok(mut connection) = server.accept(far).await else {
                return Met::default();
            };
            let Some(incoming) = connection.next().await else {
                return Met::default();
            };
            let Ok(tunnel) = incoming.accept(&Accept::default()) else {
                return Met::default();
            };
            let talking = tokio::spawn(talk(tunnel, back, said, expected));
            while connection.next().await.is_some() {}
            talking.await.expect("no panic")
        }
    });
    let client = CLIENT_SIDE.clone().with_http2(http2);
    let there_breaks = there.breaks_off;
    let met = async {
        match client.connect_over(near, &route()).await {
            Ok(tunnel) => talk(tunnel, there, there_said.clone(), back_said.clone()).await,
            Err(error) => {
                assert!(!is_well, "{error}");
                Met::default()
            }
        }
    };
    let patience = Duration::from_secs(2_000);
    let here = timeout(patience, met)
        .await
        .expect("the client comes to an end");
    let other = timeout(patience, serving)
        .await
        .expect("the server comes to an end")
        .expect("no panic");
    timeout(patience, relaying)
        .await
        .expect("the gateway comes to an end")
        .expect("no panic");
    if is_well {
        // Who breaks off hears no more either.
        let is_whole = !here.broke_off && !other.broke_off;
        for (met, said, broken) in [
            (&here, &back_said, other.broke_off),
            (&other, &there_said, there_breaks),
        ] {
            assert!(
                !is_whole || met.is_end && met.got == said.len(),
                "{met:?} of {}",
                said.len()
            );
            assert!(!broken || !met.is_end, "broken off, and taken for an end");
        }
    }
    for (met, said) in [(&here, &back_said), (&other, &there_said)] {
        assert!(
            !met.is_end || met.got == said.len(),
            "an end behind {} of {}",
            met.got,
            said.len()
        );
    }
}

/// What came of the other side.
#[derive(Debug, Default)]
struct Met {
    got: usize,
    is_end: bool,
    broke_off: bool,
}

/// Says everything and hears everything, each in its own time.
async fn talk(tunnel: Tunnel, words: Words, said: Vec<u8>, expected: Vec<u8>) -> Met {
    let broke_off = words.breaks_off;
    let (reads, writes) = split(tunnel);
    let hearing: JoinHandle<Met> = tokio::spawn(hear(reads, expected));
    let saying = say(writes, words, &said).await;
    if broke_off {
        // Dropping both halves is what breaks a tunnel off.
        hearing.abort();
        let _ = hearing.await;
        drop(saying);
        return Met {
            broke_off,
            ..Met::default()
        };
    }
    hearing.await.expect("no bent octet")
}

async fn say<W: AsyncWrite + Unpin>(
    mut writes: W,
    words: Words,
    said: &[u8],
) -> (W, io::Result<()>) {
    let mut rest = said;
    for length in words.lengths {
        let (word, more) = rest.split_at(length);
        rest = more;
        let outcome = async {
            writes.write_all(word).await?;
            writes.flush().await
        };
        if let Err(error) = outcome.await {
            return (writes, Err(error));
        }
        if !words.pause.is_zero() {
            sleep(words.pause).await;
        }
    }
    let outcome = if words.breaks_off {
        Ok(())
    } else {
        writes.shutdown().await
    };
    (writes, outcome)
}

async fn hear(mut reads: impl AsyncRead + Unpin, expected: Vec<u8>) -> Met {
    let (mut met, mut word) = (Met::default(), [0; 5_000]);
    loop {
        match reads.read(&mut word).await {
            Ok(0) => {
                met.is_end = true;
                return met;
            }
            Ok(some) => {
                let next = expected.get(met.got..met.got + some);
                assert!(
                    next == Some(&word[..some]),
                    "bent octets behind {}",
                    met.got
                );
                met.got += some;
            }
            Err(_) => return met,
        }
    }
}

async fn relay(io: BoxIo, gateway: Acceptor, upstream: BoxIo) {
    let Ok(mut connection) = gateway.accept(io).await else {
        return;
    };
    let Some(incoming) = connection.next().await else {
        return;
    };
    let Ok(mut tunnel) = incoming.accept(&Accept::default()) else {
        return;
    };
    let carrying = tokio::spawn(async move {
        let mut upstream = Upstream(upstream);
        copy_bidirectional(&mut tunnel, &mut upstream).await
    });
    while connection.next().await.is_some() {}
    let _ = carrying.await.expect("no panic");
}

fn route() -> Route {
    let address = "127.0.0.1:15008".parse().expect("an address");
    Route::new(address, hop("server.default:80", GATEWAY)).through(hop("server.default:80", SERVER))
}

static CLIENT_SIDE: LazyLock<Connector> = LazyLock::new(connector);
static SERVER_SIDE: LazyLock<Acceptor> = LazyLock::new(acceptor);
static GATEWAY_SIDE: LazyLock<Acceptor> =
    LazyLock::new(|| Acceptor::new(server_tls(&workload(GATEWAY), mesh_bundle())));
