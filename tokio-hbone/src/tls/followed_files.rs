use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fmt, io};

use super::TlsConfigError;

/// Files whose contents belong together, looked at again and again.
///
/// A path is followed through whatever links it goes at the time, so a file that is replaced, by a rename or by a swap of
/// the directory that it is linked into, as Kubernetes does with secrets, is seen like one that is written to.
#[derive(Debug)]
pub(super) struct FollowedFiles {
    files: Vec<FollowedFile>,
    /// Something was new at the last look, and more may be on its way.
    settling: bool,
}

#[derive(Debug)]
struct FollowedFile {
    path: PathBuf,
    /// What the file looked like from outside when `content` was read, if that tells when it changes.
    stamp: Option<Stamp>,
    content: Content,
}

/// What a file held at the last look.
#[derive(PartialEq, Eq)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    Missing,
    /// A directory, a pipe, a device: something whose content may never come or never end.
    NotAFile,
    /// More than is ever read of a file.
    TooLarge,
    /// The kind of error, and the system's words for it.
    Unreadable(io::ErrorKind, String),
}

/// The most that is read of a file, in bytes. A secret of Kubernetes has 1 MiB, a list that revokes 100,000 certificates some 5 MiB.
pub(super) const MOST: u64 = 16 << 20;

impl FollowedFiles {
    /// Reads the files for the first time.
    pub(super) fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let files = paths.into_iter().map(FollowedFile::new).collect();
        Self {
            files,
            settling: false,
        }
    }

    /// Looks once more: whether the files hold something new that the look before has found too. Whoever writes several
    /// files, or a long one, is thus mostly not interrupted.
    pub(super) fn look(&mut self) -> bool {
        let changed = self.read();
        let settled = self.settling && !changed;
        self.settling = changed;
        settled
    }

    /// Looks once more, and takes what is there for settled.
    pub(super) fn look_now(&mut self) -> bool {
        let changed = self.read();
        std::mem::take(&mut self.settling) || changed
    }

    /// What the file at `index` holds.
    pub(super) fn content(&self, index: usize) -> &Content {
        self.files
            .get(index)
            .map_or(&Content::Missing, |file| &file.content)
    }

    fn read(&mut self) -> bool {
        let mut changed = false;
        for file in &mut self.files {
            changed |= file.read();
        }
        changed
    }
}

impl FollowedFile {
    fn new(path: PathBuf) -> Self {
        let mut file = Self {
            path,
            stamp: None,
            content: Content::Missing,
        };
        file.read();
        file
    }

    /// Reads the file if it may have changed, and says whether it has.
    fn read(&mut self) -> bool {
        // Taken before the content: what changes in between is then noticed the next time.
        let stamp = Stamp::of(&self.path);
        if stamp.is_some() && stamp == self.stamp {
            return false;
        }
        self.stamp = stamp;
        let content = Content::of(&self.path);
        let changed = content != self.content;
        self.content = content;
        changed
    }
}

impl Content {
    fn of(path: &Path) -> Self {
        // Asked before it is opened, since opening a pipe waits for whoever writes to it.
        let read = match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => return Self::NotAFile,
            Ok(metadata) if metadata.len() > MOST => return Self::TooLarge,
            Ok(metadata) => read(path, &metadata),
            Err(error) => Err(error),
        };
        match read {
            Ok(bytes) => Self::Bytes(bytes),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Self::TooLarge,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Missing,
            Err(error) => Self::Unreadable(error.kind(), error.to_string()),
        }
    }

    /// The bytes of a file that must be there.
    pub(super) fn bytes(&self, path: &Path, what: &'static str) -> Result<&[u8], TlsConfigError> {
        let (kind, reason) = match self {
            Self::Bytes(bytes) => return Ok(bytes),
            Self::Missing => (io::ErrorKind::NotFound, "there is no such file"),
            Self::NotAFile => {
                return Err(TlsConfigError::NotAFile {
                    path: path.to_owned(),
                    what,
                });
            }
            Self::TooLarge => {
                return Err(TlsConfigError::TooLarge {
                    path: path.to_owned(),
                    what,
                    most: MOST,
                });
            }
            Self::Unreadable(kind, reason) => (*kind, reason.as_str()),
        };
        Err(TlsConfigError::Unreadable {
            path: path.to_owned(),
            what,
            kind,
            reason: reason.to_owned(),
        })
    }
}

/// A file's bytes, and no more of them than there may be, whatever its length is said to be.
fn read(path: &Path, metadata: &Metadata) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    let length = File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    match u64::try_from(length) {
        Ok(0..=MOST) => Ok(bytes),
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Missing => f.write_str("missing"),
            Self::NotAFile => f.write_str("not a file"),
            Self::TooLarge => f.write_str("too large"),
            Self::Unreadable(_, reason) => f.write_str(reason),
        }
    }
}

/// What tells two states of a file apart without reading it.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    #[cfg(unix)]
    inode: [u64; 2],
    #[cfg(unix)]
    changed: [i64; 2],
}

/// How coarse the times of a file system may be. Within that, two changes may look like one.
const COARSE: Duration = Duration::from_secs(2);

impl Stamp {
    /// `None` if there is no file, or it has changed so lately that it may do so again and look the same.
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?;
        if modified.elapsed().ok()? < COARSE {
            return None;
        }
        Some(Self {
            modified,
            length: metadata.len(),
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                [metadata.dev(), metadata.ino()]
            },
            #[cfg(unix)]
            changed: {
                use std::os::unix::fs::MetadataExt;
                [metadata.ctime(), metadata.ctime_nsec()]
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_once_two_looks_have_found_the_same() {
        let path = std::env::temp_dir().join(format!("hbone-followed-{}", std::process::id()));
        let write = |text: &str| fs::write(&path, text).expect("a file");
        write("one");
        let mut files = FollowedFiles::new([path.clone()]);
        assert!(!files.look());
        write("two");
        assert!(!files.look());
        write("three");
        assert!(!files.look());
        assert!(files.look());
        assert!(!files.look());
        assert!(*files.content(0) == Content::Bytes(b"three".to_vec()));
        write("four");
        assert!(files.look_now());
        assert!(!files.look());
        fs::remove_file(&path).expect("a file");
        assert!(!files.look());
        assert!(files.look());
        assert!(*files.content(0) == Content::Missing);
    }

    #[test]
    fn what_is_larger_than_any_is_not_read_and_what_is_as_large_is() {
        let path = std::env::temp_dir().join(format!("hbone-large-{}", std::process::id()));
        let length = |length| File::create(&path).and_then(|file| file.set_len(length));
        length(0).expect("a file");
        let metadata = fs::metadata(&path).expect("a file");
        length(MOST + 1).expect("a file");
        assert!(Content::of(&path) == Content::TooLarge);
        // It has grown since its length was asked for.
        let error = read(&path, &metadata).expect_err("it is too long all the same");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        length(MOST).expect("a file");
        assert!(matches!(Content::of(&path), Content::Bytes(bytes) if bytes.len() as u64 == MOST));
        fs::remove_file(&path).expect("a file");
    }
}
