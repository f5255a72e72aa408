use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use hbone::{Identity, TrustDomain};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use tokio_hbone::tls::{ClientTls, Credentials, PemFiles, PemWatch, ServerTls};

use crate::failure::Failure;
use crate::log::Log;

/// Who we are, and whom we trust.
#[derive(Debug, Args)]
pub(crate) struct WorkloadFlags {
    /// Our certificate chain, the leaf first (PEM)
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// The private key of our certificate (PEM)
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The root certificates that vouch for peers (PEM)
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// A trust domain whose peers --ca vouches for; may be repeated [default: that of our own certificate, which whoever
    /// connects trusts in any case]
    #[arg(long = "trust-domain", value_name = "DOMAIN")]
    trust_domains: Vec<TrustDomain>,
}

/// Whoever wants to know what became of files that have changed.
pub(crate) trait Tell: Fn(String) + Send + Sync + 'static {}

impl<F: Fn(String) + Send + Sync + 'static> Tell for F {}

/// The workload that we are, as its files have it.
pub(crate) struct Workload {
    pub(crate) identity: Identity,
    /// Whose peers may come.
    pub(crate) trust_domains: Vec<TrustDomain>,
    watch: PemWatch,
    provider: Arc<CryptoProvider>,
}

impl WorkloadFlags {
    /// Reads the files for a server, and follows them from then on.
    pub(crate) fn serving(&self, tell: impl Tell) -> Result<Workload, Failure> {
        let identity = self.identity()?;
        let mut trust_domains = self.trust_domains.clone();
        if trust_domains.is_empty() {
            trust_domains.push(identity.trust_domain().clone());
        }
        self.load(identity, trust_domains, tell)
    }

    /// The same for a client that also expects peers of its own trust domain and of `more`.
    pub(crate) fn calling(
        &self,
        more: impl IntoIterator<Item = TrustDomain>,
        tell: impl Tell,
    ) -> Result<Workload, Failure> {
        let identity = self.identity()?;
        let own = [identity.trust_domain().clone()];
        let named = self.trust_domains.iter().cloned();
        let trust_domains = named.chain(own).chain(more).collect();
        self.load(identity, trust_domains, tell)
    }

    fn load(
        &self,
        identity: Identity,
        mut trust_domains: Vec<TrustDomain>,
        tell: impl Tell,
    ) -> Result<Workload, Failure> {
        trust_domains.sort();
        trust_domains.dedup();
        let files = PemFiles::new(&self.cert, &self.key);
        let files = trust_domains.iter().fold(files, |files, domain| {
            files.with_bundle(domain.as_str(), &self.ca)
        });
        let provider = Arc::new(aws_lc_rs::default_provider());
        let watch = files
            .watch(&provider, move |event| tell(event.to_string()))
            .map_err(Failure::input)?;
        Ok(Workload {
            identity,
            trust_domains,
            watch,
            provider,
        })
    }

    /// Whom our certificate names.
    fn identity(&self) -> Result<Identity, Failure> {
        let chain = read("--cert", &self.cert)?;
        let key = read("--key", &self.key)?;
        // Read once more with the others, but never without a bound at first.
        read("--ca", &self.ca)?;
        let files = || {
            format!(
                "--cert {}, --key {}",
                self.cert.display(),
                self.key.display()
            )
        };
        let credentials = Credentials::from_pem(&chain, &key)
            .with_context(files)
            .map_err(Failure::Input)?;
        credentials.identity().ok_or_else(|| {
            Failure::Input(anyhow!(
                "{}: the leaf is not a workload's certificate; one has exactly one URI SAN, \
                 spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT, and is no authority",
                self.cert.display()
            ))
        })
    }
}

/// Far more than any chain or bundle has; what is larger was named by mistake.
const LARGEST: u64 = 1024 * 1024;

fn read(flag: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    bounded(path)
        .with_context(|| {
            format!(
                "{flag} {} cannot be read; name a regular file of PEM, up to {LARGEST} bytes, that this user may read",
                path.display()
            )
        })
        .map_err(Failure::Input)
}

fn bounded(path: &Path) -> anyhow::Result<Vec<u8>> {
    // Asked before it is opened, since opening a pipe waits for whoever writes to it.
    ensure!(fs::metadata(path)?.is_file(), "it is no regular file");
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    let length = file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    let fits = u64::try_from(length).is_ok_and(|length| length <= LARGEST);
    ensure!(fits, "it is larger");
    Ok(bytes)
}

impl Workload {
    /// For the side that opens tunnels.
    pub(crate) fn client(&self) -> Result<ClientTls, Failure> {
        ClientTls::from_source(Arc::clone(&self.provider), self.watch.clone())
            .map_err(Failure::input)
    }

    /// For the side that accepts them.
    pub(crate) fn server(&self) -> Result<ServerTls, Failure> {
        ServerTls::from_source(Arc::clone(&self.provider), self.watch.clone())
            .map_err(Failure::input)
    }

    /// Reads the files at once, as SIGHUP asks, in a task of its own: a file may be far away.
    pub(crate) fn reload(&self, log: &Log) {
        let (watch, log) = (self.watch.clone(), log.clone());
        tokio::spawn(async move {
            // What was adopted, and what was not, is in the log by then.
            let outcome = watch.reload().await;
            let well = if outcome.is_ok() {
                ""
            } else {
                ", not all of it good"
            };
            log.line(format!(
                "hbone: SIGHUP: the files have been read again{well}"
            ));
        });
    }
}
