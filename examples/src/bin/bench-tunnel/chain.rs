use std::net::SocketAddr;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use crate::load::{Load, Went};
use crate::process::Process;

/// A way from the application to the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// No relay at all.
    Direct,
    /// A TLS connection each.
    Naive,
    /// A TLS connection inside of another each, through a relay that ends the outer one.
    Nested,
    /// Tunnels on a pooled connection of at most so many.
    Ours(u32),
    /// Tunnels inside of tunnels, through a gateway that ends the outer ones.
    Double,
}

/// The relays of one way.
pub(crate) struct Chain {
    /// The client's side first.
    relays: Vec<Process>,
    entry: SocketAddr,
}

/// What a load has cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Of all relays together, in seconds.
    pub(crate) cpu: f64,
    pub(crate) went: Went,
}

/// How long ends of connections may take to be dealt with.
const AFTERMATH: Duration = Duration::from_millis(30);

impl Chain {
    /// Relays that are `program` in their roles.
    pub(crate) fn start(
        program: &Path,
        way: Way,
        secrets: &Path,
        sink: SocketAddr,
    ) -> Result<Self> {
        let mut chain = Self {
            relays: Vec::new(),
            entry: sink,
        };
        let secrets = secrets.to_string_lossy().into_owned();
        let (next, to) = ("--next".to_owned(), sink.to_string());
        let common: [String; 4] = ["--secrets".into(), secrets, "--sink".into(), to];
        let mut before = |role: &str, further: &[String]| -> Result<SocketAddr> {
            let arguments = [
                &common[..],
                &[next.clone(), chain.entry.to_string()],
                further,
            ];
            let mut relay = Process::spawn_from(program, role, arguments.concat())?;
            chain.entry = relay.address()?;
            chain.relays.insert(0, relay);
            Ok(chain.entry)
        };
        match way {
            Way::Direct => {}
            Way::Naive => {
                before("naive-server", &[])?;
                before("naive-client", &[])?;
            }
            Way::Nested => {
                before("naive-server", &[])?;
                before("naive-server", &[])?;
                before("nested-client", &[])?;
            }
            Way::Ours(streams) => {
                let streams = ["--streams".to_owned(), streams.to_string()];
                before("our-server", &streams)?;
                before("our-client", &streams)?;
            }
            Way::Double => {
                let inner = before("our-server", &[])?;
                before("our-server", &[])?;
                before("our-client", &["--inner".to_owned(), inner.to_string()])?;
            }
        }
        Ok(chain)
    }

    /// Where the application connects.
    pub(crate) const fn entry(&self) -> SocketAddr {
        self.entry
    }

    /// Has `application` put `load` on, and says what that cost here.
    pub(crate) fn put(&self, application: &mut Process, load: Load) -> Result<Cost> {
        let before = self.cpu()?;
        let went = application.put(load)?;
        sleep(AFTERMATH);
        Ok(Cost {
            cpu: self.cpu()? - before,
            went,
        })
    }

    /// What each relay holds in memory, in bytes; the client's side first.
    pub(crate) fn memory(&self) -> Result<Vec<u64>> {
        self.relays.iter().map(Process::memory).collect()
    }

    fn cpu(&self) -> Result<f64> {
        self.relays.iter().map(Process::cpu).sum()
    }
}
