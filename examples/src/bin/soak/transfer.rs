//! Sending what a pattern says, and checking that it has come.

use bytes::BytesMut;
use hbone::TunnelError;
use hbone_examples::random::Random;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_hbone::Tunnel;

use crate::pattern::{Direction, Pattern};
use crate::trouble::Trouble;

/// One direction of one tunnel.
#[derive(Clone, Copy)]
pub(crate) struct Transfer {
    pub(crate) pattern: Pattern,
    pub(crate) direction: Direction,
    pub(crate) length: u64,
}

const CHUNK: usize = 16 << 10;

impl Transfer {
    pub(crate) const fn new(tunnel: u64, direction: Direction, length: u64) -> Self {
        Self {
            pattern: Pattern::new(tunnel, direction),
            direction,
            length,
        }
    }

    /// Writes all of it, in pieces of random size.
    pub(crate) async fn send(
        self,
        to: &mut (impl AsyncWrite + Unpin),
        random: &mut Random,
    ) -> std::io::Result<()> {
        let mut chunk = BytesMut::new();
        let mut sent = 0;
        while sent < self.length {
            let some = self.piece(sent, random);
            chunk.resize(some, 0);
            self.pattern.fill(sent, &mut chunk);
            to.write_all(&chunk).await?;
            sent += some as u64;
        }
        to.flush().await
    }

    /// The same without copies.
    pub(crate) async fn send_chunks(
        self,
        to: &mut Tunnel,
        random: &mut Random,
    ) -> Result<(), TunnelError> {
        let mut sent = 0;
        while sent < self.length {
            let mut chunk = BytesMut::zeroed(self.piece(sent, random));
            self.pattern.fill(sent, &mut chunk);
            sent += chunk.len() as u64;
            to.write_chunk(chunk.freeze()).await?;
        }
        Ok(())
    }

    /// Reads all of it and the end of file.
    pub(crate) async fn receive(self, from: &mut (impl AsyncRead + Unpin)) -> Result<(), Trouble> {
        let mut got = 0;
        while let Some(more) = self.receive_some(got, from).await? {
            got += more;
        }
        self.whole(got)
    }

    /// Reads at least `enough` of it.
    pub(crate) async fn receive_until(
        self,
        enough: u64,
        from: &mut (impl AsyncRead + Unpin),
    ) -> Result<(), Trouble> {
        let mut got = 0;
        while got < enough {
            match self.receive_some(got, from).await? {
                Some(more) => got += more,
                None => return self.whole(got),
            }
        }
        Ok(())
    }

    /// All of it and the end of file, without copies.
    pub(crate) async fn receive_chunks(self, from: &mut Tunnel) -> Result<(), Trouble> {
        let mut got = 0;
        while let Some(chunk) = from.read_chunk().await? {
            got += self.check(got, &chunk)?;
        }
        self.whole(got)
    }

    /// Reads what there is; `None` at the end of file.
    async fn receive_some(
        self,
        got: u64,
        from: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<u64>, Trouble> {
        let mut space = [0; 4 << 10];
        let some = from.read(&mut space).await?;
        if some == 0 {
            return Ok(None);
        }
        self.check(got, &space[..some]).map(Some)
    }

    fn check(self, got: u64, bytes: &[u8]) -> Result<u64, Trouble> {
        let direction = self.direction;
        if let Some(at) = self.pattern.first_difference(got, bytes) {
            return Err(Trouble::Corrupt { direction, at });
        }
        let some = bytes.len() as u64;
        if got + some > self.length {
            return Err(Trouble::Excess { direction });
        }
        Ok(some)
    }

    const fn whole(self, got: u64) -> Result<(), Trouble> {
        if got < self.length {
            return Err(Trouble::Short {
                direction: self.direction,
                at: got,
            });
        }
        Ok(())
    }

    fn piece(self, sent: u64, random: &mut Random) -> usize {
        let most = usize::try_from(self.length - sent).unwrap_or(CHUNK);
        (1 + random.below(CHUNK)).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn received(length: u64, bytes: &[u8]) -> Result<(), Trouble> {
        let transfer = Transfer::new(1, Direction::Up, length);
        transfer.receive(&mut &*bytes).await
    }

    #[tokio::test]
    async fn what_is_whole_is_taken_and_nothing_else() {
        let transfer = Transfer::new(1, Direction::Up, 20_000);
        let mut bytes = Vec::new();
        let sent = transfer.send(&mut bytes, &mut Random::new(1)).await;
        sent.expect("a vector takes it");
        assert!(received(20_000, &bytes).await.is_ok());
        let short = received(20_001, &bytes).await;
        assert!(matches!(short, Err(Trouble::Short { at: 20_000, .. })));
        let excess = received(19_999, &bytes).await;
        assert!(matches!(excess, Err(Trouble::Excess { .. })));
        bytes[12_345] ^= 1;
        let bent = received(20_000, &bytes).await;
        assert!(matches!(bent, Err(Trouble::Corrupt { at: 12_345, .. })));
    }
}
