use std::fs;

use anyhow::{Context, Result};

/// The anonymous memory of the process in bytes: its heap and stacks, without code and without what the kernel holds for it.
pub(crate) fn bytes(process: u32) -> Result<u64> {
    let file = format!("/proc/{process}/smaps_rollup");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Anonymous:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes: u64 = kibibytes
        .context("no figure for anonymous memory")?
        .trim()
        .parse()?;
    Ok(kibibytes << 10)
}
