//! A program of ours behind the middle, and what the suite says of it: with a flaw, and without.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::handshake::{Handshake, Mistake};
use crate::middle::{Between, Flaw, Middle, Side, none};
use crate::pki::{self, Pki};
use crate::{HBONE, Running, SUITE};

const GATEWAY: &str = env!("CARGO_BIN_EXE_eastwest-gateway");
const SERVICE: &str = "echo.shop.svc.cluster.local:80";

/// What is broken, and in which way.
#[derive(Clone, Copy)]
pub(crate) struct Broken {
    role: Role,
    mistake: Mistake,
    flaw: fn() -> Flaw,
    /// How many endpoints a gateway leaves out.
    unused: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Server,
    Client,
    Gateway,
}

/// A server that shakes hands with a mistake.
pub(crate) fn server_with(mistake: Mistake) -> Broken {
    Broken {
        mistake,
        ..server(none)
    }
}

/// A server of which the frames are not what they should be.
pub(crate) fn server(flaw: fn() -> Flaw) -> Broken {
    let (role, mistake) = (Role::Server, Mistake::None);
    Broken {
        role,
        mistake,
        flaw,
        unused: 0,
    }
}

pub(crate) fn client_with(mistake: Mistake) -> Broken {
    Broken {
        mistake,
        ..client(none)
    }
}

pub(crate) fn client(flaw: fn() -> Flaw) -> Broken {
    Broken {
        role: Role::Client,
        ..server(flaw)
    }
}

pub(crate) fn gateway(flaw: fn() -> Flaw) -> Broken {
    Broken {
        role: Role::Gateway,
        ..server(flaw)
    }
}

/// A gateway that does not use one of its two endpoints.
pub(crate) fn gateway_with_a_favourite() -> Broken {
    Broken {
        unused: 1,
        ..gateway(none)
    }
}

impl Broken {
    /// That of the cases for `only` exactly these fail, and none if nothing is broken.
    #[track_caller]
    pub(crate) fn fails(self, only: &[&str], expected: &[&str]) {
        let whole = Self {
            mistake: Mistake::None,
            flaw: none,
            unused: 0,
            ..self
        };
        // Both at once: much of the time is waiting.
        let (broken, whole) = std::thread::scope(|scope| {
            let whole = scope.spawn(|| whole.complaints(only));
            (self.complaints(only), whole.join().expect("no panic"))
        });
        assert_eq!(whole, [""; 0], "without the flaw");
        assert_eq!(broken, expected, "with the flaw");
    }

    /// That no tunnel opens, so that the suite says why, and runs nothing.
    #[track_caller]
    pub(crate) fn is_not_even_tried(self, why: &str) {
        let told = self.run(&[]).expect_err("no document");
        assert!(told.contains(why), "{told}");
    }

    #[track_caller]
    fn complaints(self, only: &[&str]) -> Vec<String> {
        let told = self.run(only);
        told.unwrap_or_else(|told| panic!("no document, but {told}"))
    }

    /// The titles of the cases that do not pass, or why none is run.
    fn run(self, only: &[&str]) -> Result<Vec<String>, String> {
        let world = World::new();
        let mut arguments: Vec<String> = Vec::new();
        let mut programs = Vec::new();
        match self.role {
            Role::Server => {
                let application = world.at(10, 8080);
                let dead = world.at(10, 9);
                let (serve, at) = world.serve();
                programs.push(serve);
                let middle = self.middle(&world, Side::Suite, at);
                let target = middle.address.to_string();
                let flags = [
                    ["--target", &target],
                    ["--authority", &application],
                    ["--application", &application],
                    ["--dead", &dead],
                    ["--denied", "10.0.0.1:80"],
                ];
                arguments.push("server".into());
                arguments.extend(flags.concat().into_iter().map(str::to_owned));
                arguments.extend(world.pki.with_root_key("client"));
                world.suite(arguments, only, middle)
            }
            Role::Client => {
                let listen = world.at(3, 15008);
                let onward = listen.parse().expect("an address");
                let middle = self.middle(&world, Side::Ours, onward);
                let exec = format!(
                    "{HBONE} connect --via {} {} --peer-id {} --baggage k8s.pod.name=c {{authority}}",
                    middle.address,
                    world.pki.arguments("client").join(" "),
                    pki::id("server")
                );
                let flags = ["client", "--listen", &listen, "--exec", &exec];
                arguments.extend(flags.into_iter().map(str::to_owned));
                arguments.extend(world.pki.with_root_key("server"));
                world.suite(arguments, only, middle)
            }
            Role::Gateway => {
                programs.push(world.gateway(2 - self.unused));
                let onward = world.at(2, 15008).parse().expect("an address");
                let middle = self.middle(&world, Side::Suite, onward);
                let target = middle.address.to_string();
                let (one, two) = (world.at(10, 15008), world.at(11, 15008));
                let flags = [
                    ["--target", &target],
                    ["--authority", SERVICE],
                    ["--closed-port", "81"],
                    ["--endpoint", &one],
                    ["--endpoint", &two],
                ];
                arguments.push("gateway".into());
                arguments.extend(flags.concat().into_iter().map(str::to_owned));
                arguments.extend(world.pki.arguments("client"));
                world.suite(arguments, only, middle)
            }
        }
    }

