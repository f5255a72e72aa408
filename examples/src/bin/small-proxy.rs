//! A proxy that speaks HBONE at both ends, as small as it can be. docs/your-proxy.md builds it step by step.

use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use baggage::Sanitized;
use baggage::istio::{Dialect, PeerAttributes};
use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening};
use hbone::{Accept, Authority, Connect, EstablishError, Hop, Identity, Route};
use http::StatusCode;
use peer_meta::{Exchange, ExchangeConfig, Own, Peer, Role, Target};
use rustls::crypto::CryptoProvider;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};
use tokio_hbone::tls::{CertificateSource, ClientTls, PemFiles, PemWatch, ServerTls};
use tokio_hbone::{
    Acceptor, Addresses, Breakable, Connector, Incoming, Pool, Relay, Served, Server, Service,
    copy_bidirectional,
};

const USAGE: &str = "usage: small-proxy exit CERT KEY ROOTS LISTEN APPLICATION
       small-proxy entrance CERT KEY ROOTS LISTEN SERVER IDENTITY AUTHORITY";

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    runtime()?.block_on(run(&arguments))
}

/// What the tasks run on. Of a variable that is no number tokio makes a panic.
fn runtime() -> Result<Runtime> {
    const THREADS: &str = "TOKIO_WORKER_THREADS";
    let mut builder = Builder::new_multi_thread();
    if let Some(text) = env::var_os(THREADS) {
        let threads = text.to_string_lossy().parse::<NonZeroU16>();
        let wrong = || format!("{THREADS} is {text:?}; unset it, or write it as 4");
        builder.worker_threads(threads.with_context(wrong)?.get().into());
    }
    Ok(builder.enable_all().build()?)
}

async fn run(arguments: &[&str]) -> Result<()> {
    match *arguments {
        ["exit", cert, key, roots, listen, application] => {
            let us = Us::load(cert, key, roots)?;
            exit(us, listen, read("APPLICATION", application)?).await
        }
        [
            "entrance",
            cert,
            key,
            roots,
            listen,
            server,
            identity,
            authority,
        ] => {
            let us = Us::load(cert, key, roots)?;
            let connect = Connect::new(read("AUTHORITY", authority)?);
            let identity: Identity = read("IDENTITY", identity)?;
            let hop = Hop::new(connect, identity.into());
            entrance(us, listen, Route::new(read("SERVER", server)?, hop)).await
        }
        _ => bail!(USAGE),
    }
}

/// Reads an argument. An error says which, and what it is.
fn read<T: FromStr<Err: Error + Send + Sync + 'static>>(name: &str, text: &str) -> Result<T> {
    text.parse()
        .with_context(|| format!("{name} is {text:?}, which cannot be used"))
}

/// Listens there.
async fn listener(listen: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {listen:?}"))?;
    println!("listening on {}", listener.local_addr()?);
    Ok(listener)
}

/// Who we are.
struct Us {
    provider: Arc<CryptoProvider>,
    files: PemWatch,
    own: Arc<Own>,
}

impl Us {
    fn load(cert: &str, key: &str, roots: &str) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let files = PemFiles::new(cert, key)
            .with_bundle("cluster.local", roots)
            .watch(&provider, |event| eprintln!("{event}"))?;
        let identity = files.credentials()?.identity();
        let identity = identity.context("the certificate holds no SPIFFE id")?;
        // A real proxy knows these from its pod. What a peer is told here labels its metrics.
        let attributes = PeerAttributes::builder()
            .namespace(identity.namespace())
            .service(identity.service_account())
            .build();
        let own = Own::new(attributes, Dialect::Ztunnel, "");
        Ok(Self {
            provider,
            files,
            own: Arc::new(own.with_identity(identity.spiffe_id().clone())),
        })
    }
}

/// Serves tunnels to the application.
async fn exit(us: Us, listen: &str, application: SocketAddr) -> Result<()> {
    let tls = ServerTls::from_source(us.provider, us.files)?;
    let door = Door {
        own: us.own,
        policy: only(application),
    };
    let server = Server::new(Acceptor::new(tls), Relay::new(door));
    let handle = server.handle();
    let listener = listener(listen).await?;
    let serving = tokio::spawn(server.run(listener));
    stopped().await?;
    handle.drain();
    Ok(serving.await?)
}

/// Nothing but this one address and port.
fn only(application: SocketAddr) -> DestinationPolicy {
    let entry = AllowEntry::to_addresses([application.ip().into()])
        .at_ports([application.port()..=application.port()]);
    let policy = DestinationPolicy::allow_list([entry]);
    if application.ip().is_loopback() {
        policy.open(Opening::Range(DeniedRange::Loopback))
    } else {
        policy
    }
}

/// What the relay asks us.
struct Door {
    own: Arc<Own>,
    policy: DestinationPolicy,
}

impl Service for Door {
    fn policy(&self, _incoming: &Incoming) -> DestinationPolicy {
        self.policy.clone()
    }

