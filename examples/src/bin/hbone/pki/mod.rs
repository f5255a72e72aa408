mod folder;
mod leaf;
mod shell_word;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use hbone::{Identity, TrustDomain};
use hbone_examples::pki::Authority;
use serde::Serialize;

use crate::failure::{EXIT_CODES, Failure};
use crate::output::print;
use crate::shown::print_json;
use folder::Folder;
use leaf::Leaf;
use shell_word::shell_word;

/// Write certificates to try things with: a root, and a leaf a workload with its SPIFFE id.
///
/// Each leaf NS/SA becomes NS.SA.pem (the chain) and NS.SA.key (mode 0600), for --cert and --key of the proxies and of the other
/// commands; root.pem is for --ca. The root's key is not kept: to add a leaf, write all of them again. Not for production.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Pki {
    /// The folder to write into; made if it is not there
    #[arg(long)]
    dir: PathBuf,
    /// The trust domain of the leaves
    #[arg(long, value_name = "DOMAIN", default_value = "cluster.local")]
    trust_domain: TrustDomain,
    /// The namespace and service account of a leaf, as in shop/cart; may be repeated
    #[arg(long = "leaf", value_name = "NS/SA", required = true)]
    leaves: Vec<Leaf>,
    /// Have the leaves signed by an intermediate, whose certificate is then in each chain, and in intermediate.pem
    #[arg(long)]
    intermediate: bool,
    /// For how many days all of them are valid
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// Replace files that are there already, each at once
    #[arg(long)]
    force: bool,
    /// Tell what was written as JSON
    #[arg(long)]
    json: bool,
}

impl Pki {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let identities = self.identities()?;
        if self.json && self.dir.to_str().is_none() {
            return Err(Failure::Input(anyhow!(
                "--dir {}: its name is no UTF-8, which JSON cannot tell; name another, or leave --json away",
                self.dir.display()
            )));
        }
        let root = Authority::root_for_days("hbone demo root", self.days)?;
        let mut folder = Folder::new(self.dir, self.force);
        let ca = folder.certificate("root.pem", root.pem());
        let mut issuer = root;
        if self.intermediate {
            issuer = issuer.intermediate("hbone demo intermediate")?;
            folder.certificate("intermediate.pem", issuer.pem());
        }
        let mut leaves = Vec::new();
        for (leaf, identity) in self.leaves.iter().zip(identities) {
            let issued = issuer.workload(&identity.to_string())?;
            leaves.push(Written {
                identity: identity.to_string(),
                cert: folder.certificate(&leaf.file("pem"), issued.chain),
                key: folder.key(&leaf.file("key"), issued.key),
            });
        }
        folder.write().map_err(Failure::Input)?;
        let report = Report { ca, leaves };
        match self.json {
            true => print_json(&report),
            false => report.print(),
        }
    }

    /// Who the leaves are, each once.
    fn identities(&self) -> Result<Vec<Identity>, Failure> {
        let mut files = BTreeSet::new();
        let mut identities = Vec::new();
        for leaf in &self.leaves {
            if !files.insert(leaf.file("pem")) {
                return Err(Failure::Input(anyhow!(
                    "--leaf {leaf}: another one has the same file {}; name each once",
                    leaf.file("pem")
                )));
            }
            identities.push(leaf.identity(&self.trust_domain).map_err(Failure::Input)?);
        }
        Ok(identities)
    }
}

#[derive(Debug, Serialize)]
struct Report {
    ca: PathBuf,
    leaves: Vec<Written>,
}

#[derive(Debug, Serialize)]
struct Written {
    identity: String,
    cert: PathBuf,
    key: PathBuf,
}

impl Report {
    fn print(&self) -> Result<(), Failure> {
        let mut text = Vec::new();
        let ca = shell_word(&self.ca);
        writeln!(text, "wrote {ca}")?;
        for leaf in &self.leaves {
            let (cert, key) = (shell_word(&leaf.cert), shell_word(&leaf.key));
            writeln!(text, "wrote {cert} and {key}: {}", leaf.identity)?;
        }
        if let Some(leaf) = self.leaves.first() {
            let (cert, key) = (shell_word(&leaf.cert), shell_word(&leaf.key));
            writeln!(text, "\nnext, as {}:", leaf.identity)?;
            let files = format!("--cert {cert} --key {key} --ca {ca}");
            writeln!(
                text,
                "  hbone serve {files} --listen 127.0.0.1:15008 --allow 127.0.0.1/32:8080"
            )?;
            writeln!(
                text,
                "  hbone connect {files} --via 127.0.0.1:15008 127.0.0.1:8080"
            )?;
        }
        print(&text)?;
        Ok(())
    }
}
