//! One tunnel in memory: what its octets cost next to the same TLS without HTTP/2, and what it allocates.
//!
//! `cargo bench -p hbone-benches --bench tunnel` prints ratios and allocations of one run. Both sides and their TLS run on one thread over
//! a pipe, so that nothing but code is measured; what sockets and processes add is for `bench-tunnel` to say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use hbone::{Accept, Connect, ExpectedIdentities, Hop, Identity, Route};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::Builder;
use tokio_hbone::tls::{ClientTls, Credentials, ServerTls, TrustBundles};
use tokio_hbone::{Acceptor, Connector, Tunnel};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// How many allocations an octet there and back may cost, both sides together.
const MOST_ALLOCATIONS_TURN: u64 = 40;
/// The same for a mebibyte.
const MOST_ALLOCATIONS_MEBIBYTE: u64 = 2_000;
const MEBIBYTE: usize = 1 << 20;
const PIPE: usize = 256 << 10;
const CLIENT: &str = "spiffe://cluster.local/ns/shop/sa/client";
const SERVER: &str = "spiffe://cluster.local/ns/shop/sa/server";

fn main() {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().build().expect("a runtime");
    let pki = Pki::new();
    let mut tunnel = runtime.block_on(pki.tunnel());
    let mut plain = runtime.block_on(pki.plain());
    let bulk = ratio(
        20,
        || runtime.block_on(tunnel.send(MEBIBYTE)),
        || runtime.block_on(plain.send(MEBIBYTE)),
    );
    println!("tunnel: a mebibyte takes {bulk:.2} of the time that TLS alone takes");
    let turn = ratio(
        300,
        || runtime.block_on(tunnel.turn()),
        || runtime.block_on(plain.turn()),
    );
    println!("tunnel: an octet there and back takes {turn:.2} of the time that TLS alone takes");
    let opening = ratio(
        3,
        || drop(runtime.block_on(pki.tunnel())),
        || drop(runtime.block_on(pki.plain())),
    );
    println!(
        "tunnel: opening, with its connection, takes {opening:.2} of the time that TLS alone takes"
    );
    let bulk = measure(|| runtime.block_on(tunnel.send(MEBIBYTE))).count_total;
    println!("tunnel: {bulk} allocations for a mebibyte (at most {MOST_ALLOCATIONS_MEBIBYTE})");
    let turn = measure(|| runtime.block_on(tunnel.turn())).count_total;
    println!(
        "tunnel: {turn} allocations for an octet there and back (at most {MOST_ALLOCATIONS_TURN})"
    );
    assert!(bulk <= MOST_ALLOCATIONS_MEBIBYTE && turn <= MOST_ALLOCATIONS_TURN);
}

