use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::picture::Picture;
use super::traffic::Traffic;

/// How far apart two looks at a proxy are.
const INTERVAL: Duration = Duration::from_secs(1);
/// What is drawn is what was counted in this time.
const WINDOW: Duration = Duration::from_secs(6);
/// How long a proxy may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that is read of an answer.
const MOST: usize = 8 << 20;

/// Looks at the metrics of all proxies again and again.
#[derive(Debug)]
pub(super) struct Scraper {
    targets: Vec<Target>,
}

#[derive(Debug)]
struct Target {
    url: String,
    looks: Mutex<Looks>,
}

/// What one proxy had counted lately, the oldest first, and why the last look failed if it did.
#[derive(Debug, Default)]
struct Looks {
    kept: VecDeque<(Instant, Traffic)>,
    error: Option<String>,
}

/// What a proxy counts now.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    /// A second.
    pub(super) traffic: Traffic,
    /// When what is drawn began to be counted.
    pub(super) since: Option<Instant>,
    /// Why the proxy could not be asked.
    pub(super) error: Option<String>,
}

impl Scraper {
    pub(super) fn new(picture: &Picture) -> Self {
        let target = |url: &String| Target {
            url: url.clone(),
            looks: Mutex::default(),
        };
        let proxies = picture.proxies.iter();
        Self {
            targets: proxies.map(|proxy| target(&proxy.metrics)).collect(),
        }
    }

    /// Looks, for ever.
    pub(super) async fn run(self: Arc<Self>) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut looks = JoinSet::new();
            for index in 0..self.targets.len() {
                let scraper = Arc::clone(&self);
                looks.spawn(async move {
                    if let Some(target) = scraper.targets.get(index) {
                        target.look().await;
                    }
                });
            }
            looks.join_all().await;
        }
    }

    /// What every proxy counts now, in the order of the picture.
    pub(super) fn rates(&self) -> Vec<Rates> {
        self.targets.iter().map(Target::rates).collect()
    }
}

impl Target {
    async fn look(&self) {
        let read = timeout(PATIENCE, read(&self.url)).await;
        let late = |_| Err(anyhow!("no answer within {} s", PATIENCE.as_secs()));
        let traffic = read.unwrap_or_else(late).and_then(|text| {
            Traffic::parse(&text)
                .with_context(|| format!("what {} answers is no metrics", self.url))
        });
        self.lock().keep(Instant::now(), traffic);
    }

    fn rates(&self) -> Rates {
        self.lock().rates()
    }

    fn lock(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Looks {
    fn keep(&mut self, now: Instant, traffic: Result<Traffic>) {
        // On a busy machine looks may be far apart; two of them make a rate all the same.
        let fewest = if traffic.is_ok() { 1 } else { 0 };
        while let Some((at, _)) = self.kept.front()
            && now.saturating_duration_since(*at) > WINDOW
            && self.kept.len() > fewest
        {
            self.kept.pop_front();
        }
        self.error = traffic.as_ref().err().map(|error| format!("{error:#}"));
        self.kept.extend(traffic.ok().map(|traffic| (now, traffic)));
    }

    fn rates(&self) -> Rates {
        let (Some((first, before)), Some((last, now))) = (self.kept.front(), self.kept.back())
        else {
            return Rates {
                error: self.error.clone(),
                ..Rates::default()
            };
        };
        let seconds = last.saturating_duration_since(*first).as_secs_f64();
        Rates {
            traffic: match seconds > 0.0 {
                true => now.rates(before, seconds),
                false => Traffic::default(),
            },
            since: Some(*first),
            error: self.error.clone(),
        }
    }
}

/// What is at `http://HOST:PORT/PATH`.
async fn read(url: &str) -> Result<String> {
    let uri: Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
    let authority = uri
        .authority()
        .with_context(|| format!("{url} names no host"))?;
    let socket = TcpStream::connect(authority.as_str())
        .await
        .with_context(|| format!("cannot reach {url}"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    let request = Request::get(uri.path())
        .header(HOST, authority.as_str())
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    // What the connection fails with, the request fails with, too.
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    ensure!(
        response.status() == StatusCode::OK,
        "{url} answers {}",
        response.status()
    );
    let body = Limited::new(response.into_body(), MOST).collect().await;
    connection.abort();
    let body = body.map_err(|error| anyhow!("reading {url}: {error}"))?;
    String::from_utf8(body.to_bytes().into()).with_context(|| format!("{url} answers no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(requests: u32) -> Traffic {
        let text = format!("istio_requests_total{{source_workload=\"a\"}} {requests}");
        Traffic::parse(&text).unwrap()
    }

    #[test]
    fn what_is_drawn_is_of_the_last_seconds_alone() {
        let mut looks = Looks::default();
        let begin = Instant::now();
        for second in 0..20_u32 {
            let value = total(if second < 10 { second * 3 } else { 27 });
            looks.keep(begin + Duration::from_secs(second.into()), Ok(value));
            let rate = looks.rates().traffic.0.into_values().next();
            match second {
                0 => assert_eq!(rate, None, "one look is no rate"),
                1..=9 => assert_eq!(rate.unwrap().requests, 3.0),
                10..=14 => assert!(rate.unwrap().requests < 3.0),
                _ => assert_eq!(rate, None, "the traffic is over"),
            }
        }
        assert_eq!(looks.kept.len(), 7);
        assert_eq!(looks.rates().since, Some(begin + Duration::from_secs(13)));
    }

    #[test]
    fn a_proxy_that_does_not_answer_is_named_and_its_traffic_ends() {
        let mut looks = Looks::default();
        let begin = Instant::now();
        looks.keep(begin, Ok(total(1)));
        looks.keep(begin + Duration::from_secs(1), Ok(total(2)));
        for second in 2..10 {
            let at = begin + Duration::from_secs(second);
            looks.keep(at, Err(anyhow!("gone")));
        }
        let rates = looks.rates();
        assert_eq!(rates.error.as_deref(), Some("gone"));
        assert!(rates.traffic.0.is_empty());
    }
}
