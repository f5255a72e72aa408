//! Whatever both ends of many tunnels do, in whatever order: every byte arrives once and in its place, an end is what it was
//! meant to be, nothing stalls, and nothing is left over.

use std::io;
use std::time::Duration;

use hbone::{Accept, Route};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep;
use tokio_hbone::{Acceptor, Http2Config, Incoming, Pool, Tunnel, copy_bidirectional};

use crate::support::ends::{acceptor, connector, hop, server_tls, tunnel_error};
use crate::support::io::BoxIo;
use crate::support::noise::Noise;
use crate::support::pki::{GATEWAY, SERVER, mesh_bundle, workload};
use crate::support::soon;
use crate::support::torn_io::TornIo;

/// `STORM_SEED` is the first seed, and `STORM_SEEDS` how many there are.
#[tokio::test(start_paused = true)]
async fn any_order_of_calls_on_any_number_of_tunnels_keeps_every_byte() {
    let number = |name, otherwise| match std::env::var(name) {
        Ok(number) => number.parse().expect("a number"),
        Err(_) => otherwise,
    };
    let first = number("STORM_SEED", 0);
    for seed in first..first + number("STORM_SEEDS", 20) {
        let storm = tokio::spawn(storm(seed));
        let calm = tokio::time::timeout(Duration::from_secs(100_000), storm).await;
        assert!(matches!(calm, Ok(Ok(()))), "seed {seed}: {calm:?}");
    }
}

