use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use hbone_examples::exposition::samples;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::topology::{PARTIES, Party};

/// One of a proxy's counters, as Istio names it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    pub(crate) proxy: &'static str,
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: u64,
}

/// How long a proxy may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most that is read of an answer.
const MOST: usize = 8 << 20;

/// All of Istio's counters that the proxies show.
pub(crate) async fn scrape() -> Result<Vec<Sample>> {
    let mut all = Vec::new();
    for party in &PARTIES {
        let text = get(party.metrics(), "/metrics").await;
        let text = text.with_context(|| format!("reading the metrics of {}", party.name))?;
        all.extend(read(party, &text)?);
    }
    Ok(all)
}

/// What is at a path of this address, if the answer is 200.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Result<String> {
    let asked = timeout(PATIENCE, ask(address, path)).await;
    asked.unwrap_or_else(|_| Err(anyhow!("no answer within {} s", PATIENCE.as_secs())))
}

async fn ask(address: SocketAddr, path: &str) -> Result<String> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path)
        .header(HOST, address.to_string())
        .header(CONNECTION, "close")
        .body(Empty::<&[u8]>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MOST).collect().await;
    connection.abort();
    ensure!(status == StatusCode::OK, "it answers {status}");
    let body = body.map_err(|error| anyhow!("{error}"))?;
    Ok(String::from_utf8(body.to_bytes().into())?)
}

fn read(party: &Party, text: &str) -> Result<Vec<Sample>> {
    let is_istios = |name: &str| name.starts_with("istio_") && name.ends_with("_total");
    let mut read = Vec::new();
    for sample in samples(text) {
        let sample = sample?;
        if is_istios(sample.name) {
            let labels = sample.labels.into_iter();
            read.push(Sample {
                proxy: party.name,
                name: sample.name.to_owned(),
                labels: labels
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
                value: whole(sample.value),
            });
        }
    }
    Ok(read)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a counter is whole and not negative"
)]
const fn whole(value: f64) -> u64 {
    value as u64
}

impl Sample {
    /// The label of this name; empty if there is none.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}
