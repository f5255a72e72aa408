use std::fs::Metadata;
use std::path::Path;
use std::time::SystemTime;

/// What changes with a file. One that is gone for a moment, between two versions, has not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    place: Place,
}

/// Its number, and when that was written to: a file of the same length may be put in its place with its time set back.
#[cfg(unix)]
type Place = (u64, i64, i64);
#[cfg(not(unix))]
type Place = ();

impl Stamp {
    /// Of the file at `path`; `None` if there is none.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let metadata: Metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            place: place(&metadata),
        })
    }
}

#[cfg(unix)]
fn place(metadata: &Metadata) -> Place {
    use std::os::unix::fs::MetadataExt;
    (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
const fn place(_metadata: &Metadata) -> Place {}
