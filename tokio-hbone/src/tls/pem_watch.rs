use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use hbone::LinkFailure;
use rustls::crypto::CryptoProvider;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::chain::verify_own;
use super::followed_files::FollowedFiles;
use super::{
    CertificateSource, Credentials, PemEvent, PemFiles, PemPart, Revocations, Rotating,
    TlsConfigError, TrustBundles,
};

/// A [`CertificateSource`] that follows [`PemFiles`] for as long as a clone of it is there.
///
/// Credentials, bundles and revocation lists are followed apart, so that a bad file in one does not hold up the others.
/// What cannot be used, a key beside the certificate of another above all, is not adopted: the former stays in force. Whether our
/// own bundles let our own certificate in is told ([`PemEvent::Doubtful`]), and nothing is held up by it.
#[derive(Clone)]
pub struct PemWatch(Arc<Shared>);

struct Shared {
    files: PemFiles,
    provider: Arc<CryptoProvider>,
    current: Rotating,
    revocations: Revocations,
    followed: Mutex<Followed>,
    on_event: Box<dyn Fn(&PemEvent) + Send + Sync>,
}

struct Followed {
    credentials: FollowedFiles,
    /// What was said of the newest credentials if nothing but the caller's check is against them.
    unwanted: Option<TlsConfigError>,
    bundles: FollowedFiles,
    crls: FollowedFiles,
    /// Whether any revocation list is in force.
    lists_in_force: bool,
}

impl PemWatch {
    pub(super) fn start(
        files: PemFiles,
        provider: &Arc<CryptoProvider>,
        on_event: Box<dyn Fn(&PemEvent) + Send + Sync>,
    ) -> Result<Self, TlsConfigError> {
        let mut followed = Followed {
            credentials: files.credential_files(),
            unwanted: None,
            bundles: files.bundle_files(),
            crls: files.crl_files(),
            lists_in_force: false,
        };
        let credentials = files.credentials(&followed.credentials, provider)?;
        let bundles = files.bundles(&followed.bundles)?;
        let crls = files.crls(&followed.crls, false)?;
        followed.lists_in_force = !crls.is_empty();
        let current = Rotating::new(Arc::clone(provider), credentials, bundles)?;
        let revocations = Revocations::new(provider);
        revocations.replace(crls);
        let shared = Arc::new(Shared {
            files,
            provider: Arc::clone(provider),
            current,
            revocations,
            followed: Mutex::new(followed),
            on_event,
        });
        shared.doubt();
        tokio::spawn(follow(Arc::downgrade(&shared), shared.files.interval()));
        Ok(Self(shared))
    }

    /// Reads the files at once, for example on SIGHUP, and adopts what is new without waiting for it to settle.
    ///
    /// # Errors
    /// [`TlsConfigError`] for the first new file that cannot be used. The others are adopted all the same, and the
    /// listener is told of each.
    pub async fn reload(&self) -> Result<(), TlsConfigError> {
        let shared = Arc::clone(&self.0);
        let reading = spawn_blocking(move || shared.look(FollowedFiles::look_now));
        // It is never aborted; were the listener to panic, that has been told already.
        reading.await.unwrap_or(Ok(()))
    }
}

/// Looks at the files again and again until nobody needs them.
async fn follow(shared: Weak<Shared>, every: Duration) {
    let mut ticks = interval(every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        // A file system may be slow, or far away. Errors go to the listener.
        let _ = spawn_blocking(move || shared.look(FollowedFiles::look)).await;
    }
}

impl Shared {
    /// Looks at the files in the given manner, and adopts what is new.
    fn look(&self, look: fn(&mut FollowedFiles) -> bool) -> Result<(), TlsConfigError> {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let followed = &mut *followed;
        let mut outcome = Ok(());
        let mut is_new = false;
        let changed = look(&mut followed.credentials);
        let before = followed.unwanted.take();
        if changed || before.is_some() {
            let adopted = self.adopt_credentials(&followed.credentials);
            is_new |= adopted.is_ok();
            let error = adopted.as_ref().err();
            followed.unwanted = error.filter(|error| error.is_unwanted()).cloned();
            // What is asked about again and again is told once.
            let told = match adopted {
                Err(error) if !changed && followed.unwanted == before => Err(error),
                adopted => self.tell(PemPart::Credentials, adopted),
            };
            outcome = outcome.and(told);
        }
        if look(&mut followed.bundles) {
            let adopted = self.adopt_bundles(&followed.bundles);
            is_new |= adopted.is_ok();
            let told = self.tell(PemPart::Bundles, adopted);
            outcome = outcome.and(told);
        }
        if is_new {
            self.doubt();
        }
        if look(&mut followed.crls) {
            let adopted = self.adopt_crls(&followed.crls, &mut followed.lists_in_force);
            let told = self.tell(PemPart::Crls, adopted);
            outcome = outcome.and(told);
        }
        outcome
    }

    fn adopt_credentials(&self, files: &FollowedFiles) -> Result<PemEvent, TlsConfigError> {
        let credentials = self.files.credentials(files, &self.provider)?;
        self.current.replace_credentials(credentials)?;
        Ok(PemEvent::Adopted(PemPart::Credentials))
    }

    fn adopt_bundles(&self, files: &FollowedFiles) -> Result<PemEvent, TlsConfigError> {
        self.current.replace_bundles(self.files.bundles(files)?)?;
        Ok(PemEvent::Adopted(PemPart::Bundles))
    }

    fn adopt_crls(
        &self,
        files: &FollowedFiles,
        in_force: &mut bool,
    ) -> Result<PemEvent, TlsConfigError> {
        let crls = self.files.crls(files, *in_force)?;
        *in_force = !crls.is_empty();
        let ended = self.revocations.replace(crls);
        Ok(PemEvent::Revoked { ended })
    }

    /// Tells whether our own trust bundles are against our own certificate.
    fn doubt(&self) {
        let own = self
            .current
            .credentials()
            .and_then(|own| Ok((own, self.current.bundles()?)));
        if let Ok((own, bundles)) = own
            && let Err(LinkFailure::Certificate(fault)) = verify_own(&own, bundles, &self.provider)
        {
            (self.on_event)(&PemEvent::Doubtful { fault });
        }
    }

    fn tell(
        &self,
        part: PemPart,
        adopted: Result<PemEvent, TlsConfigError>,
    ) -> Result<(), TlsConfigError> {
        match adopted {
            Ok(event) => {
                (self.on_event)(&event);
                Ok(())
            }
            Err(error) => {
                let kept = error.clone();
                (self.on_event)(&PemEvent::Kept { part, error: kept });
                Err(error)
            }
        }
    }
}

impl CertificateSource for PemWatch {
    fn generation(&self) -> u64 {
        self.0.current.generation()
    }

    fn credentials(&self) -> Result<Arc<Credentials>, TlsConfigError> {
        self.0.current.credentials()
    }

    fn bundles(&self) -> Result<Arc<TrustBundles>, TlsConfigError> {
        self.0.current.bundles()
    }

    fn revocations(&self) -> Option<Revocations> {
        Some(self.0.revocations.clone())
    }
}

impl fmt::Debug for PemWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemWatch")
            .field("files", &self.0.files)
            .field("current", &self.0.current)
            .finish_non_exhaustive()
    }
}
