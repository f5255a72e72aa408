//! How the middle shakes hands: rightly, or with one mistake.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hbone::Identity;
use hbone_examples::wire::TLS13;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, CipherSuite, ClientConfig, DigitallySignedStruct, DistinguishedName, Error,
    RootCertStore, ServerConfig, SignatureScheme, SupportedProtocolVersion,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::middle::Side;

/// A mistake in a handshake with the suite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mistake {
    #[default]
    None,
    /// As a server: a certificate is not demanded. As a client: none is shown.
    NoCertificate,
    /// The signer of a certificate is not looked at.
    AnySigner,
    /// Nor is the time.
    AnyTime,
    /// The trust domain is not compared with the signer's.
    AnyDomain,
    /// Of several URIs the first that reads well is taken.
    FirstUri,
    /// The id is compared with nothing.
    AnyIdentity,
    /// HTTP/1.1 is spoken of as well, and preferred.
    Http1,
    /// Whatever protocol was selected is taken.
    AnyProtocol,
    /// TLS 1.2 is spoken.
    Tls12,
    /// A name decides which certificate is shown; a client sends one.
    ServerName,
    /// Data before the handshake is done is welcome.
    EarlyData,
    /// One of the two suites that everybody has is missing.
    OneSuite,
    /// Plain HTTP is answered.
    Plaintext,
}

/// Certificates for both sides, and the mistake towards the suite.
pub(crate) struct Handshake {
    mistake: Mistake,
    comes: Side,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
}

/// Longer than anything in a handshake takes.
const PATIENCE: Duration = Duration::from_secs(20);

impl Handshake {
    /// The middle is `server` to whoever comes, and `client` to whom it goes on; only with the suite it is particular.
    pub(crate) fn new(folder: &Path, comes: Side, mistake: Mistake) -> Self {
        let files = Files { folder, mistake };
        Self {
            mistake,
            comes,
            acceptor: Arc::new(files.server(comes == Side::Suite)).into(),
            connector: Arc::new(files.client(comes == Side::Ours)).into(),
        }
    }

    pub(crate) async fn accept(&self, mut io: TcpStream) -> Option<TlsStream<TcpStream>> {
        let theirs = self.comes == Side::Suite;
        let mut first = [0];
        if theirs && self.mistake == Mistake::Plaintext {
            let peeked = timeout(PATIENCE, io.peek(&mut first)).await;
            if !matches!(peeked, Ok(Ok(1))) || first[0] != 22 {
                let _ = io.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                return None;
            }
        }
        let accepted = timeout(PATIENCE, self.acceptor.accept(io))
            .await
            .ok()?
            .ok()?;
        let stream = TlsStream::from(accepted);
        let any = matches!(self.mistake, Mistake::AnyProtocol | Mistake::Http1);
        let selected = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        (selected || (theirs && any)).then_some(stream)
    }

    pub(crate) async fn connect(&self, to: SocketAddr) -> Option<TlsStream<TcpStream>> {
        let theirs = self.comes == Side::Ours;
        let io = TcpStream::connect(to).await.ok()?;
        let _ = io.set_nodelay(true);
        let named = theirs && self.mistake == Mistake::ServerName;
        let name = if named {
            ServerName::try_from("shop.example").ok()?
        } else {
            ServerName::IpAddress(Ipv4Addr::UNSPECIFIED.into())
        };
        let connected = timeout(PATIENCE, self.connector.connect(name, io)).await;
        let stream = TlsStream::from(connected.ok()?.ok()?);
        let any = matches!(self.mistake, Mistake::AnyProtocol | Mistake::Http1);
        let selected = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        (selected || (theirs && any)).then_some(stream)
    }
}

/// The test's certificates.
struct Files<'a> {
    folder: &'a Path,
    mistake: Mistake,
}

