//! A client that speaks HTTP/2 by hand, over real TCP and TLS.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use loona_hpack::Decoder;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use super::frame::{ACK, Frame, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, frame, settings};
use super::pki::Issued;

/// A connection on which anything can be sent.
pub(crate) struct Raw {
    io: StreamOwned<ClientConnection, TcpStream>,
    received: Vec<u8>,
    decoder: Decoder<'static>,
}

/// How a CONNECT was answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Status(u16),
    Reset(u32),
    /// The connection ended, with the reason of its GOAWAY if there was one.
    Ended(Option<u32>),
}

impl Raw {
    /// TLS, as whoever the certificate says, and the preface. An error is the server's refusal.
    pub(crate) fn open(to: SocketAddr, shown: Option<&Issued>) -> io::Result<Self> {
        let mut raw = Self::over(connect(to), shown);
        raw.send(PREFACE)?;
        raw.send(&settings(&[]))?;
        Ok(raw)
    }

    fn over(socket: TcpStream, shown: Option<&Issued>) -> Self {
        let nobody = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into());
        let client = ClientConnection::new(Arc::new(config(shown)), nobody).expect("a client");
        Self {
            io: StreamOwned::new(client, socket),
            received: Vec::new(),
            decoder: Decoder::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.io.write_all(bytes)?;
        self.io.flush()
    }

    /// The next frame of any kind; SETTINGS are acknowledged. `None` once the server has closed.
    pub(crate) fn any_frame(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(came) = Frame::take(&mut self.received) {
                if came.kind == SETTINGS && came.flags & ACK == 0 {
                    // A server that has said its last word does not listen.
                    let _ = self.send(&frame(SETTINGS, ACK, 0, &[]));
                }
                return Ok(Some(came));
            }
            let mut buffer = [0; 16 << 10];
            match self.io.read(&mut buffer)? {
                0 => return Ok(None),
                some => self.received.extend_from_slice(&buffer[..some]),
            }
        }
    }

    /// How the CONNECT on this stream is answered.
    pub(crate) fn answer(&mut self, stream: u32) -> Answer {
        let mut reason = None;
        loop {
            match self.any_frame() {
                Ok(Some(came)) if came.stream == stream && came.kind == HEADERS => {
                    return Answer::Status(self.status(&came));
                }
                Ok(Some(came)) if came.stream == stream && came.kind == RST_STREAM => {
                    return Answer::Reset(came.reason());
                }
                Ok(Some(came)) if came.kind == GOAWAY => reason = Some(came.reason()),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return Answer::Ended(reason),
            }
        }
    }

    /// Waits for the end of the connection, and gives the reason of its GOAWAY if there was one.
    pub(crate) fn end(&mut self) -> Option<u32> {
        let mut reason = None;
        while let Ok(Some(came)) = self.any_frame() {
            if came.kind == GOAWAY {
                reason = Some(came.reason());
            }
        }
        reason
    }

    fn status(&mut self, head: &Frame) -> u16 {
        let fields = self.decoder.decode(&head.payload).expect("a header block");
        let status = fields.iter().find(|(name, _)| name == b":status");
        let status = status.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        status.expect("a status").parse().expect("a number")
    }
}

/// A TCP connection on which nothing waits for ever.
pub(crate) fn connect(to: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(to).expect("a listener");
    let patience = Some(Duration::from_secs(30));
    socket.set_read_timeout(patience).expect("the option");
    socket.set_write_timeout(patience).expect("the option");
    socket.set_nodelay(true).expect("the option");
    socket
}

fn config(shown: Option<&Issued>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    let mut config = match shown {
        Some(issued) => {
            let chain = CertificateDer::pem_slice_iter(issued.chain.as_bytes());
            let chain = chain.collect::<Result<_, _>>().expect("a chain");
            let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("a match")
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.enable_sni = false;
    config
}

/// Believes every server.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
