use std::fs::File;
use std::time::Duration;

use clap::ValueEnum;
use hbone::Cut;

use crate::mesh::Mesh;

/// Something broken on purpose, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sabotage {
    /// Some applications send other bytes than they should.
    Byte,
    /// Some applications end too early, as if that were all.
    Cut,
    /// Every half second a descriptor is kept.
    Descriptor,
    /// Every half second a server loses its connections, and nobody has announced it.
    Error,
    /// Every half second 16 MiB are kept.
    Memory,
    /// Every half second a task begins that never ends.
    Task,
}

/// What has been leaked, until it is dropped.
#[derive(Default)]
pub(crate) struct Leak {
    files: Vec<File>,
    memory: Vec<Vec<u8>>,
}

impl Sabotage {
    /// Does it, until it is dropped.
    pub(crate) async fn run(self, mesh: &Mesh, leak: &mut Leak) {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            match self {
                Self::Byte | Self::Cut => {}
                Self::Descriptor => leak.files.extend(File::open("/dev/null")),
                Self::Error => mesh.nodes[0].cut_all(Cut::Internal),
                Self::Memory => leak.memory.push(vec![1; 16 << 20]),
                Self::Task => drop(tokio::spawn(std::future::pending::<()>())),
            }
        }
    }
}
