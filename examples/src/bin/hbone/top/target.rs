use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::failure::Failure;

/// Where metrics are.
#[derive(Clone, Debug)]
pub(super) struct Target {
    host: String,
    port: u16,
    path: String,
}

/// The most that is read of an answer, far more than a proxy with all the series that it may have.
const LIMIT: usize = 64 * 1024 * 1024;
const DEADLINE: Duration = Duration::from_secs(5);

impl Target {
    /// What is there now.
    pub(super) async fn read(&self) -> Result<String, Failure> {
        let stream = timeout(DEADLINE, TcpStream::connect((&*self.host, self.port)))
            .await
            .map_err(anyhow::Error::from)
            .and_then(|connected| Ok(connected?))
            .with_context(|| {
                format!("cannot reach {self}; is the proxy running, and are its metrics there?")
            })
            .map_err(Failure::Unreachable)?;
        let unread =
            |error: anyhow::Error| Failure::Unreachable(error.context(format!("reading {self}")));
        let (status, body) = timeout(DEADLINE, self.get(stream))
            .await
            .unwrap_or_else(|_| Err(anyhow!("no answer within {} s", DEADLINE.as_secs())))
            .map_err(unread)?;
        let hint = "name the page with the metrics, usually /metrics";
        if status != StatusCode::OK {
            return Err(Failure::Input(anyhow!("{self} answers {status}; {hint}")));
        }
        String::from_utf8(body.into())
            .with_context(|| format!("what {self} answers is not text; {hint}"))
            .map_err(Failure::Input)
    }

    async fn get(&self, stream: TcpStream) -> Result<(StatusCode, Bytes)> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::get(&self.path)
            .header(header::HOST, self.authority())
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())?;
        // What the connection fails with, the request fails with, too.
        let connection = tokio::spawn(connection);
        let response = sender
            .send_request(request)
            .await
            .context("no HTTP there; name the port of the metrics")?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LIMIT).collect().await;
        connection.abort();
        Ok((status, body.map_err(|error| anyhow!("{error}"))?.to_bytes()))
    }

    fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.path)
    }
}

impl FromStr for Target {
    type Err = anyhow::Error;

    /// A URL, or a host and a port for `/metrics` there.
    fn from_str(text: &str) -> Result<Self> {
        let hint = "give HOST:PORT, or a URL such as http://127.0.0.1:15020/metrics";
        let is_url = text.contains("://");
        let url = if is_url {
            text.to_owned()
        } else {
            format!("http://{text}/metrics")
        };
        let uri: Uri = url.parse().context(hint)?;
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            bail!("only http is read; {hint}");
        };
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            bail!("a user or a password cannot be sent; {hint}");
        }
        let port = uri
            .port_u16()
            .or_else(|| is_url.then_some(80))
            .filter(|&port| port != 0);
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: port.ok_or_else(|| anyhow!("there is no port; {hint}"))?,
            path: uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
        })
    }
}
