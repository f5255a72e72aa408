use std::fs;

use anyhow::{Context, Result};

/// How long the threads of the process have run so far, in seconds: on their own behalf and in the kernel, as the scheduler
/// accounts for it in nanoseconds.
pub(crate) fn seconds(process: u32) -> Result<f64> {
    let tasks = format!("/proc/{process}/task");
    let mut nanos = 0;
    for task in fs::read_dir(&tasks).with_context(|| format!("listing {tasks}"))? {
        let file = task?.path().join("schedstat");
        // A thread may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let ran = text
            .split(' ')
            .next()
            .and_then(|ran| ran.parse::<u64>().ok());
        nanos += ran.with_context(|| format!("{} has no figure", file.display()))?;
    }
    Ok(nanos as f64 / 1e9)
}
