use anyhow::{Result, anyhow};
use loona_hpack::{Decoder, Encoder};

use super::{Field, Head};

/// The most bytes that the fields of one head come to (RFC 9113 section 6.5.2 counts 32 for each): the limit of
/// ztunnel's server. A block of a few bytes can stand for gigabytes.
const MAX_LIST: usize = 64 * 1024;

/// The blocks of one direction of a connection so far, since every block may refer to earlier ones.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    read: Vec<Vec<u8>>,
}

/// Reads one block.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Head>> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let fields = Blocks::default()
        .read(bytes.to_vec())
        .map_err(|Bad { offset, reason }| anyhow!("byte {offset}: {reason}"))?;
    Ok(vec![Head {
        fields,
        stream: None,
    }])
}

/// Writes the blocks one after the other.
pub(super) fn write(heads: &[Head]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    heads
        .iter()
        .flat_map(|head| encode(&mut encoder, head))
        .collect()
}

pub(super) fn encode(encoder: &mut Encoder<'_>, head: &Head) -> Vec<u8> {
    encoder.encode(
        head.fields
            .iter()
            .map(|field| (&*field.name, &*field.value)),
    )
}

/// What is wrong with a block, and after how many bytes of it.
#[derive(Debug)]
pub(super) struct Bad {
    pub(super) offset: usize,
    pub(super) reason: String,
}

impl Blocks {
    /// Reads the next block.
    pub(super) fn read(&mut self, block: Vec<u8>) -> Result<Vec<Field>, Bad> {
        let mut list = List::default();
        let result = self
            .decoder()
            .decode_with_cb(&block, |name, value| list.push(&name, &value));
        if let Err(error) = result {
            return Err(Bad {
                offset: self.end_of(list.count, &block),
                reason: format!(
                    "no HPACK after {} fields: {error}; begin at the first HEADERS of the connection and leave nothing out",
                    list.count
                ),
            });
        }
        if list.size > MAX_LIST {
            return Err(Bad {
                offset: 0,
                reason: format!(
                    "the fields come to {} bytes, more than the {MAX_LIST} that a head may have",
                    list.size
                ),
            });
        }
        self.read.push(block);
        Ok(list.fields)
    }

    /// A decoder that has seen all blocks so far.
    fn decoder(&self) -> Decoder<'static> {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(MAX_LIST);
        for block in &self.read {
            // Each was read without an error before.
            let _ = decoder.decode_with_cb(block, |_, _| {});
        }
        decoder
    }

    /// Where the first `count` fields of a block end. The decoder does not say, but the shortest beginning of the block
    /// that holds them does.
    fn end_of(&self, count: usize, block: &[u8]) -> usize {
        let (mut low, mut high) = (0, block.len());
        while low < high {
            let middle = low.midpoint(high);
            let mut seen = 0;
            let begin = block.get(..middle).unwrap_or(block);
            let _ = self.decoder().decode_with_cb(begin, |_, _| seen += 1);
            if seen < count {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The fields of a block, as far as they are not too many.
#[derive(Debug, Default)]
struct List {
    count: usize,
    fields: Vec<Field>,
    size: usize,
}

impl List {
    fn push(&mut self, name: &[u8], value: &[u8]) {
        self.count += 1;
        self.size = self.size.saturating_add(name.len() + value.len() + 32);
        if self.size <= MAX_LIST {
            self.fields.push(Field {
                name: name.to_vec(),
                value: value.to_vec(),
                place: format!("field {}", self.count),
            });
        }
    }
}
