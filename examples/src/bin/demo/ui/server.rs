use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::crypto::{SecureRandom, aws_lc_rs};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::guard::Guard;
use super::picture::Picture;
use super::scraper::Scraper;
use super::seen::Seen;
use super::switches::Switches;

/// The most connections at once; further ones wait in the listener's queue.
const MOST: usize = 64;
/// For the head of a request.
const PATIENCE: Duration = Duration::from_secs(5);
/// For a request and its answer, after which the connection ends.
const LIFETIME: Duration = Duration::from_secs(20);
/// The largest head.
const MOST_HEAD: usize = 16 << 10;

/// What the page is made of.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) picture: Arc<Picture>,
    pub(super) switches: Arc<Switches>,
    pub(super) seen: Arc<Seen>,
    pub(super) scraper: Arc<Scraper>,
    pub(super) random: &'static dyn SecureRandom,
}

/// Serves the page until it is dropped by the runtime.
pub(crate) async fn serve(
    listener: TcpListener,
    picture: Arc<Picture>,
    switches: Arc<Switches>,
    seen: Arc<Seen>,
) {
    let scraper = Arc::new(Scraper::new(&picture));
    tokio::spawn(Arc::clone(&scraper).run());
    let server = Arc::new(Server {
        picture,
        switches,
        seen,
        scraper,
        random: aws_lc_rs::default_provider().secure_random,
    });
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(turn) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let Ok((socket, _)) = listener.accept().await else {
            // There may be no file descriptor left just now.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            // Whoever asks badly has been answered, as far as that was possible.
            let _ = timeout(LIFETIME, server.converse(socket)).await;
            drop(turn);
        });
    }
}

impl Server {
    async fn converse(self: Arc<Self>, socket: TcpStream) -> anyhow::Result<()> {
        let guard = Guard {
            local: socket.local_addr()?,
        };
        let answer =
            service_fn(|request| async { Ok::<_, Infallible>(self.answer(guard, request).await) });
        // One request a connection: none is sent on one that is about to end.
        let connection = http1::Builder::new()
            .keep_alive(false)
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(MOST_HEAD)
            .serve_connection(TokioIo::new(socket), answer);
        Ok(connection.await?)
    }
}
