//! PEM files that somebody renews while they are followed. No clock runs, so nothing here waits.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use hbone::CertificateFault;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use tokio::sync::mpsc;
use tokio_hbone::tls::{
    CertificateSource, ClientTls, Credentials, PemEvent, PemFiles, PemPart, PemWatch, ServerTls,
    TlsConfigError,
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
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_gone_lets_nobody_in_again_and_one_without_entries_does() {
    let revoked = workload(CLIENT);
    let client = client_tls(&revoked, mesh_bundle());
    let directory = Directory::of(&workload(SERVER));
    let list = crl_pem(&MESH, &[&revoked]);
    directory.write("crl.pem", &list);
    let (watch, mut events) = directory.watch();
    let error = TlsConfigError::File {
        path: directory.0.join("crl.pem"),
        error: Box::new(TlsConfigError::MissingCrl),
    };
    let kept = PemEvent::Kept {
        part: PemPart::Crls,
        error: error.clone(),
    };
    directory.remove("crl.pem");
    assert_eq!(soon(events.recv()).await, Some(kept.clone()));
    assert!(meet(&client, &server(&watch)).await.server.is_err());
    // The same list comes back, and goes again while it is asked to read at once.
    directory.write("crl.pem", &list);
    watch.reload().await.expect("good files");
    let back = PemEvent::Revoked { ended: 0 };
    assert_eq!(soon(events.recv()).await, Some(back.clone()));
    directory.remove("crl.pem");
    assert_eq!(watch.reload().await, Err(error));
    assert_eq!(soon(events.recv()).await, Some(kept));
    assert!(meet(&client, &server(&watch)).await.server.is_err());

    directory.write("crl.pem", &crl_pem(&MESH, &[]));
    watch.reload().await.expect("good files");
    assert_eq!(soon(events.recv()).await, Some(back));
    meet(&client, &server(&watch)).await.tunnels();
}

#[tokio::test(start_paused = true)]
async fn a_byte_order_mark_hides_no_leaf_key_root_or_list() {
    let (own, revoked) = (workload(SERVER), workload(CLIENT));
    let directory = Directory::of(&own);
    let marked = |text: &str| format!("\u{feff}{text}");
    directory.write("chain.pem", &marked(&chain_pem(&own)));
    directory.write("key.pem", &marked(&key_pem(&own)));
    directory.write("root.pem", &marked(&(MESH.0.pem() + &STRANGER.0.pem())));
    // Were the first list hidden, the other one would be all that there is.
    let lists = crl_pem(&MESH, &[&revoked]) + &crl_pem(&STRANGER, &[]);
    directory.write("crl.pem", &marked(&lists));
    let (watch, _events) = directory.watch();
    assert_eq!(who(&watch).await, SERVER);
    let client = client_tls(&revoked, mesh_bundle());
    assert!(meet(&client, &server(&watch)).await.server.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_was_never_there_revokes_nobody() {
    let directory = Directory::of(&workload(SERVER));
    let (watch, mut events) = directory.watch();
    watch.reload().await.expect("good files");
    assert_eq!(who(&watch).await, SERVER);
    assert!(events.try_recv().is_err(), "nothing has happened");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_far_too_large_is_refused_and_the_former_stays_in_force() {
    let directory = Directory::of(&workload(SERVER));
    let (watch, mut events) = directory.watch();
    for name in ["chain.pem", "key.pem", "root.pem", "crl.pem"] {
        let path = directory.0.join(name);
        let good = fs::read_to_string(&path).ok();
        // All of it would not fit into memory, and it takes none on the disk.
        let large = fs::File::create(&path).expect("a file");
        large.set_len(1 << 40).expect("a length");
        let error = watch.reload().await.expect_err("a file that is too large");
        let TlsConfigError::TooLarge {
            path: named, most, ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!((named, *most), (&path, 16 << 20));
        assert!(error.to_string().contains("than 16 MiB"), "{error}");
        let kept = soon(events.recv()).await;
        assert!(matches!(kept, Some(PemEvent::Kept { .. })), "{kept:?}");
        assert_eq!(who(&watch).await, SERVER);
        directory.remove(name);
        if let Some(good) = good {
            directory.write(name, &good);
        }
        watch.reload().await.expect("a good file");
        soon(events.recv()).await;
    }
    let path = directory.0.join("chain.pem");
    let large = fs::File::create(&path).expect("a file");
    large.set_len(1 << 40).expect("a length");
    let error = directory.files().watch(&provider(), |_| {});
    let error = error.expect_err("a file that is too large");
    assert!(matches!(error, TlsConfigError::TooLarge { path: named, .. } if named == path));
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
        "/nowhere/chain.pem: the certificate chain cannot be read: there is no such file; check the path, and that this user \
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

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn what_is_no_file_is_refused_and_not_waited_for() {
    let directory = Directory::of(&workload(SERVER));
    let (watch, mut events) = directory.watch();
    for name in ["chain.pem", "key.pem", "root.pem", "crl.pem"] {
        let path = directory.0.join(name);
        let good = fs::read_to_string(&path).ok();
        let _ = fs::remove_file(&path);
        // Whoever opens it waits for a writer, who never comes.
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo").success());
        let error = watch.reload().await.expect_err("no file").to_string();
        let start = format!("{}: the ", path.display());
        assert!(error.starts_with(&start), "{error}");
        assert!(error.contains("has to be a regular file"), "{error}");
        assert!(matches!(
            soon(events.recv()).await,
            Some(PemEvent::Kept { .. })
        ));
        assert_eq!(who(&watch).await, SERVER);
        directory.remove(name);
        if let Some(good) = good {
            directory.write(name, &good);
        }
        watch.reload().await.expect("a good file");
        soon(events.recv()).await;
    }
    let here = directory.0.clone();
    let error = PemFiles::new(&here, &here).watch(&provider(), |_| {});
    let error = error.expect_err("a directory").to_string();
    assert!(error.contains("has to be a regular file"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn credentials_that_the_caller_does_not_want_are_held_back_until_it_does() {
    let wanted = Arc::new(Mutex::new(SERVER.to_owned()));
    let asked = Arc::clone(&wanted);
    let check = move |credentials: &Credentials| {
        let found = credentials.identity().map(|found| found.to_string());
        match found.as_deref() == Some(&**asked.lock().expect("no panic")) {
            true => Ok(()),
            false => Err(format!("it is for {found:?}")),
        }
    };
    let directory = Directory::of(&workload(SERVER));
    let (watch, mut events) = watch(directory.files().with_check(check.clone()));
    let generation = watch.generation();
    directory.install(&workload(GATEWAY));
    let kept = soon(events.recv()).await.expect("an event");
    let chain = directory.0.join("chain.pem").display().to_string();
    assert_eq!(
        kept.to_string(),
        format!("the former credentials stay in force: {chain}: it is for Some({GATEWAY:?})")
    );
    assert_eq!(who(&watch).await, SERVER);
    assert_eq!(watch.generation(), generation);
    // It is asked about again, and told no more.
    watch.reload().await.expect_err("still not wanted");
    watch.reload().await.expect_err("still not wanted");
    assert!(events.try_recv().is_err());

    // The files do not change, what is wanted does.
    *wanted.lock().expect("no panic") = GATEWAY.to_owned();
    assert_eq!(soon(events.recv()).await, Some(NEW_CREDENTIALS));
    assert_eq!(who(&watch).await, GATEWAY);
    *wanted.lock().expect("no panic") = SERVER.to_owned();
    let error = directory.files().with_check(check);
    let error = error.watch(&provider(), |_| {}).expect_err("not wanted");
    assert!(error.to_string().starts_with(&chain), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_our_own_bundle_does_not_let_in_is_told_and_used() {
    let unknown = PemEvent::Doubtful {
        fault: CertificateFault::UnknownIssuer,
    };
    let directory = Directory::of(&Leaf::of(SERVER).signed_by(&STRANGER));
    let (watch, mut events) = directory.watch();
    assert_eq!(events.try_recv().as_ref(), Ok(&unknown), "at the start");
    let told = unknown.to_string();
    assert!(
        told.contains("was not issued by a root of its trust domain's bundle"),
        "{told}"
    );
    directory.install(&workload(SERVER));
    assert_eq!(soon(events.recv()).await, Some(NEW_CREDENTIALS));
    assert_eq!(who(&watch).await, SERVER);
    assert!(events.try_recv().is_err(), "all is well");
    directory.rename_into("root.pem", &STRANGER.0.pem());
    let new = PemEvent::Adopted(PemPart::Bundles);
    assert_eq!(soon(events.recv()).await, Some(new));
    assert_eq!(soon(events.recv()).await, Some(unknown));
}

#[test]
fn what_is_no_pem_is_told_with_the_next_step() {
    let own = workload(SERVER);
    let (chain, key) = (chain_pem(&own), key_pem(&own));
    let cut = &chain[..chain.len() - 10];
    let spoilt = chain.replacen("MI", "\u{7f}%", 1);
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    for (chain, key, parts) in [
        ("", &*key, ["certificate chain", "the leaf first"]),
        (cut, &key, ["a block has no END line", "the leaf first"]),
        (&spoilt, &key, ["no base64", "the leaf first"]),
        (&chain, "", ["it holds none", "a PRIVATE KEY block"]),
        (&chain, &encrypted, ["it holds none", "not encrypted"]),
    ] {
        let error = Credentials::from_pem(chain.as_bytes(), key.as_bytes());
        let error = error.expect_err("no PEM").to_string();
        for part in parts {
            assert!(error.contains(part), "{part:?} in {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_pem_and_of_no_use_is_told_with_its_file_and_the_next_step() {
    let block = |kind: &str| {
        let text = BASE64_STANDARD.encode(b"neither");
        format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")
    };
    for (name, kind, next) in [
        ("key.pem", "PRIVATE KEY", "have one made for ECDSA"),
        ("chain.pem", "CERTIFICATE", "put the leaf there"),
    ] {
        let directory = Directory::of(&workload(SERVER));
        directory.write(name, &block(kind));
        let error = directory.files().watch(&provider(), |_| {});
        let error = error.expect_err("of no use").to_string();
        let start = format!("{}: the ", directory.0.join(name).display());
        assert!(error.starts_with(&start) && error.contains(next), "{error}");
    }
}
