use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hbone_examples::pki::Authority;

use crate::topology::{PARTIES, PLACES, Party, Place, mesh};

/// The files that the proxies read, in a folder of this user's own. They are gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Files(PathBuf);

impl Files {
    /// One root, an intermediate and a mesh file for each cluster, a certificate for each party.
    pub(crate) fn write() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("hbone-demo-{}", std::process::id()));
        // One that is there is what a process of the same number has left.
        let _ = fs::remove_dir_all(&folder);
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| {
                let folder = folder.display();
                format!("making the folder {folder}; TMPDIR may name another place for it")
            })?;
        let files = Self(folder);
        let root = Authority::root("demo root")?;
        files.put("root.pem", &root.pem())?;
        for place in PLACES {
            let name = format!("{} intermediate", place.cluster);
            let authority = root.intermediate(&name)?;
            for party in PARTIES.iter().filter(|party| party.place == place) {
                let issued = authority.workload(&party.spiffe_id())?;
                files.put(&format!("{}.pem", party.name), &issued.chain)?;
                files.put(&format!("{}.key", party.name), &issued.key)?;
            }
            let mesh = serde_json::to_string_pretty(&mesh(place))?;
            files.put(&mesh_name(place), &mesh)?;
        }
        Ok(files)
    }

    /// The flags that name the files of a party.
    pub(crate) fn flags(&self, party: &Party) -> Vec<String> {
        let path = |name: &str| self.0.join(name).display().to_string();
        let workload = format!("{}/{}", party.namespace, party.name);
        [
            ("--mesh", path(&mesh_name(party.place))),
            ("--workload", workload),
            ("--cert", path(&format!("{}.pem", party.name))),
            ("--key", path(&format!("{}.key", party.name))),
            ("--ca", path("root.pem")),
        ]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value])
        .collect()
    }

    fn put(&self, name: &str, text: &str) -> Result<()> {
        let path: &Path = &self.0.join(name);
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// JSON is YAML, too.
fn mesh_name(place: Place) -> String {
    format!("{}.yaml", place.cluster)
}