    fn middle(self, world: &World, comes: Side, onward: SocketAddr) -> Middle {
        let handshake = Handshake::new(world.pki.folder(), comes, self.mistake);
        Middle::start(Between {
            comes,
            onward,
            handshake: Arc::new(handshake),
            flaw: self.flaw,
        })
    }
}

/// Certificates, and loopback addresses that nobody else has.
struct World {
    pki: Pki,
    net: [u8; 2],
}

impl World {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // 256 worlds a process; the sixty-four nets from 127.128.0.0 on are of this test alone.
        let index = std::process::id().wrapping_mul(256).wrapping_add(count);
        Self {
            pki: Pki::new(&format!("broken-{count}")),
            net: [128 + (index / 256 % 64) as u8, (index % 256) as u8],
        }
    }

    fn at(&self, last: u8, port: u16) -> String {
        let [second, third] = self.net;
        let ip = Ipv4Addr::new(127, second, third, last);
        SocketAddr::new(ip.into(), port).to_string()
    }

    /// `hbone serve`, and where it listens.
    fn serve(&self) -> (Running, SocketAddr) {
        let application = self.at(10, 8080);
        let ip = application.trim_end_matches(":8080");
        let mut child = Command::new(HBONE)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(self.pki.arguments("server"))
            .args(["--allow", &format!("{ip}/32:8080")])
            .args(["--allow", &format!("{ip}/32:9")])
            .args(["--baggage", "k8s.pod.name=ours,service.name=ours"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("hbone serve");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        let running = Running(child);
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut line).expect("its first line");
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("hbone serve said {line:?}"));
        (running, address.parse().expect("an address"))
    }

    /// An east-west gateway for a service with so many endpoints.
    fn gateway(&self, endpoints: usize) -> Running {
        let ip = |last| self.at(last, 0).trim_end_matches(":0").to_owned();
        let workload = |name: &str, ip: String, services: &str| {
            format!(
                "- {{uid: {name}, name: {name}, namespace: default, serviceAccount: server, network: west, protocol: HBONE, \
                 workloadIps: [{ip}], clusterId: c, workloadName: {name}, workloadType: deployment, \
                 canonicalName: {name}, canonicalRevision: v1, services: {{{services}}}}}\n"
            )
        };
        let mut mesh = "workloads:\n".to_owned() + &workload("gateway", ip(2), "");
        for (name, last) in [("echo-a", 10), ("echo-b", 11)].into_iter().take(endpoints) {
            let of = "shop/echo.shop.svc.cluster.local: {80: 8080}";
            mesh += &workload(name, ip(last), of);
        }
        mesh += &format!(
            "services:\n- {{name: echo, namespace: shop, hostname: echo.shop.svc.cluster.local, vips: [west/{}], \
             ports: {{80: 8080}}}}\n",
            ip(200)
        );
        let file = self.pki.folder().join("mesh.yaml");
        std::fs::write(&file, mesh).expect("a file");
        let mut child = Command::new(GATEWAY)
            .args(["--mesh", file.to_str().expect("text")])
            .args(["--workload", "default/gateway"])
            .args(self.pki.arguments("server"))
            .args(["--inbound", &self.at(2, 15008)])
            .args(["--metrics", &self.at(2, 15020)])
            .args(["--ready", &self.at(2, 15021)])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("eastwest-gateway");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let running = Running(child);
        for _ in 0..400 {
            if std::net::TcpStream::connect(self.at(2, 15008)).is_ok() {
                std::thread::spawn(move || lines.all(|line| line.is_ok()));
                return running;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(running);
        panic!("the gateway never listened: {:?}", lines.next());
    }

    /// Runs the suite to its end, and gives the titles of what did not pass.
    fn suite(
        &self,
        arguments: Vec<String>,
        only: &[&str],
        middle: Middle,
    ) -> Result<Vec<String>, String> {
        let mut command = Command::new(SUITE);
        command
            .args(arguments)
            .args(["--json", "--strict", "--patience", "8"]);
        for only in only {
            command.args(["--only", only]);
        }
        let output = command.output().expect("the suite runs");
        drop(middle);
        let Ok(document) = serde_json::from_slice::<Value>(&output.stdout) else {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        };
        let complaints = crate::complaints(&document);
        let title = |case: &&Value| case["title"].as_str().expect("a title").to_owned();
        Ok(complaints.iter().map(title).collect())
    }
}
