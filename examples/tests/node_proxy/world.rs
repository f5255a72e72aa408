use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use hbone_examples::pki::{Authority, Issued};

use crate::running::{Proxy, get, within};

/// A network of one test: files, and the processes that use them.
pub(crate) struct World {
    net: String,
    dir: PathBuf,
    root: Authority,
    issued: RefCell<BTreeMap<String, Issued>>,
}

/// A client at .1 and a server at .2, both in the mesh; a service at .100.
pub(crate) const MESH: &str = "\
workloads:
- uid: c1//Pod/shop/client
  name: client
  namespace: shop
  serviceAccount: client
  workloadIps: [NET.1]
  network: north
  protocol: HBONE
  workloadName: client-v1
  workloadType: deployment
  canonicalName: client
  canonicalRevision: v1
  clusterId: c1
  locality: {region: r1, zone: z1}
- uid: c1//Pod/shop/server
  name: server
  namespace: shop
  serviceAccount: server
  workloadIps: [NET.2]
  network: north
  protocol: HBONE
  workloadName: server-v2
  workloadType: deployment
  canonicalName: server
  canonicalRevision: v2
  clusterId: c1
  locality: {region: r1, zone: z2}
  services:
    shop/echo.shop.svc.cluster.local:
      80: 8080
services:
- name: echo
  namespace: shop
  hostname: echo.shop.svc.cluster.local
  vips: [north/NET.100]
  ports: {80: 8080}
";

impl World {
    /// A network by this number, which another run of these tests at the same time does not have, with this mesh file in which `NET` stands for that.
    pub(crate) fn new(number: u8, mesh: &str) -> Self {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("node-proxy-{number}"));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a directory");
        let world = Self {
            net: format!("127.{}.{number}", 64 + std::process::id() % 128),
            dir,
            root: Authority::root("test").expect("a root"),
            issued: RefCell::default(),
        };
        world.write("root.pem", &world.root.pem());
        world.write_mesh(mesh);
        world
    }

    /// An address of the network.
    pub(crate) fn at(&self, host: u8, port: u16) -> SocketAddr {
        let address = format!("{}.{host}:{port}", self.net);
        address.parse().expect("an address")
    }

    pub(crate) fn write_mesh(&self, mesh: &str) {
        self.write("mesh.yaml", &mesh.replace("NET", &self.net));
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        // In one step, as whoever renews files does it.
        fs::write(self.path("new"), text).expect("a file");
        fs::rename(self.path("new"), self.path(name)).expect("a file");
    }

    /// A pipe in place of a file, to which nobody ever writes.
    pub(crate) fn pipe(&self, name: &str) {
        let made = Command::new("mkfifo").arg(self.path(name)).status();
        assert!(made.expect("mkfifo").success());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Issues a certificate for a service account of the namespace `shop`.
    pub(crate) fn issue(&self, account: &str) {
        self.issue_to(account, account);
    }

    /// The same into the files of another.
    pub(crate) fn issue_to(&self, files: &str, account: &str) {
        let id = format!("spiffe://cluster.local/ns/shop/sa/{account}");
        let issued = self.root.workload(&id).expect("a certificate");
        self.write(&format!("{files}.pem"), &issued.chain);
        self.write(&format!("{files}.key"), &issued.key);
        self.issued.borrow_mut().insert(account.to_owned(), issued);
    }

    /// Writes a list that revokes the newest certificate of the account.
    pub(crate) fn revoke(&self, account: &str) {
        let list = self.root.revocation_list([&self.issued.borrow()[account]]);
        self.write("revoked.pem", &list.expect("a list"));
    }

    /// Writes a list that revokes nobody.
    pub(crate) fn revoke_nobody(&self) {
        let list = self.root.revocation_list([]);
        self.write("revoked.pem", &list.expect("a list"));
    }

    /// The command for `account`'s proxy at a host of the network, with nothing redirected.
    pub(crate) fn command(&self, account: &str, host: u8) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_node-proxy"));
        let at = |port| self.at(host, port).to_string();
        command
            .arg("--mesh")
            .arg(self.path("mesh.yaml"))
            .args(["--workload", &format!("shop/{account}")])
            .arg("--cert")
            .arg(self.path(&format!("{account}.pem")))
            .arg("--key")
            .arg(self.path(&format!("{account}.key")))
            .arg("--ca")
            .arg(self.path("root.pem"))
            .args(["--inbound", &at(15008), "--socks5", &at(15080)])
            .args(["--metrics", &at(15020), "--ready", &at(15021)])
            .args(["--plaintext", "off", "--outbound", "off"])
            .stdin(Stdio::null());
        command
    }

    /// Starts the proxy of `account`, and waits until it is ready.
    pub(crate) fn start(&self, account: &str, host: u8) -> Proxy {
        self.start_with(account, host, |_| {})
    }

    pub(crate) fn start_with(
        &self,
        account: &str,
        host: u8,
        change: impl FnOnce(&mut Command),
    ) -> Proxy {
        self.issue(account);
        let log = fs::File::create(self.path(&format!("{account}.log"))).expect("a log");
        let mut command = self.command(account, host);
        change(&mut command);
        let errors = log.try_clone().expect("a log");
        command.stdout(log).stderr(errors);
        let proxy = Proxy::spawn(&mut command, self.at(host, 15020));
        let ready = self.at(host, 15021);
        within("the proxy is ready", || {
            get(ready, "/healthz/ready").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
        });
        proxy
    }

    pub(crate) fn log(&self, account: &str) -> String {
        fs::read_to_string(self.path(&format!("{account}.log"))).expect("a log")
    }

    /// Runs a proxy that is not to start, and gives what it ends with.
    pub(crate) fn fails(&self, change: impl FnOnce(&mut Command)) -> (Option<i32>, String) {
        self.issue("client");
        let mut command = self.command("client", 1);
        change(&mut command);
        let log = fs::File::create(self.path("failed.log")).expect("a log");
        command.stdout(Stdio::null()).stderr(log);
        let code = Proxy::spawn(&mut command, self.at(1, 15020)).end();
        let told = fs::read_to_string(self.path("failed.log")).expect("a log");
        (code, told)
    }
}
