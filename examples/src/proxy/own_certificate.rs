use std::sync::Arc;

use hbone::Identity;
use tokio::sync::watch;
use tokio_hbone::tls::{CertificateSource, Credentials, PemWatch};

use crate::mesh_file::Site;

/// The mesh as it changes.
type Sites = watch::Receiver<Arc<Site>>;

/// Whether a certificate is that of the workload, as the mesh file in force has it.
pub(super) fn check(sites: Sites) -> impl Fn(&Credentials) -> Result<(), String> {
    move |credentials| {
        let expected = identity(&sites);
        let found = credentials.identity();
        if found.as_ref() == Some(&expected) {
            return Ok(());
        }
        let found = found.map_or_else(|| "nobody".to_owned(), |found| found.to_string());
        Err(format!(
            "the certificate is for {found}, but the mesh file says that the workload is {expected}; \
             give --cert the workload's, or correct the file"
        ))
    }
}

/// Follows the mesh: where it makes the workload somebody else, the certificate in force is no longer the workload's.
///
/// It stays in force all the same, since there is no other, until one comes that is the workload's.
pub(super) async fn follow(mut sites: Sites, certificates: PemWatch) {
    let mut before = identity(&sites);
    while sites.changed().await.is_ok() {
        sites.mark_unchanged();
        let expected = identity(&sites);
        if expected == before {
            continue;
        }
        before = expected.clone();
        // It may be there already. Anything wrong with it is logged.
        let _ = certificates.reload().await;
        let found = certificates.credentials().ok();
        let found = found.and_then(|found| found.identity());
        match found {
            Some(found) if found == expected => {
                tracing::info!(%expected, "the mesh file has made the workload somebody else, and so has --cert");
            }
            found => tracing::error!(
                "the mesh file now says that the workload is {expected}, but the certificate in force is for {}: the former \
                 certificate stays in force until --cert has the workload's",
                found.map_or_else(|| "nobody".to_owned(), |found| found.to_string())
            ),
        }
    }
}

fn identity(sites: &Sites) -> Identity {
    sites.borrow().workload().identity.clone()
}
