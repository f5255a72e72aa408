/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How often everything is done.
    pub(crate) rounds: usize,
    /// Bytes of one bulk transfer, over all tunnels.
    pub(crate) bulk: u64,
    /// Round trips of one byte.
    pub(crate) round_trips: usize,
    /// Connections one after the other.
    pub(crate) connects: usize,
    /// Requests of 16 KiB, over all tunnels.
    pub(crate) requests: usize,
    /// Idle tunnels.
    pub(crate) held: usize,
}

impl Effort {
    pub(crate) const fn new(quick: bool) -> Self {
        if quick {
            return Self {
                rounds: 3,
                bulk: 256 << 20,
                round_trips: 2_000,
                connects: 300,
                requests: 6_400,
                held: 1_000,
            };
        }
        Self {
            rounds: 9,
            bulk: 1 << 30,
            round_trips: 10_000,
            connects: 1_000,
            requests: 25_600,
            held: 5_000,
        }
    }

    /// As much as it takes to warm up.
    pub(crate) const fn tenth(self) -> Self {
        Self {
            rounds: self.rounds,
            bulk: self.bulk / 10,
            round_trips: self.round_trips / 10,
            connects: self.connects / 10,
            requests: self.requests / 10,
            held: self.held / 10,
        }
    }
}
