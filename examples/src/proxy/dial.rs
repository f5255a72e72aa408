use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use hbone::policy::{Checked, DestinationPolicy};
use hbone::{ApiMisuse, Authority, Reject, Serve, ServeAction, ServeConfig, ServeEnd};
use tokio::net::TcpStream;
use tokio::time::sleep_until;
use tokio_hbone::Incoming;

/// What became of connecting for a CONNECT.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has one of these answers")]
pub enum Dialled {
    /// This socket to this address: answer 200.
    Connected(TcpStream, SocketAddr),
    /// The client has taken it back, or is gone: there is nobody to answer.
    GivenUp,
    /// Answer this.
    Rejected(Reject),
}

/// Connects for a CONNECT as [`Serve`] has it: policy, `resolve`, policy again, `connect`; and gives up at once when the client
/// does.
///
/// [`tokio_hbone::Relay`] does the same and relays, too. This is for proxies that have something to do in between.
pub async fn dial<R, C>(
    incoming: &Incoming,
    policy: &DestinationPolicy,
    config: ServeConfig,
    resolve: impl Fn(Authority) -> R,
    connect: impl Fn(Checked<SocketAddr>) -> C,
) -> Dialled
where
    R: Future<Output = Result<Vec<SocketAddr>, Reject>>,
    C: Future<Output = io::Result<TcpStream>>,
{
    let authority = &incoming.connect().authority;
    let mut serve = Serve::new(incoming.peer(), authority, policy, config, Instant::now());
    let outcome = carry_out(incoming, &mut serve, resolve, connect).await;
    // A mistake of ours: nothing that the client did.
    outcome.unwrap_or(Dialled::Rejected(Reject::UpstreamFailed))
}

async fn carry_out<R, C>(
    incoming: &Incoming,
    serve: &mut Serve,
    resolve: impl Fn(Authority) -> R,
    connect: impl Fn(Checked<SocketAddr>) -> C,
) -> Result<Dialled, ApiMisuse>
where
    R: Future<Output = Result<Vec<SocketAddr>, Reject>>,
    C: Future<Output = io::Result<TcpStream>>,
{
    let mut upstream = None;
    while let Some(action) = serve.poll_action() {
        match action {
            ServeAction::Resolve(authority) => {
                match wanted(incoming, serve, resolve(authority)).await {
                    Some(Ok(addresses)) => serve.handle_resolved(addresses, Instant::now())?,
                    Some(Err(reject)) => serve.handle_unresolved(reject)?,
                    None => {}
                }
            }
            ServeAction::Connect(attempt, address) => {
                match wanted(incoming, serve, connect(address)).await {
                    Some(Ok(socket)) => {
                        let is_wanted = serve.handle_connected(attempt)?;
                        upstream = is_wanted.then_some((socket, address.addr()));
                    }
                    Some(Err(error)) => {
                        serve.handle_connect_failed(attempt, error.kind(), Instant::now())?;
                    }
                    None => {}
                }
            }
            ServeAction::Reject(reject) => return Ok(Dialled::Rejected(reject)),
            // What was under way is dropped as soon as it is not wanted, and who accepts has an upstream.
            _ => {}
        }
    }
    Ok(match (serve.end_reached(), upstream) {
        (Some(ServeEnd::Accepted), Some((socket, address))) => Dialled::Connected(socket, address),
        _ => Dialled::GivenUp,
    })
}

/// Does `work` unless the client gives up or the time is up, which `serve` is told then.
async fn wanted<T>(
    incoming: &Incoming,
    serve: &mut Serve,
    work: impl Future<Output = T>,
) -> Option<T> {
    let deadline = serve.poll_timeout();
    let late = async {
        match deadline {
            Some(deadline) => sleep_until(deadline.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = incoming.given_up() => {
            serve.handle_reset();
            None
        }
        done = work => Some(done),
        () = late => {
            serve.handle_timeout(Instant::now());
            None
        }
    }
}