/// How long `ours` takes for every unit that `naive` takes: the median of rounds in which they take turns.
fn ratio(calls: u32, mut ours: impl FnMut(), mut naive: impl FnMut()) -> f64 {
    let sample = |work: &mut dyn FnMut()| -> Duration {
        let start = Instant::now();
        for _ in 0..calls {
            work();
        }
        start.elapsed()
    };
    let mut ratios: Vec<f64> = (0..21)
        .map(|_| sample(&mut ours).as_secs_f64() / sample(&mut naive).as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// Both ends of a way for octets.
struct Ends<N, F> {
    near: N,
    far: F,
    chunk: Vec<u8>,
}

impl<N: AsyncRead + AsyncWrite + Unpin, F: AsyncRead + AsyncWrite + Unpin> Ends<N, F> {
    fn new(near: N, far: F) -> Self {
        let chunk = vec![7; 64 << 10];
        Self { near, far, chunk }
    }

    /// One way, in pieces of 64 KiB.
    async fn send(&mut self, size: usize) {
        let Self { near, far, chunk } = self;
        let writing = async {
            for _ in 0..size / chunk.len() {
                near.write_all(chunk).await.expect("a peer");
            }
            near.flush().await.expect("a peer");
        };
        let reading = async {
            let (mut word, mut left) = ([0; 16 << 10], size);
            while left > 0 {
                left -= far.read(&mut word).await.expect("a peer");
            }
        };
        tokio::join!(writing, reading);
    }

    /// One octet there, and one back.
    async fn turn(&mut self) {
        let Self { near, far, .. } = self;
        let asking = async {
            near.write_all(&[1]).await.expect("a peer");
            near.flush().await.expect("a peer");
            near.read_exact(&mut [0]).await.expect("a peer");
        };
        let answering = async {
            far.read_exact(&mut [0]).await.expect("a peer");
            far.write_all(&[2]).await.expect("a peer");
            far.flush().await.expect("a peer");
        };
        tokio::join!(asking, answering);
    }
}

/// The certificates, and who uses them.
struct Pki {
    connector: Connector,
    acceptor: Acceptor,
    plain_connector: TlsConnector,
    plain_acceptor: TlsAcceptor,
    route: Route,
}

impl Pki {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let ca = CertifiedIssuer::self_signed(params, key).expect("a root");
        let root = ca.der().clone();
        let [client, server] = [CLIENT, SERVER].map(|uri| Shown::new(uri, &ca));
        let bundles = || {
            TrustBundles::new()
                .with_roots("cluster.local", [root.clone()])
                .expect("a bundle")
        };
        let client_tls = ClientTls::new(provider(), client.credentials(), bundles());
        let server_tls = ServerTls::new(provider(), server.credentials(), bundles());
        let who: Identity = SERVER.parse().expect("an identity");
        let connect = Connect::new("10.0.0.1:80".parse().expect("an authority"));
        let address = "127.0.0.1:15008".parse().expect("an address");
        Self {
            connector: Connector::new(client_tls.expect("a configuration")),
            acceptor: Acceptor::new(server_tls.expect("a configuration")),
            plain_connector: TlsConnector::from(Arc::new(client.as_client(&root))),
            plain_acceptor: TlsAcceptor::from(Arc::new(server.as_server(&root))),
            route: Route::new(address, Hop::new(connect, ExpectedIdentities::from(who))),
        }
    }

    async fn tunnel(&self) -> Ends<Tunnel, Tunnel> {
        let (near, far) = duplex(PIPE);
        let acceptor = self.acceptor.clone();
        let accepting = async {
            let mut connection = acceptor.accept(far).await.expect("a client");
            let incoming = connection.next().await.expect("a CONNECT");
            let tunnel = incoming.accept(&Accept::default()).expect("a client");
            tokio::spawn(async move { while connection.next().await.is_some() {} });
            tunnel
        };
        let (near, far) = tokio::join!(self.connector.connect_over(near, &self.route), accepting);
        Ends::new(near.expect("a tunnel"), far)
    }

    async fn plain(
        &self,
    ) -> Ends<client::TlsStream<DuplexStream>, server::TlsStream<DuplexStream>> {
        let (near, far) = duplex(PIPE);
        let name = ServerName::try_from("server").expect("a name");
        let (near, far) = tokio::join!(
            self.plain_connector.connect(name, near),
            self.plain_acceptor.accept(far)
        );
        Ends::new(near.expect("a server"), far.expect("a client"))
    }
}

/// A certificate and its key.
struct Shown {
    leaf: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Shown {
    fn new(uri: &str, ca: &CertifiedIssuer<'static, KeyPair>) -> Self {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(uri.try_into().expect("ASCII"))];
        // The baseline asks for a host name.
        let mut named = CertificateParams::new(["server".to_owned()]).expect("a name");
        params
            .subject_alt_names
            .append(&mut named.subject_alt_names);
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, ca).expect("a leaf").der().clone();
        Self {
            leaf,
            key: key.serialize_der(),
        }
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone().into())
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(vec![self.leaf.clone()], self.key())
    }

    fn as_client(&self, root: &CertificateDer<'static>) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(provider());
        let builder = builder
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("a version");
        let builder = builder.with_root_certificates(roots(root));
        builder
            .with_client_auth_cert(vec![self.leaf.clone()], self.key())
            .expect("a certificate")
    }

    fn as_server(&self, root: &CertificateDer<'static>) -> ServerConfig {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots(root).into(), provider());
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("a version");
        let builder = builder.with_client_cert_verifier(verifier.build().expect("a verifier"));
        builder
            .with_single_cert(vec![self.leaf.clone()], self.key())
            .expect("a certificate")
    }
}

fn roots(root: &CertificateDer<'static>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).expect("a root");
    roots
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
