//! PEM files that somebody renews while they are followed. No clock runs, so nothing here waits.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use tokio::sync::mpsc;
use tokio_hbone::tls::{
    CertificateSource, ClientTls, PemEvent, PemFiles, PemPart, PemWatch, ServerTls, TlsConfigError,
};

use crate::crl::pem as crl_pem;
use crate::meet::{meet, meet_one_of, works};
use crate::support::ends::{client_tls, read_all};
use crate::support::pki::{
    CLIENT, GATEWAY, Leaf, MESH, SERVER, STRANGER, Shown, mesh_bundle, workload,
};
use crate::support::script_tls::provider;
use crate::support::soon;

/// A directory that is gone after the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "hbone-files-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    /// A directory with the files of `shown` and the roots of the mesh.
    fn of(shown: &Shown) -> Self {
        let directory = Self::new();
        directory.install(shown);
        directory.write("root.pem", &MESH.0.pem());
        directory
    }

    fn install(&self, shown: &Shown) {
        self.write("chain.pem", &chain_pem(shown));
        self.write("key.pem", &key_pem(shown));
    }

    /// Writes a file in place, as a careless program does.
    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file");
    }

    /// Replaces a file, as a careful program does.
    fn rename_into(&self, name: &str, text: &str) {
        self.write("new", text);
        fs::rename(self.0.join("new"), self.0.join(name)).expect("a rename");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.0.join(name)).expect("a file");
    }

    fn files(&self) -> PemFiles {
        files_in(&self.0)
    }

    fn watch(&self) -> (PemWatch, mpsc::UnboundedReceiver<PemEvent>) {
        watch(self.files())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn files_in(directory: &Path) -> PemFiles {
    PemFiles::new(directory.join("chain.pem"), directory.join("key.pem"))
        .with_bundle("cluster.local", directory.join("root.pem"))
        .with_crl(directory.join("crl.pem"))
}

fn watch(files: PemFiles) -> (PemWatch, mpsc::UnboundedReceiver<PemEvent>) {
    let (tell, told) = mpsc::unbounded_channel();
    let tell = move |event: &PemEvent| drop(tell.send(event.clone()));
    (files.watch(&provider(), tell).expect("good files"), told)
}

fn chain_pem(shown: &Shown) -> String {
    shown.chain.iter().map(certificate_pem).collect()
}

fn certificate_pem(certificate: &CertificateDer<'_>) -> String {
    let text = BASE64_STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

fn key_pem(shown: &Shown) -> String {
    KeyPair::try_from(shown.key.as_slice())
        .expect("a key")
        .serialize_pem()
}

fn server(watch: &PemWatch) -> ServerTls {
    ServerTls::from_source(provider(), watch.clone()).expect("a server")
}

/// Who the server of `watch` is now.
async fn who(watch: &PemWatch) -> String {
    let client = client_tls(&workload(CLIENT), mesh_bundle());
    let met = meet_one_of(&client, &server(watch), &[SERVER, GATEWAY]).await;
    met.tunnels().0.peer().to_string()
}

const NEW_CREDENTIALS: PemEvent = PemEvent::Adopted(PemPart::Credentials);

#[tokio::test(start_paused = true)]
async fn renewed_files_are_adopted_and_live_tunnels_live_on() {
    // [19]
    let directory = Directory::of(&workload(SERVER));
    let (watch, mut events) = directory.watch();
    let client = client_tls(&workload(CLIENT), mesh_bundle());
    let (mut near, mut far) = meet(&client, &server(&watch)).await.tunnels();
    let renewed = workload(GATEWAY);
    directory.rename_into("key.pem", &key_pem(&renewed));
    directory.rename_into("chain.pem", &chain_pem(&renewed));
    assert_eq!(soon(events.recv()).await, Some(NEW_CREDENTIALS));
    assert_eq!(who(&watch).await, GATEWAY);
    works(&mut near, &mut far).await;
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_directory_that_is_swapped_under_a_link_is_followed() {
    // As the kubelet renews a secret.
    use std::os::unix::fs::symlink;
    let outside = Directory::new();
    let (old, new) = (outside.0.join("..1"), outside.0.join("..2"));
    for (directory, who) in [(&old, SERVER), (&new, GATEWAY)] {
        fs::create_dir(directory).expect("a directory");
        let shown = workload(who);
        fs::write(directory.join("chain.pem"), chain_pem(&shown)).expect("a file");
        fs::write(directory.join("key.pem"), key_pem(&shown)).expect("a file");
        fs::write(directory.join("root.pem"), MESH.0.pem()).expect("a file");
    }
    symlink("..1", outside.0.join("..data")).expect("a link");
    for name in ["chain.pem", "key.pem", "root.pem"] {
        symlink(format!("..data/{name}"), outside.0.join(name)).expect("a link");
    }
    let (watch, mut events) = outside.watch();
    assert_eq!(who(&watch).await, SERVER);
    symlink("..2", outside.0.join("..next")).expect("a link");
    fs::rename(outside.0.join("..next"), outside.0.join("..data")).expect("a rename");
    fs::remove_dir_all(&old).expect("a directory");
    assert_eq!(soon(events.recv()).await, Some(NEW_CREDENTIALS));
    assert_eq!(who(&watch).await, GATEWAY);
}

#[tokio::test(start_paused = true)]
async fn a_half_renewed_pair_is_told_and_not_adopted() {
    let directory = Directory::of(&workload(SERVER));
    let (watch, mut events) = directory.watch();
    let renewed = workload(GATEWAY);
    let generation = watch.generation();
    directory.write("chain.pem", &chain_pem(&renewed));
    let error = TlsConfigError::File {
        path: directory.0.join("key.pem"),
        error: Box::new(TlsConfigError::KeyMismatch),
    };
    let kept = PemEvent::Kept {
        part: PemPart::Credentials,
        error,
    };
    assert_eq!(soon(events.recv()).await, Some(kept));
    assert_eq!(
        (who(&watch).await.as_str(), watch.generation()),
        (SERVER, generation)
    );
    directory.write("key.pem", &key_pem(&renewed));
    assert_eq!(soon(events.recv()).await, Some(NEW_CREDENTIALS));
    assert_eq!(who(&watch).await, GATEWAY);
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_is_named_and_the_former_stays_in_force() {
    let directory = Directory::of(&workload(SERVER));
    let (watch, _events) = directory.watch();
    let key = directory.0.join("key.pem").display().to_string();
    for (name, text) in [
        ("key.pem", ""),
        ("key.pem", "no key"),
        ("chain.pem", ""),
        ("root.pem", "?"),
    ] {
        let path = directory.0.join(name);
        let good = fs::read_to_string(&path).expect("a file");
        directory.write(name, text);
        let error = watch.reload().await.expect_err("a bad file");
        assert!(
            error.to_string().starts_with(&path.display().to_string()),
            "{error}"
        );
        assert_eq!(who(&watch).await, SERVER);
        directory.write(name, &good);
        watch.reload().await.expect("a good file");
    }
    directory.remove("key.pem");
    let error = watch.reload().await.expect_err("no file").to_string();
    assert!(
        error.contains(&key) && error.contains("check the path"),
        "{error}"
    );
    assert_eq!(who(&watch).await, SERVER);
}

#[tokio::test(start_paused = true)]
async fn a_renewed_bundle_is_adopted() {
    let directory = Directory::of(&workload(SERVER));
    let (watch, _events) = directory.watch();
    let stranger = Leaf::of(CLIENT).signed_by(&STRANGER);
    let stranger = client_tls(&stranger, mesh_bundle());
    assert!(meet(&stranger, &server(&watch)).await.server.is_err());
    directory.rename_into("root.pem", &(MESH.0.pem() + &STRANGER.0.pem()));
    watch.reload().await.expect("good files");
    meet(&stranger, &server(&watch)).await.tunnels();
    assert_eq!(who(&watch).await, SERVER);
}

#[tokio::test(start_paused = true)]
async fn a_new_list_ends_the_live_tunnels_of_whom_it_names() {
    // [22]
    let directory = Directory::of(&workload(SERVER));
    let (watch, mut events) = directory.watch();
    let revoked = workload(CLIENT);
    let client = client_tls(&revoked, mesh_bundle());
    let (_near, mut far) = meet(&client, &server(&watch)).await.tunnels();
    directory.rename_into("crl.pem", &crl_pem(&MESH, &[&revoked]));
    assert_eq!(
        soon(events.recv()).await,
        Some(PemEvent::Revoked { ended: 1 })
    );
    read_all(&mut far).await.expect_err("a cut");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_leaves_the_last_good_in_force() {
    // [23]
    let revoked = workload(CLIENT);
    let client = client_tls(&revoked, mesh_bundle());
    let directory = Directory::of(&workload(SERVER));
    let list = crl_pem(&MESH, &[&revoked]);
    directory.write("crl.pem", &list);
    let (watch, _events) = directory.watch();
    for bad in [&list[..list.len() / 2], "", "nonsense"] {
        directory.write("crl.pem", bad);
        let error = watch.reload().await.expect_err("a bad file");
        assert!(error.to_string().contains("crl.pem"), "{error}");
        assert!(meet(&client, &server(&watch)).await.server.is_err());
    }
    // Somebody has taken it away on purpose.
    directory.remove("crl.pem");
    watch.reload().await.expect("good files");
    meet(&client, &server(&watch)).await.tunnels();
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_at_the_start_revokes_nobody() {
    let directory = Directory::of(&workload(SERVER));
    directory.write("crl.pem", "");
    let (watch, _events) = directory.watch();
    assert_eq!(who(&watch).await, SERVER);
}

#[tokio::test(start_paused = true)]
async fn files_that_cannot_be_used_at_the_start_are_an_error_that_names_them() {
    let directory = Directory::of(&workload(SERVER));
    let nowhere = PemFiles::new("/nowhere/chain.pem", directory.0.join("key.pem"))
        .with_bundle("cluster.local", directory.0.join("root.pem"));
    let error = nowhere.watch(&provider(), |_| {}).expect_err("no file");
    assert_eq!(
        error.to_string(),
        "/nowhere/chain.pem: the certificate chain cannot be read: entity not found; check the path, and that this user \
         may read it"
    );
    let trusting_nobody = PemFiles::new(directory.0.join("chain.pem"), directory.0.join("key.pem"));
    let error = trusting_nobody
        .watch(&provider(), |_| {})
        .expect_err("no bundle");
    assert_eq!(error, TlsConfigError::NoBundle);
    let error = directory
        .files()
        .with_bundle("No Domain", directory.0.join("root.pem"));
    let error = error.watch(&provider(), |_| {}).expect_err("no domain");
    assert!(
        error
            .to_string()
            .contains("\"No Domain\" is not a trust domain"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn files_are_followed_only_as_long_as_somebody_needs_them() {
    let directory = Directory::of(&workload(SERVER));
    let (watch, mut events) = watch(directory.files().with_interval(Duration::from_secs(5)));
    let client = ClientTls::from_source(provider(), watch.clone()).expect("a client");
    drop(watch);
    directory.install(&workload(GATEWAY));
    assert_eq!(soon(events.recv()).await, Some(NEW_CREDENTIALS));
    drop(client);
    assert_eq!(soon(events.recv()).await, None);
}
