use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use baggage::istio::Dialect;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::{MeshFile, MeshFileError, Site, Strictness, WorkloadName};
use crate::stamp::Stamp;

/// Follows a mesh file for as long as a clone of it is there.
///
/// A file that cannot be used is not adopted: the former stays in force, and the log says why.
#[derive(Debug, Clone)]
pub struct MeshWatch(Arc<Followed>);

#[derive(Debug)]
struct Followed {
    file: Named,
    current: watch::Sender<Arc<Site>>,
    /// Of what the file said when it was read last; `None` if that was of no use. It is locked while the file is read.
    said: Mutex<Option<Fingerprint>>,
}

/// A mesh file, and as what it is read.
#[derive(Debug)]
struct Named {
    path: PathBuf,
    name: WorkloadName,
    dialect: Dialect,
    strictness: Strictness,
}

/// Of a text. Were two to have the same one, the log would not tell that the one has taken the other's place; nothing else goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint(u64);

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// A file that was missed so many times before is not between two versions.
const GONE: u32 = 2;

impl MeshWatch {
    /// Reads the file now, and follows it from then on. See [`Site::read`].
    ///
    /// # Errors
    /// As [`Site::read`].
    ///
    /// # Panics
    /// Outside a tokio runtime with its timer on.
    pub fn start(
        path: PathBuf,
        name: WorkloadName,
        dialect: Dialect,
        strictness: Strictness,
    ) -> Result<Self, MeshFileError> {
        let file = Named {
            path,
            name,
            dialect,
            strictness,
        };
        let stamp = Stamp::of(&file.path);
        let (said, site) = file.read()?;
        tell_oddities(&site);
        let followed = Arc::new(Followed {
            file,
            current: watch::Sender::new(Arc::new(site)),
            said: Mutex::new(Some(said)),
        });
        tokio::spawn(follow(Arc::downgrade(&followed), stamp));
        Ok(Self(followed))
    }

    /// What is in force now. One decision works with one of them from its beginning to its end.
    #[must_use]
    pub fn current(&self) -> Arc<Site> {
        Arc::clone(&self.0.current.borrow())
    }

    /// Tells of every change from now on.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Arc<Site>> {
        self.0.current.subscribe()
    }

    /// Reads the file at once, for example on SIGHUP, and tells in the log whether it has changed.
    pub async fn reload(&self) {
        let followed = Arc::clone(&self.0);
        let reading = spawn_blocking(move || {
            if followed.reload() == Reloaded::Unchanged {
                let mesh = followed.file.path.display();
                tracing::info!(%mesh, "the mesh file has not changed");
            }
        });
        // It is never aborted, and what happens is logged.
        let _ = reading.await;
    }
}

/// What became of a file that was read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reloaded {
    /// It says something else than before, and that is in force.
    Changed,
    /// It says what it said.
    Unchanged,
    /// It cannot be used.
    Refused,
}

impl Followed {
    /// Reads the file and puts it in force. A change is logged, and so is what cannot be used.
    fn reload(&self) -> Reloaded {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match self.file.read() {
            Ok((says, site)) => {
                let site = Arc::new(site);
                self.current.send_replace(Arc::clone(&site));
                if said.replace(says) == Some(says) {
                    return Reloaded::Unchanged;
                }
                // Whoever reads of it in the log finds it in force.
                tracing::info!(
                    mesh = %self.file.path.display(),
                    workloads = site.mesh().workloads().count(),
                    services = site.mesh().services().count(),
                    "the mesh file has changed and is in force"
                );
                tell_oddities(&site);
                Reloaded::Changed
            }
            Err(error) => {
                *said = None;
                tracing::error!(
                    %error,
                    "the mesh file cannot be used; the former stays in force"
                );
                Reloaded::Refused
            }
        }
    }
}

impl Named {
    fn read(&self) -> Result<(Fingerprint, Site), MeshFileError> {
        let text = MeshFile::text(&self.path)?;
        let site = Site::parse(&self.path, &text, &self.name, self.dialect, self.strictness)?;
        Ok((Fingerprint::of(&text), site))
    }
}

impl Fingerprint {
    fn of(text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self(hasher.finish())
    }
}

fn tell_oddities(site: &Site) {
    for odd in site.file().oddities() {
        tracing::warn!("{odd}");
    }
}

async fn follow(followed: Weak<Followed>, mut seen: Option<Stamp>) {
    let mut missed = 0_u32;
    loop {
        sleep(INTERVAL).await;
        let Some(followed) = followed.upgrade() else {
            return;
        };
        // A file system may be slow, or far away.
        let looked = spawn_blocking(move || {
            let now = Stamp::of(&followed.file.path);
            match now {
                Some(_) if now != seen => {
                    // One that was only touched is not worth a line.
                    let _ = followed.reload();
                }
                Some(_) => {}
                None if missed == GONE => tracing::error!(
                    mesh = %followed.file.path.display(),
                    "the mesh file is gone; what it said last stays in force until there is one again"
                ),
                None => {}
            }
            now
        });
        let now = looked.await.unwrap_or(seen);
        missed = if now.is_some() {
            0
        } else {
            missed.saturating_add(1)
        };
        seen = now.or(seen);
    }
}
