use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::place::{GATEWAY, HTTP, INGRESS, Place, WAYPOINT};
use crate::cpu;

/// One of the programs, as it is shipped. It ends with this.
pub(crate) struct Proxy {
    child: Child,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Proxy {
    pub(crate) fn ingress(place: &Place) -> Result<Self> {
        let http = ["--http", &place.at(INGRESS, HTTP).to_string()];
        Self::start(place, "ingress-gateway", "ingress", INGRESS, &http)
    }

    pub(crate) fn waypoint(place: &Place) -> Result<Self> {
        let inbound = place.at(WAYPOINT, hbone::PORT).to_string();
        let inbound = ["--inbound", &inbound];
        Self::start(place, "waypoint", "waypoint", WAYPOINT, &inbound)
    }

    pub(crate) fn gateway(place: &Place) -> Result<Self> {
        let inbound = place.at(GATEWAY, hbone::PORT).to_string();
        let flags = ["--inbound", &inbound, "--believe", "gateway=*"];
        Self::start(place, "eastwest-gateway", "gateway", GATEWAY, &flags)
    }

    /// The processor time that it has used so far, in seconds.
    pub(crate) fn cpu(&self) -> Result<f64> {
        cpu::seconds(self.child.id())
    }

    /// Starts a program that stands beside this one.
    fn start(place: &Place, program: &str, name: &str, last: u8, flags: &[&str]) -> Result<Self> {
        let own = std::env::current_exe().context("finding this program")?;
        let program = own.with_file_name(program);
        let ready = place.at(last, 15021);
        let mut command = Command::new(&program);
        command
            .arg("--mesh")
            .arg(place.file("mesh.yaml"))
            .args(["--workload", &format!("bench/{name}")])
            .arg("--cert")
            .arg(place.file("chain.pem"))
            .arg("--key")
            .arg(place.file("key.pem"))
            .arg("--ca")
            .arg(place.file("root.pem"))
            .args(["--metrics", &place.at(last, 15020).to_string()])
            .args(["--ready", &ready.to_string()])
            .args(flags);
        // A line a request is written, as always, to where nobody reads it.
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}; build it first", program.display()))?;
        let mut proxy = Self { child };
        proxy.until_ready(ready)?;
        Ok(proxy)
    }

    fn until_ready(&mut self, at: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !is_ready(at) {
            if let Some(status) = self.child.try_wait()? {
                bail!("a proxy ended at its start: {status}");
            }
            if Instant::now() > deadline {
                bail!("a proxy is not ready at {at}");
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ready(at: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut socket = TcpStream::connect(at)?;
        socket.write_all(
            b"GET /healthz/ready HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n",
        )?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200 "))
    };
    ask().unwrap_or_default()
}