impl Files<'_> {
    fn chain(&self, name: &str) -> Vec<CertificateDer<'static>> {
        let path = self.folder.join(format!("{name}.pem"));
        let certificates = CertificateDer::pem_file_iter(path).expect("a file");
        certificates.collect::<Result<_, _>>().expect("PEM")
    }

    fn key(&self, name: &str) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_file(self.folder.join(format!("{name}.key"))).expect("a key")
    }

    fn certified(&self, name: &str) -> Arc<CertifiedKey> {
        let signer = aws_lc_rs::sign::any_supported_type(&self.key(name)).expect("a key");
        Arc::new(CertifiedKey::new(self.chain(name), signer))
    }

    fn verifier(&self, mistake: Mistake) -> Arc<Verifier> {
        let mut roots = RootCertStore::empty();
        for root in self.chain("root") {
            roots.add(root).expect("a root");
        }
        let roots = Arc::new(roots);
        let clients = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider(mistake));
        Arc::new(Verifier {
            mistake,
            roots,
            clients: clients.build().expect("a verifier"),
        })
    }

    /// Towards the suite with the mistake; towards our own program whatever works.
    fn server(&self, theirs: bool) -> ServerConfig {
        let mistake = if theirs { self.mistake } else { Mistake::None };
        let builder = ServerConfig::builder_with_provider(provider(mistake))
            .with_protocol_versions(versions(mistake))
            .expect("versions");
        let builder = if theirs {
            builder.with_client_cert_verifier(self.verifier(mistake))
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_cert_resolver(Arc::new(Resolver {
            usual: self.certified("server"),
            named: (mistake == Mistake::ServerName).then(|| self.certified("client")),
        }));
        config.alpn_protocols = protocols(mistake);
        if mistake == Mistake::EarlyData {
            config.max_early_data_size = 16_384;
        }
        config
    }

    fn client(&self, theirs: bool) -> ClientConfig {
        let mistake = if theirs { self.mistake } else { Mistake::None };
        let verifier = if theirs {
            self.verifier(mistake)
        } else {
            self.verifier(Mistake::AnyIdentity)
        };
        let builder = ClientConfig::builder_with_provider(provider(mistake))
            .with_protocol_versions(versions(mistake))
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = if mistake == Mistake::NoCertificate {
            builder.with_no_client_auth()
        } else {
            let shown = (self.chain("client"), self.key("client"));
            builder
                .with_client_auth_cert(shown.0, shown.1)
                .expect("a match")
        };
        config.alpn_protocols = protocols(mistake);
        config.enable_sni = mistake == Mistake::ServerName;
        config
    }
}

fn protocols(mistake: Mistake) -> Vec<Vec<u8>> {
    match mistake {
        Mistake::Http1 => vec![b"http/1.1".to_vec(), b"h2".to_vec()],
        _ => vec![b"h2".to_vec()],
    }
}

fn versions(mistake: Mistake) -> &'static [&'static SupportedProtocolVersion] {
    match mistake {
        Mistake::Tls12 => rustls::ALL_VERSIONS,
        _ => TLS13,
    }
}

fn provider(mistake: Mistake) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    if mistake == Mistake::OneSuite {
        let missing = CipherSuite::TLS13_AES_128_GCM_SHA256;
        provider
            .cipher_suites
            .retain(|known| known.suite() != missing);
    }
    Arc::new(provider)
}

/// Shows one certificate, and another to whoever names a name.
#[derive(Debug)]
struct Resolver {
    usual: Arc<CertifiedKey>,
    named: Option<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = self
            .named
            .as_ref()
            .filter(|_| hello.server_name().is_some());
        Some(Arc::clone(named.unwrap_or(&self.usual)))
    }
}

/// What HBONE-I-001 to HBONE-I-006 ask for, but for the mistake.
#[derive(Debug)]
struct Verifier {
    mistake: Mistake,
    roots: Arc<RootCertStore>,
    clients: Arc<dyn ClientCertVerifier>,
}

impl Verifier {
    /// The time at which a certificate is looked at.
    fn time(&self, leaf: &CertificateDer<'_>, now: UnixTime) -> UnixTime {
        if self.mistake != Mistake::AnyTime {
            return now;
        }
        let (_, leaf) = X509Certificate::from_der(leaf).expect("a certificate");
        let begin = leaf.validity().not_before.timestamp().unsigned_abs();
        UnixTime::since_unix_epoch(Duration::from_secs(begin + 1))
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        chain: Result<(), Error>,
        expected: Option<&str>,
    ) -> Result<(), Error> {
        if self.mistake != Mistake::AnySigner {
            chain?;
        }
        let refused = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        let (_, leaf) = X509Certificate::from_der(leaf).map_err(|_| refused.clone())?;
        let names = leaf.subject_alternative_name().ok().flatten();
        let names = names.map_or(&[][..], |names| &names.value.general_names);
        let mut uris = names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        });
        let id: Identity = if self.mistake == Mistake::FirstUri {
            uris.find_map(|uri| uri.parse().ok())
        } else {
            let first = uris.next().and_then(|uri| uri.parse().ok());
            first.filter(|_| uris.next().is_none())
        }
        .ok_or_else(|| refused.clone())?;
        let ours =
            self.mistake == Mistake::AnyDomain || id.trust_domain().as_str() == "cluster.local";
        let expected = expected.filter(|_| self.mistake != Mistake::AnyIdentity);
        let right = expected.is_none_or(|expected| id.to_string() == expected);
        if ours && right { Ok(()) } else { Err(refused) }
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        self.mistake != Mistake::NoCertificate
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let now = self.time(leaf, now);
        let chain = self.clients.verify_client_cert(leaf, intermediates, now);
        self.judge(leaf, chain.map(drop), None)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients
            .verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients
            .verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.clients.supported_verify_schemes()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(leaf)?;
        let algorithms = aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .all;
        let chain = verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            self.time(leaf, now),
            algorithms,
        );
        let expected = crate::pki::id("server");
        self.judge(leaf, chain, Some(&expected))?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients
            .verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients
            .verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.clients.supported_verify_schemes()
    }
}
