use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::load::{Load, Went};
use crate::{cpu, memory};

/// A process of the measurement, which ends with this.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// This program in another role.
    pub(crate) fn spawn(
        role: &str,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        Self::spawn_from(&program, role, arguments)
    }

    /// The same of a `bench-tunnel` that was built otherwise.
    pub(crate) fn spawn_from(
        program: &Path,
        role: &str,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["role", role])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {} as {role}", program.display()))?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("a child without an output")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// Where it listens; the first thing that it says.
    pub(crate) fn address(&mut self) -> Result<SocketAddr> {
        Ok(self.line()?.trim().parse()?)
    }

    /// Has the application put that load on.
    pub(crate) fn put(&mut self, load: Load) -> Result<Went> {
        let input = self.input.as_mut().context("a child without an input")?;
        writeln!(input, "{}", serde_json::to_string(&load)?)?;
        let line = self.line();
        let line = line.with_context(|| format!("the application did not survive {load:?}"))?;
        Ok(serde_json::from_str(&line)?)
    }

    /// The processor time that it has used so far, in seconds.
    pub(crate) fn cpu(&self) -> Result<f64> {
        cpu::seconds(self.child.id())
    }

    /// The anonymous memory that it has now, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        memory::bytes(self.child.id())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("a child has ended");
        }
        Ok(line)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends with its input. There is nobody to tell how.
        let _ = self.child.wait();
    }
}

/// Thousands of tunnels want thousands of descriptors.
pub(crate) fn raise_descriptor_limit() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, all).context("raising the limit on descriptors")
}