async fn storm(seed: u64) {
    let before = Handle::current().metrics().num_alive_tasks();
    let mut dice = Noise::new(seed);
    let mesh = Mesh::new(&mut dice);
    let (pool, mut arrivals) = mesh.open();
    let mut pairs = Vec::new();
    for _ in 0..1 + dice.below(6) {
        let accepting = async {
            let incoming = arrivals.recv().await.expect("a CONNECT");
            incoming.accept(&Accept::default()).expect("a client")
        };
        let route = mesh.route();
        let (opened, accepted) =
            soon(async { tokio::join!(pool.connect(&route), accepting) }).await;
        pairs.push((opened.expect("a tunnel"), accepted));
    }
    let mut work = Vec::new();
    for (at, (client, server)) in pairs.into_iter().enumerate() {
        let dice = Noise::new(seed * 100 + at as u64 + 7);
        work.push(match at % 3 {
            0 => tokio::spawn(both_ways(client, server, mesh.most(), dice)),
            1 => tokio::spawn(one_way(client, server, mesh.most(), dice)),
            _ => tokio::spawn(one_way(server, client, mesh.most(), dice)),
        });
    }
    for work in work {
        soon(work).await.expect("as it should be");
    }
    soon(pool.drain()).await;
    drop((pool, arrivals));
    soon(async {
        while Handle::current().metrics().num_alive_tasks() > before {
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}

/// Two tasks at each end, neither of which waits for the other.
async fn both_ways(client: Tunnel, server: Tunnel, most: usize, mut dice: Noise) {
    let (client_reads, client_writes) = split(client);
    let (server_reads, server_writes) = split(server);
    let (there, back) = (dice.seed(), dice.seed());
    let (there_size, back_size) = (size(most, &mut dice), size(most, &mut dice));
    let writing = [
        tokio::spawn(write(client_writes, there, there_size, dice.split_off())),
        tokio::spawn(write(server_writes, back, back_size, dice.split_off())),
    ];
    let there = tokio::spawn(read(server_reads, there, dice.split_off()));
    let back = tokio::spawn(read(client_reads, back, dice.split_off()));
    for writing in writing {
        writing.await.expect("no panic").expect("a peer");
    }
    for (reading, size) in [(there, there_size), (back, back_size)] {
        let (got, end) = reading.await.expect("no bent byte");
        end.expect("an end of file");
        assert_eq!(got, size);
    }
}

/// One task at each end, which can hand chunks through, and which may break off.
async fn one_way(mut from: Tunnel, to: Tunnel, most: usize, mut dice: Noise) {
    let (seed, size) = (dice.seed(), size(most, &mut dice));
    let end = dice.below(5);
    let (mut writes, reads) = (dice.split_off(), dice.split_off());
    let most = match end {
        // The reader loses interest.
        4 => dice.below(size + 1),
        _ => usize::MAX,
    };
    let writing = tokio::spawn(async move {
        let mut noise = Noise::new(seed);
        let mut left = size;
        while left > 0 {
            if writes.below(3) > 0 {
                left -= write_once(&mut from, &mut noise, left, &mut writes).await?;
                continue;
            }
            let mut chunk = vec![0; length(&mut writes, left)];
            noise.fill(&mut chunk);
            left -= chunk.len();
            from.write_chunk(chunk.into())
                .await
                .map_err(io::Error::from)?;
        }
        if end != 3 {
            from.shutdown().await?;
        }
        if end <= 1 {
            let (got, ended) = read(from, seed, writes).await;
            ended?;
            assert_eq!(got, 10);
        }
        io::Result::Ok(())
    });
    let (mut to, got, ended) = read_chunks(to, seed, reads, most).await;
    if end == 4 {
        drop(to);
        let _ = writing.await.expect("no panic");
        return;
    }
    if end == 3 {
        // Dropped without an end: that is never an end of file.
        assert!(got <= size);
        tunnel_error(&ended.expect_err("no end of file"));
    } else {
        assert_eq!(got, size, "{ended:?}");
        ended.expect("an end of file");
    }
    if end <= 1 {
        let mut answer = vec![0; 10];
        Noise::new(seed).fill(&mut answer);
        to.write_all(&answer).await.expect("a peer");
        to.shutdown().await.expect("a peer");
    }
    writing.await.expect("no panic").expect("a peer");
}

async fn write(
    mut io: impl AsyncWrite + Unpin,
    seed: u64,
    size: usize,
    mut dice: Noise,
) -> io::Result<()> {
    let mut noise = Noise::new(seed);
    let mut left = size;
    while left > 0 {
        left -= write_once(&mut io, &mut noise, left, &mut dice).await?;
    }
    io.shutdown().await
}

/// One call of a writer, which may be given up; how much was taken.
async fn write_once(
    io: &mut (impl AsyncWrite + Unpin),
    noise: &mut Noise,
    left: usize,
    dice: &mut Noise,
) -> io::Result<usize> {
    let mut word = vec![0; length(dice, left)];
    noise.clone().fill(&mut word);
    let (patience, cut) = (dice.below(40), dice.below(word.len()));
    let some = match dice.below(8) {
        0 => {
            io.flush().await?;
            0
        }
        1 => {
            pause(dice).await;
            0
        }
        2 => {
            let (one, other) = word.split_at(cut);
            let slices = [one, &[], other].map(io::IoSlice::new);
            io.write_vectored(&slices).await?
        }
        3 => tokio::select! {
            biased;
            some = io.write(&word) => some?,
            () = async { for _ in 0..patience { yield_now().await } } => 0,
        },
        _ => io.write(&word).await?,
    };
    noise.fill(&mut word[..some]);
    Ok(some)
}

/// Reads to the end; how much came, and how it ended.
async fn read(
    mut io: impl AsyncRead + Unpin,
    seed: u64,
    mut dice: Noise,
) -> (usize, io::Result<()>) {
    let mut noise = Noise::new(seed);
    let mut got = 0;
    loop {
        let most = [1, 10, 1000, 70_000][dice.below(4)];
        let mut word = vec![0; 1 + dice.below(most)];
        match dice.below(6) {
            0 => pause(&mut dice).await,
            1 => tokio::select! {
                biased;
                some = io.read(&mut word[..0]) => assert_eq!(some.ok(), Some(0)),
                () = yield_now() => {}
            },
            _ => match io.read(&mut word).await {
                Ok(0) => return (got, Ok(())),
                Ok(some) => {
                    assert_next(&word[..some], &mut noise, got);
                    got += some;
                }
                Err(error) => return (got, Err(error)),
            },
        }
    }
}

/// The same in chunks and words, until `most` have come.
async fn read_chunks(
    mut io: Tunnel,
    seed: u64,
    mut dice: Noise,
    most: usize,
) -> (Tunnel, usize, io::Result<()>) {
    let mut noise = Noise::new(seed);
    let mut got = 0;
    while got < most {
        let mut word = [0; 100];
        let chunk = match dice.below(4) {
            0 => {
                pause(&mut dice).await;
                continue;
            }
            1 => match io.read(&mut word).await {
                Ok(0) => Ok(None),
                Ok(some) => Ok(Some(word[..some].to_vec().into())),
                Err(error) => Err(error),
            },
            _ => io.read_chunk().await.map_err(io::Error::from),
        };
        match chunk {
            Ok(Some(chunk)) => {
                assert_next(&chunk, &mut noise, got);
                got += chunk.len();
            }
            Ok(None) => return (io, got, Ok(())),
            Err(error) => return (io, got, Err(error)),
        }
    }
    (io, got, Ok(()))
}

#[track_caller]
fn assert_next(part: &[u8], noise: &mut Noise, at: usize) {
    let mut expected = vec![0; part.len()];
    noise.fill(&mut expected);
    assert!(part == expected, "bent bytes behind {at}");
}

async fn pause(dice: &mut Noise) {
    match dice.below(4) {
        0 => sleep(Duration::from_millis(dice.below(50) as u64)).await,
        1 => {
            for _ in 0..dice.below(30) {
                yield_now().await;
            }
        }
        _ => yield_now().await,
    }
}

fn size(most: usize, dice: &mut Noise) -> usize {
    let most = [1, 100, most][dice.below(3)];
    dice.below(most)
}

fn length(dice: &mut Noise, left: usize) -> usize {
    let most = [1, 8, 300, 1500, 20_000, 60_000][dice.below(6)];
    (1 + dice.below(most)).min(left)
}

/// The peers and the ways between them, from bad to worse.
struct Mesh {
    hops: usize,
    pipe: usize,
    /// How much a call of the IO below moves at most; `None` has no calls in vain either.
    torn: Option<usize>,
    client: Http2Config,
    server: Http2Config,
}

impl Mesh {
    fn new(dice: &mut Noise) -> Self {
        let torn = [None, None, Some(700), Some(30)][dice.below(4)];
        Self {
            hops: 1 + dice.below(2),
            pipe: [100, 3_000, 64 << 10][dice.below(3)],
            torn,
            client: http2(Http2Config::client(), dice),
            server: http2(Http2Config::server(), dice),
        }
    }

    /// A pool, and the CONNECTs that it sends.
    fn open(&self) -> (Pool, mpsc::Receiver<Incoming>) {
        let (give, take) = mpsc::channel(1);
        let (pipe, torn, hops) = (self.pipe, self.torn, self.hops);
        let server = acceptor().with_http2(self.server);
        let gateway = Acceptor::new(server_tls(&workload(GATEWAY), mesh_bundle()));
        let gateway = gateway.with_http2(self.server);
        let connector = connector().with_http2(self.client);
        let connector = connector.with_transport(move |_| {
            let (near, far) = duplex(pipe);
            let (near, far) = (tear(near, torn), tear(far, torn));
            if hops == 1 {
                serve(far, server.clone(), give.clone());
            } else {
                relay(far, gateway.clone(), server.clone(), give.clone(), pipe);
            }
            async move { Ok(near) }
        });
        (Pool::new(connector), take)
    }

    /// How many bytes are enough: a frame carries few where windows are small, and costs the same.
    fn most(&self) -> usize {
        let frame = [self.client, self.server]
            .map(|http2| http2.send_buffer.min(http2.stream_window as usize))
            .into_iter()
            .min();
        let torn = self.torn.unwrap_or(usize::MAX);
        frame
            .unwrap_or(0)
            .saturating_mul(200)
            .min(torn.saturating_mul(200))
            .min(100_000)
    }

    fn route(&self) -> Route {
        let address = "127.0.0.1:15008".parse().expect("an address");
        match self.hops {
            1 => Route::new(address, hop("10.0.0.1:80", SERVER)),
            _ => {
                Route::new(address, hop("10.0.0.1:80", GATEWAY)).through(hop("10.0.0.1:80", SERVER))
            }
        }
    }
}

fn http2(mut http2: Http2Config, dice: &mut Noise) -> Http2Config {
    http2.stream_window = [40, 1000, 16_384, 65_535, 4 << 20][dice.below(5)];
    http2.connection_window = [65_535, 100_000, 16 << 20][dice.below(3)];
    http2.send_buffer = [1, 50, 5_000, 400 << 10][dice.below(4)];
    http2
}

fn tear(io: DuplexStream, torn: Option<usize>) -> BoxIo {
    match torn {
        Some(most) => Box::new(TornIo::slow(Box::new(io), most)),
        None => Box::new(io),
    }
}

fn serve(io: BoxIo, acceptor: Acceptor, give: mpsc::Sender<Incoming>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connection = acceptor.accept(io).await.expect("a client");
        while let Some(incoming) = connection.next().await {
            give.send(incoming).await.expect("somebody");
        }
    })
}

/// A gateway, with a connection to the server for each of its tunnels.
fn relay(
    io: BoxIo,
    gateway: Acceptor,
    server: Acceptor,
    give: mpsc::Sender<Incoming>,
    pipe: usize,
) {
    let (outer, mut arrivals) = mpsc::channel::<Incoming>(1);
    serve(io, gateway, outer);
    tokio::spawn(async move {
        while let Some(incoming) = arrivals.recv().await {
            let mut tunnel = incoming.accept(&Accept::default()).expect("a client");
            let (mut upstream, far) = duplex(pipe);
            serve(Box::new(far), server.clone(), give.clone());
            tokio::spawn(async move { copy_bidirectional(&mut tunnel, &mut upstream).await });
        }
    });
}
