use std::net::SocketAddr;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use crate::chain::{Chain, Way};
use crate::effort::Effort;
use crate::load::Load;
use crate::row::{Better, Row};
use crate::stage::Stage;

/// What an idle tunnel costs in memory at each side.
pub(crate) const NAME: &str = "memory an idle tunnel";

pub(crate) fn run(stage: &mut Stage, effort: Effort) -> Result<Vec<Row>> {
    let (ours, naive) = (
        held(stage, Way::Ours(100), effort.held)?,
        held(stage, Way::Naive, effort.held)?,
    );
    let row = |side: usize, name: &str| {
        Row::absolute(
            &format!("{NAME}, {} tunnels: {name}", effort.held),
            "KiB",
            (ours[side], naive[side]),
            Better::Less,
            (6.0, 3.0),
        )
    };
    Ok(vec![row(0, "client's side"), row(1, "server's side")])
}

/// What each relay holds for each of that many tunnels that have nothing to do, in KiB.
pub(crate) fn held(stage: &mut Stage, way: Way, tunnels: usize) -> Result<Vec<f64>> {
    let chain = stage.chain(way)?;
    let before = occupied(&chain)?;
    let to: SocketAddr = chain.entry();
    stage.application.put(Load::Hold { to, tunnels })?;
    let after = occupied(&chain)?;
    stage.application.put(Load::Release)?;
    let each =
        |(before, after): (u64, u64)| after.saturating_sub(before) as f64 / 1024.0 / tunnels as f64;
    Ok(before.into_iter().zip(after).map(each).collect())
}

fn occupied(chain: &Chain) -> Result<Vec<u64>> {
    // What was busy a moment ago comes to rest.
    sleep(Duration::from_millis(500));
    chain.memory()
}