    fn accept(&self, incoming: &Incoming) -> Accept {
        let exchange = learn_who_asks(&self.own, incoming);
        let connect = incoming.connect();
        eprintln!("{} from {}", connect.authority, told(exchange.downstream()));
        let baggage = exchange.response_baggage(StatusCode::OK);
        Accept::new(baggage.into_iter().collect())
    }

    fn served(&self, served: &Served) {
        eprintln!("{}: {:?}", served.authority, served.outcome);
    }

    fn handshake_failed(&self, addresses: Addresses, error: &EstablishError) {
        eprintln!("connection from {}: {error}", addresses.client);
    }
}

/// Leads every connection of the application through a tunnel.
async fn entrance(us: Us, listen: &str, route: Route) -> Result<()> {
    let tls = ClientTls::from_source(us.provider, us.files)?;
    let pool = Pool::new(Connector::new(tls));
    let listener = listener(listen).await?;
    let (own, route) = (us.own, Arc::new(route));
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((socket, _)) => {
                    let (pool, own, route) = (pool.clone(), Arc::clone(&own), Arc::clone(&route));
                    tokio::spawn(carry(socket, pool, own, route));
                }
                Err(error) => {
                    eprintln!("accepting: {error}"); // most likely there are no descriptors left
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        stopped = stopped() => stopped?,
    }
    drop(listener);
    if timeout(Duration::from_secs(5), pool.drain()).await.is_err() {
        pool.close();
    }
    Ok(())
}

async fn carry(mut socket: TcpStream, pool: Pool, own: Arc<Own>, route: Arc<Route>) {
    let mut exchange = begin(&own, &route);
    let mut route = Route::clone(&route);
    for hop in route.hops_mut() {
        let baggage = exchange.request_baggage(peer_meta::Hop::Single);
        hop.connect.baggage = baggage.into_iter().collect();
    }
    let mut tunnel = match pool.connect(&route).await {
        Ok(tunnel) => tunnel,
        Err(error) => {
            eprintln!("{}: {error}", route.last().connect.authority);
            return socket.break_off(); // a reset: an application must not take this for an answer
        }
    };
    for answer in tunnel.answers() {
        let hop = peer_meta::Hop::Single;
        exchange.handle_connected(hop, Some(Arc::new(answer.peer.spiffe_id().clone())));
        exchange.handle_response(hop, &answer.accept.baggage);
    }
    let authority = &route.last().connect.authority;
    eprintln!("{authority} is {}", told(exchange.upstream()));
    let copied = copy_bidirectional(&mut tunnel, &mut socket).await;
    report(authority, copied.sent, copied.received, copied.end);
}

fn report<E: std::fmt::Display>(authority: &Authority, sent: u64, got: u64, end: Result<(), E>) {
    match end {
        Ok(()) => eprintln!("{authority}: {sent} bytes sent, {got} received"),
        Err(error) => eprintln!("{authority}: {sent} bytes sent, {got} received, then {error}"),
    }
}

/// The exchange of a tunnel that we open.
fn begin(own: &Arc<Own>, route: &Route) -> Exchange {
    let (config, now) = (ExchangeConfig::new(), Instant::now());
    let mut exchange = Exchange::new(Role::SourceNodeProxy, &config, Arc::clone(own), now);
    exchange.dial(Target::Address(route.address().ip()), now);
    without_directory(&mut exchange);
    exchange
}

/// The exchange of a tunnel that came to us.
fn learn_who_asks(own: &Arc<Own>, incoming: &Incoming) -> Exchange {
    let (config, now) = (ExchangeConfig::new(), Instant::now());
    let mut exchange = Exchange::new(Role::DestinationNodeProxy, &config, Arc::clone(own), now);
    exchange.handle_accepted(Some(Arc::new(incoming.peer().spiffe_id().clone())));
    let connect = incoming.connect();
    let network = connect.origin_network.as_ref();
    let network = network.map(|network| network.as_str().as_bytes());
    if let Some(addresses) = incoming.addresses() {
        exchange.handle_request(addresses.client.ip(), network, &connect.baggage);
    }
    without_directory(&mut exchange);
    exchange
}

/// Answers that we do not know the address. A proxy with a directory of the mesh says whose it is.
fn without_directory(exchange: &mut Exchange) {
    while let Some((side, address)) = exchange.poll_lookup() {
        exchange.handle_lookup(side, address, None);
    }
}

/// What is known of a peer: who it is by TLS, and what it says of itself.
fn told(peer: &Peer) -> String {
    let identity = peer.identity().map(ToString::to_string);
    let identity = identity.as_deref().unwrap_or("nobody");
    let service = peer.for_telemetry().and_then(PeerAttributes::service);
    let service = Sanitized::new(service.unwrap_or("unknown"));
    format!("{identity}, service {service}")
}

/// Waits until we are asked to stop.
async fn stopped() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
