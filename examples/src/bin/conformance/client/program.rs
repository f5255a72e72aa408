use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::case::{Complaint, Verdict, must};

/// The client, as it runs for one case. It ends with the case, and so does whatever it has started in its process group.
pub(super) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    group: Option<Pid>,
    /// The end of what it has said on standard error.
    said: Arc<Mutex<Vec<u8>>>,
    patience: Duration,
}

/// How much of what a client says is kept.
const SAID: usize = 4096;

impl Program {
    pub(super) fn start(command: &str, patience: Duration) -> Result<Self, Complaint> {
        let unstarted = |error: std::io::Error| Complaint::skipped(format!("--exec: {error}"));
        let mut child = Command::new("sh")
            .args(["-c", &script(command)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(unstarted)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stdout = stdout.ok_or_else(|| Complaint::skipped("--exec has no standard output"))?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let said = Arc::default();
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(listen(stderr, Arc::clone(&said)));
        }
        Ok(Self {
            child,
            stdin,
            stdout,
            group,
            said,
            patience,
        })
    }

    /// The last line that it has said on standard error.
    pub(super) fn last_words(&self) -> Option<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = String::from_utf8_lossy(&said);
        let line = said.lines().rev().find(|line| !line.trim().is_empty());
        line.map(ToOwned::to_owned)
    }

    /// Gives it bytes to send. One that does not take them is noticed elsewhere.
    pub(super) async fn say(&mut self, bytes: &[u8]) {
        if let Some(stdin) = &mut self.stdin {
            let saying = async {
                stdin.write_all(bytes).await?;
                stdin.flush().await
            };
            let _ = timeout(self.patience, saying).await;
        }
    }

    /// Ends its input.
    pub(super) fn hush(&mut self) {
        self.stdin = None;
    }

    /// That exactly these bytes come out next.
    pub(super) async fn hears(&mut self, bytes: &[u8]) -> Verdict {
        let mut heard = vec![0; bytes.len()];
        let reading = timeout(self.patience, self.stdout.read_exact(&mut heard)).await;
        let whole = matches!(reading, Ok(Ok(_))) && heard == bytes;
        must(
            whole,
            "the bytes at the client's application",
            "others, or too few",
        )
    }

    /// That its output ends here.
    pub(super) async fn hears_the_end(&mut self) -> Verdict {
        let read = timeout(self.patience, self.stdout.read(&mut [0; 16])).await;
        let told = match &read {
            Err(_) => "it stays open".to_owned(),
            other => format!("{other:?}"),
        };
        must(
            matches!(read, Ok(Ok(0))),
            "an end of file at the client's application",
            told,
        )
    }

    /// Waits for its exit, and says whether it was with 0, and what else came out.
    pub(super) async fn exit(&mut self) -> Result<(bool, Vec<u8>), Complaint> {
        let mut rest = Vec::new();
        let ending = async {
            let _ = self.stdout.read_to_end(&mut rest).await;
            self.child.wait().await
        };
        match timeout(self.patience, ending).await {
            Ok(Ok(status)) => Ok((status.success(), rest)),
            _ => Err(Complaint::fails("the client to end", "it goes on")),
        }
    }

    /// That it ends well.
    pub(super) async fn succeeds(&mut self) -> Verdict {
        let (well, _) = self.exit().await?;
        must(well, "exit code 0", "another")
    }

    /// That it ends, says that something went wrong, and tells the application nothing more.
    pub(super) async fn fails(&mut self) -> Verdict {
        self.hush();
        let (well, rest) = self.exit().await?;
        must(!well, "an exit code that says so", "0")?;
        let told = format!("{} bytes", rest.len());
        must(
            rest.is_empty(),
            "no further bytes for the application",
            told,
        )
    }
}

/// The client in the shell's place: a shell that waits for it would keep its standard output open. A list or a pipeline has to see to
/// that itself.
fn script(command: &str) -> String {
    let is_compound = command.replace(">&", "").contains([';', '&', '|', '\n']);
    if is_compound {
        command.to_owned()
    } else {
        // `env` takes the variables that may stand before a command.
        format!("exec env {command}")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // There may be nobody left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Keeps the end of what comes, so that it neither fills a pipe nor the memory.
async fn listen(mut stderr: ChildStderr, said: Arc<Mutex<Vec<u8>>>) {
    let mut some = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut some).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend(some.iter().take(length));
        let excess = said.len().saturating_sub(SAID);
        said.drain(..excess);
    }
}
