use std::path::Path;
use std::sync::Arc;

use baggage::istio::Dialect;
use hbone::authorization::{Connection, Verdict};
use hbone::mesh::{StaticMesh, Workload};
use peer_meta::Own;

use super::{MeshFile, MeshFileError, Strictness, WorkloadName};

/// A mesh as one of its workloads sees it: the one that a node proxy works for, or that a gateway is.
#[derive(Debug, Clone)]
pub struct Site {
    file: MeshFile,
    workload: Arc<Workload>,
    own: Arc<Own>,
}

impl Site {
    /// The workload `name` in the file at `path`, whose `baggage` is written in `dialect`.
    ///
    /// # Errors
    /// The file cannot be used, is not as strict as it has to be, or has not exactly one workload of this name.
    pub fn read(
        path: &Path,
        name: &WorkloadName,
        dialect: Dialect,
        strictness: Strictness,
    ) -> Result<Self, MeshFileError> {
        Self::parse(path, &MeshFile::text(path)?, name, dialect, strictness)
    }

    /// The same of `text`, which came from `path`.
    pub(super) fn parse(
        path: &Path,
        text: &str,
        name: &WorkloadName,
        dialect: Dialect,
        strictness: Strictness,
    ) -> Result<Self, MeshFileError> {
        let file = MeshFile::parse(path, text)?.held_to(strictness)?;
        let workload = file.find(path, name)?;
        let own = Arc::new(file.own(&workload, dialect));
        Ok(Self {
            file,
            workload,
            own,
        })
    }

    /// The whole file.
    #[must_use]
    pub const fn file(&self) -> &MeshFile {
        &self.file
    }

    /// Workloads and services, for planning.
    #[must_use]
    pub const fn mesh(&self) -> &StaticMesh {
        self.file.mesh()
    }

    /// The workload itself.
    #[must_use]
    pub const fn workload(&self) -> &Arc<Workload> {
        &self.workload
    }

    /// What it tells about itself.
    #[must_use]
    pub const fn own(&self) -> &Arc<Own> {
        &self.own
    }

    /// Whether the policies let a connection to the workload be.
    #[must_use]
    pub fn judge(&self, connection: &Connection<'_>) -> Verdict {
        self.file.judge(&self.workload, connection)
    }
}
