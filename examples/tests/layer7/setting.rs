use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use crate::process::Process;
use crate::world::{Pod, World, id};

/// The host of the service in the west, and that of the one beside the waypoint.
pub(crate) const FAR: &str = "echo.shop.svc.cluster.local";
pub(crate) const NEAR: &str = "near.shop.svc.cluster.local";

const WAYPOINT: u8 = 20;
const INGRESS: u8 = 21;
/// Of the client, in the mesh file.
const CLIENT: u8 = 50;

/// A world with a waypoint in the east: its service `near` has endpoints there, and `echo` has them in the west, behind the gateway.
pub(crate) struct Setting {
    pub(crate) world: World,
}

impl Setting {
    pub(crate) fn new() -> Self {
        let world = World::new();
        for account in ["client", "ingress", "waypoint"] {
            world.write_leaf(account);
        }
        Self { world }
    }

    /// The mesh file, with endpoints in the west and the east.
    pub(crate) fn mesh(&self, far: &[Pod], near: &[Pod]) -> Value {
        let world = &self.world;
        let mut mesh = world.mesh(far);
        let workloads = mesh["workloads"].as_array_mut().expect("a list");
        for pod in workloads.iter_mut().skip(1) {
            pod["networkGateway"] = json!({"destination": format!("west/{}", world.ip(2)), "hboneMtlsPort": hbone::PORT});
        }
        let of_service = |mut pod: Value| {
            pod["network"] = "east".into();
            pod["clusterId"] = "c-east".into();
            pod["services"] = json!({"shop/near.shop.svc.cluster.local": {"80": 8080}});
            pod
        };
        let near = world.mesh(near)["workloads"].as_array().expect("a list")[1..].to_vec();
        workloads.extend(near.into_iter().map(of_service));
        for (account, last) in [
            ("waypoint", WAYPOINT),
            ("ingress", INGRESS),
            ("client", CLIENT),
        ] {
            workloads.push(json!({
                "uid": account, "name": account, "namespace": "shop", "serviceAccount": account, "network": "east",
                "workloadIps": [world.ip(last)], "protocol": "HBONE", "clusterId": "c-east", "workloadName": account,
                "workloadType": "deployment", "canonicalName": account, "canonicalRevision": "v3",
            }));
        }
        let waypoint = json!({"destination": format!("east/{}", world.ip(WAYPOINT)), "hboneMtlsPort": hbone::PORT});
        let services = mesh["services"].as_array_mut().expect("a list");
        services[0]["subjectAltNames"] = json!([id("echo")]);
        services[0]["waypoint"] = waypoint.clone();
        services[0]["vips"] = json!([format!("east/{}", world.ip(200))]);
        services.push(json!({
            "name": "near", "namespace": "shop", "hostname": NEAR, "vips": [format!("east/{}", world.ip(201))],
            "ports": {"80": 8080}, "waypoint": waypoint,
        }));
        mesh
    }

    pub(crate) async fn start_waypoint(&self, flags: &[&str]) -> Process {
        let program = env!("CARGO_BIN_EXE_waypoint");
        let mut command = self.command(program, "waypoint", "waypoint", WAYPOINT);
        command.args(["--inbound", &self.at(WAYPOINT, hbone::PORT)]);
        ready(command.args(flags)).await
    }

    pub(crate) async fn start_ingress(&self, flags: &[&str]) -> Process {
        self.start_ingress_with(&[], flags).await
    }

    /// The same, with these environment variables.
    pub(crate) async fn start_ingress_with(
        &self,
        environment: &[(&str, &str)],
        flags: &[&str],
    ) -> Process {
        let program = env!("CARGO_BIN_EXE_ingress-gateway");
        let mut command = self.command(program, "ingress", "ingress", INGRESS);
        command.args(["--http", &self.at(INGRESS, 8080)]);
        command.envs(environment.iter().copied());
        ready(command.args(flags)).await
    }

    /// The node proxy of a workload, which applications there reach by SOCKS5.
    pub(crate) async fn start_node_proxy(&self, name: &str, account: &str, last: u8) -> Process {
        let socks = SocketAddr::new(self.world.ip(last), 15080).to_string();
        let mut command = self.command(env!("CARGO_BIN_EXE_node-proxy"), name, account, last);
        command
            .args(["--inbound", &self.at(last, hbone::PORT)])
            .args([
                "--socks5",
                &socks,
                "--outbound",
                "off",
                "--plaintext",
                "off",
            ]);
        ready(&mut command).await
    }

    /// Where the ingress gateway accepts HTTP.
    pub(crate) fn ingress(&self) -> SocketAddr {
        (self.world.ip(INGRESS), 8080).into()
    }

    /// Where the waypoint accepts tunnels.
    pub(crate) fn waypoint(&self) -> SocketAddr {
        (self.world.ip(WAYPOINT), hbone::PORT).into()
    }

    /// The metrics of the waypoint that have all of these parts.
    pub(crate) async fn metrics(&self, parts: &[&str]) -> Vec<String> {
        let at = (self.world.ip(WAYPOINT), 15020).into();
        let text = crate::client::get(at, "/metrics").await;
        let has_all = |line: &&str| parts.iter().all(|part| line.contains(part));
        text.lines().filter(has_all).map(str::to_owned).collect()
    }

    /// What all of them have: the workload and its certificate.
    fn command(&self, program: &str, name: &str, account: &str, last: u8) -> Command {
        let world = &self.world;
        let mut command = Command::new(program);
        command
            .args([
                "--mesh",
                &world.file("mesh.yaml"),
                "--workload",
                &format!("shop/{name}"),
            ])
            .args(["--cert", &world.file(&format!("{account}.pem"))])
            .args([
                "--key",
                &world.file(&format!("{account}.key")),
                "--ca",
                &world.file("root.pem"),
            ])
            .args([
                "--metrics",
                &self.at(last, 15020),
                "--ready",
                &self.at(last, 15021),
            ]);
        command
    }

    fn at(&self, last: u8, port: u16) -> String {
        SocketAddr::new(self.world.ip(last), port).to_string()
    }
}

async fn ready(command: &mut Command) -> Process {
    let process = Process::start(command);
    process.wait_for(&["runtime: ready"], 1).await;
    process
}
