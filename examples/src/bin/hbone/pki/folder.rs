use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

/// The files of one run. Nothing is written before all are known, and nothing unless all of them may be.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    files: Vec<New>,
    force: bool,
}

struct New {
    mode: u32,
    path: PathBuf,
    text: String,
}

impl Folder {
    /// Replaces what is there only by `force`.
    pub(super) const fn new(dir: PathBuf, force: bool) -> Self {
        Self {
            dir,
            files: Vec::new(),
            force,
        }
    }

    /// Everybody may read this one.
    pub(super) fn certificate(&mut self, name: &str, text: String) -> PathBuf {
        self.add(name, text, 0o644)
    }

    /// Only its owner may read this one.
    pub(super) fn key(&mut self, name: &str, text: String) -> PathBuf {
        self.add(name, text, 0o600)
    }

    pub(super) fn write(&self) -> Result<()> {
        fs::create_dir_all(&self.dir).with_context(|| {
            format!(
                "cannot make the folder {}; name one that can be written to",
                self.dir.display()
            )
        })?;
        if !self.force
            && let Some(file) = self
                .files
                .iter()
                .find(|file| file.path.symlink_metadata().is_ok())
        {
            return Err(anyhow!(
                "{} is there already; name another --dir, or --force to replace it",
                file.path.display()
            ));
        }
        self.files.iter().try_for_each(|file| {
            let written = if self.force {
                file.replace()
            } else {
                file.create(&file.path)
            };
            written.with_context(|| format!("cannot write {}", file.path.display()))
        })
    }

    fn add(&mut self, name: &str, text: String, mode: u32) -> PathBuf {
        let path = self.dir.join(name);
        self.files.push(New {
            mode,
            path: path.clone(),
            text,
        });
        path
    }
}

impl New {
    /// Never follows a link, and never keeps the mode of a file that was there.
    fn create(&self, path: &Path) -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(self.mode)
            .open(path)?;
        file.write_all(self.text.as_bytes())
    }

    /// Whoever reads the file meanwhile reads the old one or the new one.
    fn replace(&self) -> std::io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.create(&beside)?;
        fs::rename(beside, &self.path)
    }
}

impl std::fmt::Debug for New {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("New")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
