use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hbone::Accept;
use rustls::crypto::aws_lc_rs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_hbone::tls::{PemFiles, ServerTls};
use tokio_hbone::{Acceptor, Handler, Incoming, Server};

use crate::setting::Setting;

/// A pod that answers whatever is asked, once a head has come, with the same bytes, and keeps the connection open.
pub(crate) struct Scripted {
    serving: JoinHandle<()>,
    script: Arc<Script>,
}

#[derive(Default)]
struct Script {
    answer: Mutex<&'static [u8]>,
    /// How many heads have come.
    heads: AtomicUsize,
    /// How many proxies the last tunnel had come through.
    proxies: AtomicUsize,
}

struct Answers(Arc<Script>);

/// What stands for the end of the connection, without a word.
const END: &[u8] = b"\0";

impl Scripted {
    /// On the address that ends with this byte.
    pub(crate) async fn start(setting: &Setting, last: u8) -> Self {
        let world = &setting.world;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let files = PemFiles::new(world.file("echo.pem"), world.file("echo.key"))
            .with_bundle("cluster.local", world.file("root.pem"));
        let watch = files.watch(&provider, |_| {}).expect("certificates");
        let tls = ServerTls::from_source(provider, watch).expect("a configuration");
        let listener = TcpListener::bind((world.ip(last), hbone::PORT))
            .await
            .expect("a free address");
        let script = Arc::<Script>::default();
        let server = Server::new(Acceptor::new(tls), Answers(Arc::clone(&script)));
        let serving = tokio::spawn(server.run(listener));
        Self { serving, script }
    }

    /// From now on this.
    pub(crate) fn answers(&self, answer: &'static [u8]) {
        *self.script.answer.lock().expect("no panic") = answer;
    }

    /// From now on it ends the connection instead.
    pub(crate) fn ends(&self) {
        self.answers(END);
    }

    /// How many heads have come since this was asked last.
    pub(crate) fn heads(&self) -> usize {
        self.script.heads.swap(0, Ordering::Relaxed)
    }

    /// How many proxies the last tunnel had come through.
    pub(crate) fn proxies(&self) -> usize {
        self.script.proxies.load(Ordering::Relaxed)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Handler for Answers {
    async fn handle(&self, asked: Incoming) {
        let forwarded = asked.connect().forwarded.as_ref();
        let proxies = forwarded.map_or(0, |forwarded| forwarded.elements().len());
        self.0.proxies.store(proxies, Ordering::Relaxed);
        let Ok(mut tunnel) = asked.accept(&Accept::default()) else {
            return;
        };
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match tunnel.read_u8().await {
                    Ok(octet) => head.push(octet),
                    Err(_) => return,
                }
            }
            self.0.heads.fetch_add(1, Ordering::Relaxed);
            let answer = *self.0.answer.lock().expect("no panic");
            if answer == END {
                let _ = tunnel.shutdown().await;
                return;
            }
            // Who does not want to hear it has gone.
            let _ = tunnel.write_all(answer).await;
        }
    }
}
