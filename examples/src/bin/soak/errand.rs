use hbone_examples::random::Random;

/// What is to happen in one tunnel. The caller draws it, and tells the application in the first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errand {
    /// Which tunnel it is, and so what its bytes are.
    pub(crate) tunnel: u64,
    pub(crate) kind: Kind,
    /// Bytes from the caller to the application.
    pub(crate) up: u64,
    /// Bytes from the application to the caller.
    pub(crate) down: u64,
}

/// How a tunnel is used, and how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Both directions at once, each ended behind its last byte.
    Duplex,
    /// The caller ends its half; only then does the application begin.
    UploadFirst,
    /// The other way about.
    DownloadFirst,
    /// The caller lets the tunnel go in the middle: the application must see a failure.
    CallerResets,
    /// The application resets its socket in the middle: the caller must see a failure.
    ApplicationResets,
}

impl Errand {
    /// How many bytes it is told in.
    pub(crate) const LENGTH: usize = 32;

    pub(crate) fn draw(tunnel: u64, random: &mut Random) -> Self {
        let kind = match random.below(100) {
            0..55 => Kind::Duplex,
            55..70 => Kind::UploadFirst,
            70..85 => Kind::DownloadFirst,
            85..93 => Kind::CallerResets,
            _ => Kind::ApplicationResets,
        };
        let (up, mut down) = (size(random), size(random));
        if kind == Kind::CallerResets {
            // The first of them tells the caller that the application has begun.
            down += 1;
        }
        Self {
            tunnel,
            kind,
            up,
            down,
        }
    }

    pub(crate) fn encode(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.tunnel.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.up.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.down.to_le_bytes());
        bytes[24] = self.kind as u8;
        bytes
    }

    /// `None` if the bytes are nothing that [`encode`](Self::encode) has written.
    pub(crate) fn decode(bytes: &[u8; Self::LENGTH]) -> Option<Self> {
        let number = |range: std::ops::Range<usize>| {
            let bytes = bytes[range].try_into().ok()?;
            Some(u64::from_le_bytes(bytes))
        };
        let kind = KINDS.into_iter().find(|kind| *kind as u8 == bytes[24])?;
        let errand = Self {
            tunnel: number(0..8)?,
            kind,
            up: number(8..16)?,
            down: number(16..24)?,
        };
        (errand.encode() == *bytes).then_some(errand)
    }
}

const KINDS: [Kind; 5] = [
    Kind::Duplex,
    Kind::UploadFirst,
    Kind::DownloadFirst,
    Kind::CallerResets,
    Kind::ApplicationResets,
];

/// From nothing to 1 MiB; small ones are as frequent as large ones.
fn size(random: &mut Random) -> u64 {
    let most = 1_usize << random.below(21);
    random.below(most) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_is_read_as_it_was_written_and_nothing_else_is() {
        let mut random = Random::new(1);
        for tunnel in 0..1_000 {
            let errand = Errand::draw(tunnel, &mut random);
            let mut bytes = errand.encode();
            assert_eq!(Errand::decode(&bytes), Some(errand));
            bytes[24] = 5;
            assert_eq!(Errand::decode(&bytes), None);
        }
        assert_eq!(Errand::decode(&[0xff; Errand::LENGTH]), None);
    }
}
