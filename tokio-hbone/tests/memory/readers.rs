//! Our own two ends, where nobody reads.

use std::time::Duration;

use hbone::Accept;
use hbone::pool::PoolConfig;
use tokio::io::{AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_hbone::{CopyConfig, Http2Config, Pool, Tunnel, copy_bidirectional_with};

use crate::formula::{Load, state, unread, unsent};
use crate::held::held_after;
use crate::support::ends::{acceptor, connector, route};
use crate::support::io::pipe;
use crate::support::soon;

/// What the two pipes of a connection hold, which are the test's.
const PIPES: usize = 2 * (64 << 10);
/// Of each end of a tunnel that is copied, the same.
const APPLICATION: usize = 4 << 10;
/// Keys and certificates, the runtime, what the writers write.
const TEST: usize = 2 << 20;
/// Far more than one tunnel may have under way, so that it shows where nothing stops a writer.
const EACH: usize = 2 << 20;

/// Windows so small that there is room for many of them.
const fn small(mut config: Http2Config) -> Http2Config {
    config.stream_window = 256 << 10;
    config.connection_window = 4 << 20;
    config.frame_size = 16 << 10;
    config.send_buffer = 32 << 10;
    config.header_list_size = 4 << 10;
    config
}

const MANY: Load = Load {
    connections: 4,
    tunnels: 50,
    copy_buffer: 0,
};

/// What both ends may hold if one of them writes and the other does not read.
fn one_way(http2: fn(Http2Config) -> Http2Config, load: Load) -> usize {
    let config = http2(Http2Config::server());
    let test = load.connections * PIPES + TEST;
    unsent(&config, load) + unread(&config, load) + 2 * state(&config, load) + test
}

/// Both ends of as many tunnels as `load` says.
async fn tunnels(
    http2: fn(Http2Config) -> Http2Config,
    load: Load,
) -> (Pool, Vec<(Tunnel, Tunnel)>) {
    let (give, mut come) = mpsc::unbounded_channel();
    let acceptor = acceptor().with_http2(http2(Http2Config::server()));
    let connector = connector()
        .with_http2(http2(Http2Config::client()))
        .with_transport(move |_| {
            let (near, far) = pipe();
            let (acceptor, give) = (acceptor.clone(), give.clone());
            tokio::spawn(async move {
                let mut connection = acceptor.accept(far).await.expect("a client");
                while let Some(incoming) = connection.next().await {
                    give.send(incoming).expect("a test");
                }
            });
            async { Ok(near) }
        });
    let streams = u32::try_from(load.tunnels).expect("not so many");
    let config = PoolConfig::new().max_streams_per_connection(streams);
    let pool = Pool::builder(connector).config(config).build();
    let mut pairs = Vec::new();
    for _ in 0..load.connections * load.tunnels {
        let accepted = async {
            let incoming = come.recv().await.expect("a CONNECT");
            incoming.accept(&Accept::default()).expect("a client")
        };
        let route = route();
        let both = async { tokio::join!(pool.connect(&route), accepted) };
        let (opened, accepted) = soon(both).await;
        pairs.push((opened.expect("a tunnel"), accepted));
    }
    assert_eq!(pool.stats().open, load.connections);
    (pool, pairs)
}

/// Writes until nobody takes any more.
fn write(mut into: impl AsyncWrite + Send + Unpin + 'static) {
    tokio::spawn(async move {
        let some = [0x5a; 8 << 10];
        for _ in 0..EACH / some.len() {
            into.write_all(&some).await.expect("a patient peer");
        }
        std::future::pending::<()>().await;
    });
}

async fn until_nothing_moves() {
    sleep(Duration::from_secs(5)).await;
}

/// Copies between the tunnel and an application, which is given back.
fn copied(mut tunnel: Tunnel, buffer: usize) -> DuplexStream {
    let (mut socket, application) = duplex(APPLICATION);
    tokio::spawn(async move {
        let mut config = CopyConfig::default();
        config.buffer = buffer;
        copy_bidirectional_with(&mut tunnel, &mut socket, &config).await
    });
    application
}

#[test]
fn a_server_that_reads_nothing_of_many_tunnels() {
    let held = held_after(async {
        let (pool, pairs) = tunnels(small, MANY).await;
        let (ours, theirs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        ours.into_iter().for_each(write);
        until_nothing_moves().await;
        (pool, theirs)
    });
    assert!(held <= one_way(small, MANY), "{held} bytes");
}

#[test]
fn a_client_that_reads_nothing_of_many_tunnels() {
    let held = held_after(async {
        let (pool, pairs) = tunnels(small, MANY).await;
        let (ours, theirs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        theirs.into_iter().for_each(write);
        until_nothing_moves().await;
        (pool, ours)
    });
    assert!(held <= one_way(small, MANY), "{held} bytes");
}

#[test]
fn applications_behind_both_ends_that_write_and_do_not_read() {
    let load = Load {
        copy_buffer: 16 << 10,
        ..MANY
    };
    let held = held_after(async {
        let (pool, pairs) = tunnels(small, load).await;
        let mut readers = Vec::new();
        for (ours, theirs) in pairs {
            for tunnel in [ours, theirs] {
                let (reader, writer) = tokio::io::split(copied(tunnel, load.copy_buffer));
                readers.push(reader);
                write(writer);
            }
        }
        until_nothing_moves().await;
        (pool, readers)
    });
    let applications = 4 * APPLICATION * load.connections * load.tunnels;
    assert!(
        held <= 2 * one_way(small, load) + applications,
        "{held} bytes"
    );
}

#[test]
fn the_default_windows_full() {
    let load = Load {
        connections: 1,
        tunnels: 40,
        copy_buffer: 0,
    };
    let same = |config| config;
    let held = held_after(async move {
        let (pool, pairs) = tunnels(same, load).await;
        let (ours, theirs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        ours.into_iter().for_each(write);
        until_nothing_moves().await;
        (pool, theirs)
    });
    assert!(held <= one_way(same, load), "{held} bytes");
}
