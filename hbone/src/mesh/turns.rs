use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Candidate, Entropy};

/// Whose turn it is: the choice of an east-west gateway among the [`Candidate`]s of one service, stream by stream.
///
/// Least requests within the shares that the weights promise. Everybody's share is its weight of all; who is not too far ahead
/// of or behind its share may be chosen, and of these whoever has the fewest open streams for its weight is. Who is further
/// behind goes first, and who is further ahead waits, however many streams they have open. Too far is a fortieth of all open streams,
/// but at least one stream and at most ten. So of any 1,000 streams in a row each candidate gets its share to within two and a half
/// percentage points, also when one is slow, and so does each of those that are open where they are few and last: a client that
/// spreads its requests over two dozen tunnels relies on it. Between streams that are equally easy to place the load decides.
///
/// Whoever joins begins at its share, and makes up for nothing that it missed; whoever leaves is forgotten.
///
/// ```
/// use hbone::mesh::{Candidate, Entropy, Turns, Workload};
/// use std::sync::Arc;
///
/// let pod = |uid: &str, weight| {
///     let workload = Workload::new(uid, "spiffe://cluster.local/ns/shop/sa/echo".parse().unwrap());
///     Candidate::new("10.0.0.1:15008".parse().unwrap(), Arc::new(workload), weight)
/// };
/// let pods = [pod("a", 1), pod("b", 3)];
/// let mut turns = Turns::new();
/// let chosen = (0..400).filter_map(|bits| turns.choose(&pods, |_| 0, Entropy::new(bits)));
/// assert_eq!(chosen.filter(|pod| *pod.receiver.uid == *"b").count(), 300);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Turns {
    /// How many streams, in units of [`STREAM`], each is behind its share; negative: ahead of it.
    behind: BTreeMap<Arc<str>, i64>,
}

const STREAM: i64 = 1 << 32;
/// How far the load may push anybody from its share: this part of the streams that are open, but no less and no more than this.
const PART: i64 = 40;
const LEAST_SLACK: i64 = STREAM;
const MOST_SLACK: i64 = 10 * STREAM;

impl Turns {
    /// Nobody has been chosen yet.
    pub const fn new() -> Self {
        Self {
            behind: BTreeMap::new(),
        }
    }

    /// Chooses for one more stream; `open` says how many streams a candidate has now. Chance decides between equals. `None` only
    /// without candidates.
    pub fn choose<'c>(
        &mut self,
        candidates: &'c [Candidate],
        open: impl Fn(&Candidate) -> u64,
        mut entropy: Entropy,
    ) -> Option<&'c Candidate> {
        let shares = shares(candidates);
        let before = std::mem::take(&mut self.behind);
        let mut standing: Vec<Standing<'c>> = Vec::with_capacity(candidates.len());
        for (candidate, share) in candidates.iter().zip(&shares) {
            let uid = &candidate.receiver.uid;
            let behind = before.get(uid).copied().unwrap_or_default();
            standing.push(Standing {
                candidate,
                weight: share.weight,
                share: share.of_one_stream,
                behind: behind.saturating_add(share.of_one_stream),
                open: open(candidate),
            });
        }
        let chosen = next(&standing, slack(&standing), &mut entropy)?;
        for (index, standing) in standing.iter().enumerate() {
            let paid = if index == chosen { STREAM } else { 0 };
            // What is left over when the set changes does not add up for ever.
            let behind = standing
                .behind
                .saturating_sub(paid)
                .clamp(-2 * MOST_SLACK, 2 * MOST_SLACK);
            self.behind
                .insert(standing.candidate.receiver.uid.clone(), behind);
        }
        candidates.get(chosen)
    }
}

#[derive(Debug)]
struct Standing<'c> {
    candidate: &'c Candidate,
    weight: u64,
    share: i64,
    behind: i64,
    open: u64,
}

/// The index of whoever is next. Most of all it counts who is too far behind, then who is not too far ahead; then the load, then who is
/// further behind, then chance.
fn next(standing: &[Standing<'_>], slack: i64, entropy: &mut Entropy) -> Option<usize> {
    let furthest = standing.iter().map(|one| one.behind).max()?;
    let mut best: Vec<usize> = Vec::new();
    for (index, one) in standing.iter().enumerate() {
        let fits = one.share > 0
            && match furthest > slack {
                true => one.behind == furthest,
                false => one.behind >= -slack || one.behind == furthest,
            };
        if !fits {
            continue;
        }
        let order = match best.first().and_then(|first| standing.get(*first)) {
            Some(leader) => one.compare(leader),
            None => std::cmp::Ordering::Less,
        };
        if order.is_lt() {
            best.clear();
        }
        if order.is_le() {
            best.push(index);
        }
    }
    let chosen = entropy.weighted(best.iter().map(|_| 1))?;
    best.get(chosen).copied()
}

/// The load of few streams says little, and much about whoever is slow to end them.
fn slack(standing: &[Standing<'_>]) -> i64 {
    let open = standing
        .iter()
        .fold(0_u64, |open, one| open.saturating_add(one.open));
    let open = i64::try_from(open).unwrap_or(i64::MAX);
    (STREAM / PART)
        .saturating_mul(open)
        .clamp(LEAST_SLACK, MOST_SLACK)
}

impl Standing<'_> {
    /// Less is better.
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let load = |one: &Self, weight: u64| u128::from(one.open) * u128::from(weight);
        load(self, other.weight)
            .cmp(&load(other, self.weight))
            .then(other.behind.cmp(&self.behind))
    }
}

#[derive(Debug)]
struct Share {
    /// Never 0.
    weight: u64,
    of_one_stream: i64,
}

/// What each has to get of one stream. Where all weigh nothing, all weigh the same; else who weighs nothing gets nothing.
fn shares(candidates: &[Candidate]) -> Vec<Share> {
    let total: u64 = candidates.iter().map(|one| u64::from(one.weight)).sum();
    let weight_of = |one: &Candidate| match total {
        0 => 1,
        _ => u64::from(one.weight),
    };
    let total: u64 = candidates.iter().map(weight_of).sum();
    let share_of = |one: &Candidate| {
        let weight = weight_of(one);
        let part = u128::from(weight) * u128::from(STREAM.unsigned_abs());
        let part = part.checked_div(u128::from(total)).unwrap_or_default();
        Share {
            weight: weight.max(1),
            of_one_stream: i64::try_from(part).unwrap_or(STREAM),
        }
    };
    candidates.iter().map(share_of).collect()
}
