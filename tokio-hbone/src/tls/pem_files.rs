use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;

use super::followed_files::{Content, FollowedFiles};
use super::{Credentials, Crls, PemWatch, TlsConfigError, TrustBundles};

/// The PEM files of a workload: its certificate chain and key, the roots of each trust domain, and revocation lists.
///
/// ```no_run
/// use std::sync::Arc;
/// use tokio_hbone::tls::{ClientTls, PemFiles, ServerTls};
///
/// # async fn follow() -> Result<(), Box<dyn std::error::Error>> {
/// let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
/// let files = PemFiles::new("/certs/chain.pem", "/certs/key.pem")
///     .with_bundle("cluster.local", "/certs/root.pem")
///     .with_crl("/certs/crl.pem");
/// let watch = files.watch(&provider, |event| eprintln!("{event}"))?;
/// let client = ClientTls::from_source(Arc::clone(&provider), watch.clone())?;
/// let server = ServerTls::from_source(provider, watch.clone())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PemFiles {
    certificate: PathBuf,
    key: PathBuf,
    bundles: Vec<(String, PathBuf)>,
    crl: Option<PathBuf>,
    interval: Duration,
    check: Option<Arc<Check>>,
}

/// What is wrong with credentials, if anything, in the caller's words.
type Check = dyn Fn(&Credentials) -> Result<(), String> + Send + Sync;

impl PemFiles {
    /// The files of the certificate chain, the leaf first, and of its key. Both may be in one file.
    #[must_use]
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            bundles: Vec::new(),
            crl: None,
            interval: Duration::from_secs(1),
            check: None,
        }
    }

    /// The same with the roots of `trust_domain`. One file may serve several domains.
    #[must_use]
    pub fn with_bundle(mut self, trust_domain: &str, roots: impl Into<PathBuf>) -> Self {
        self.bundles.push((trust_domain.to_owned(), roots.into()));
        self
    }

    /// The same with revocation lists, in PEM or DER. The file may be missing at first, which revokes nobody. Once lists are in force,
    /// only others take their place, such as one without entries: a file that is gone or empty lets nobody in again.
    #[must_use]
    pub fn with_crl(mut self, crl: impl Into<PathBuf>) -> Self {
        self.crl = Some(crl.into());
        self
    }

    /// The same, looked at this often instead of every second. A change counts once two looks have found the same.
    #[must_use]
    pub const fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// The same, where only credentials that pass `check` are used, such as those of a certain identity. Others are an error at the
    /// start, and not adopted later: the former stay in force. What it does not let pass is asked about again at each look,
    /// since what it goes by may have changed.
    #[must_use]
    pub fn with_check(
        mut self,
        check: impl Fn(&Credentials) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.check = Some(Arc::new(check));
        self
    }

    /// Reads the files now, and follows them from then on, as long as the runtime lasts that this is called in: see [`PemWatch`].
    /// `on_event` is told what was adopted and what was not.
    ///
    /// # Errors
    /// [`TlsConfigError`], which names the file, if what they hold now cannot be used.
    ///
    /// # Panics
    /// Outside a tokio runtime with its timer on.
    pub fn watch(
        self,
        provider: &Arc<CryptoProvider>,
        on_event: impl Fn(&super::PemEvent) + Send + Sync + 'static,
    ) -> Result<PemWatch, TlsConfigError> {
        PemWatch::start(self, provider, Box::new(on_event))
    }

    pub(super) const fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) fn credential_files(&self) -> FollowedFiles {
        FollowedFiles::new([self.certificate.clone(), self.key.clone()])
    }

    pub(super) fn bundle_files(&self) -> FollowedFiles {
        FollowedFiles::new(self.bundles.iter().map(|(_, path)| path.clone()))
    }

    pub(super) fn crl_files(&self) -> FollowedFiles {
        FollowedFiles::new(self.crl.clone())
    }

    /// What the files of [`credential_files`](Self::credential_files) hold.
    pub(super) fn credentials(
        &self,
        files: &FollowedFiles,
        provider: &CryptoProvider,
    ) -> Result<Credentials, TlsConfigError> {
        let chain = files
            .content(0)
            .bytes(&self.certificate, "certificate chain")?;
        let chain = in_file(&self.certificate, Credentials::read_chain(chain))?;
        let key = files.content(1).bytes(&self.key, "private key")?;
        let key = in_file(&self.key, Credentials::read_key(key))?;
        let credentials = Credentials::new(chain, key);
        if let Err(error) = credentials.certified(provider) {
            let blamed = match error {
                TlsConfigError::Chain(_) => &self.certificate,
                _ => &self.key,
            };
            return in_file(blamed, Err(error));
        }
        if let Some(check) = &self.check {
            let checked = check(&credentials).map_err(TlsConfigError::Unwanted);
            in_file(&self.certificate, checked)?;
        }
        Ok(credentials)
    }

    /// What the files of [`bundle_files`](Self::bundle_files) hold.
    pub(super) fn bundles(&self, files: &FollowedFiles) -> Result<TrustBundles, TlsConfigError> {
        let mut bundles = TrustBundles::new();
        for (index, (trust_domain, path)) in self.bundles.iter().enumerate() {
            let roots = files.content(index).bytes(path, "trust bundle")?;
            bundles = in_file(path, bundles.with_pem(trust_domain, roots))?;
        }
        bundles.must_trust_somebody()?;
        Ok(bundles)
    }

    /// What the files of [`crl_files`](Self::crl_files) hold, after lists were in force or not.
    ///
    /// What was revoked stays so until a list says otherwise: a file that is gone or empty says nothing.
    pub(super) fn crls(
        &self,
        files: &FollowedFiles,
        in_force: bool,
    ) -> Result<Crls, TlsConfigError> {
        let Some(path) = &self.crl else {
            return Ok(Crls::new());
        };
        if matches!(files.content(0), Content::Missing) {
            return match in_force {
                true => in_file(path, Err(TlsConfigError::MissingCrl)),
                false => Ok(Crls::new()),
            };
        }
        let text = files.content(0).bytes(path, "revocation list")?;
        let crls = in_file(path, Crls::parse(text))?;
        if crls.is_empty() && in_force {
            return in_file(path, Err(TlsConfigError::EmptyCrl));
        }
        Ok(crls)
    }
}

impl fmt::Debug for PemFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemFiles")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .field("bundles", &self.bundles)
            .field("crl", &self.crl)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

fn in_file<T>(path: &Path, outcome: Result<T, TlsConfigError>) -> Result<T, TlsConfigError> {
    outcome.map_err(|error| TlsConfigError::File {
        path: path.to_owned(),
        error: Box::new(error),
    })
}
