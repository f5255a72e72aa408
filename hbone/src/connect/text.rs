use std::fmt::{self, Display, Write};

/// What fits into the same allocation as the reference count of the bytes: an authority, a `forwarded` of one element and a
/// `traceparent` of usual length do.
const INLINE: usize = 384;

/// Text that is written once and then shared in parts.
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is what saves an allocation"
)]
pub(super) enum Text {
    Inline { bytes: [u8; INLINE], len: usize },
    Heap(Vec<u8>),
}

impl Text {
    pub(super) const fn new() -> Self {
        Self::Inline {
            bytes: [0; INLINE],
            len: 0,
        }
    }

    /// Appends and returns the length of all the text so far.
    pub(super) fn push(&mut self, value: &impl Display) -> usize {
        // Neither this writer nor a `Display` of ours has an error of its own.
        let _ = write!(self, "{value}");
        self.as_ref().len()
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let text = text.as_bytes();
        match self {
            Self::Inline { bytes, len } => {
                let end = len.saturating_add(text.len());
                if let Some(room) = bytes.get_mut(*len..end) {
                    room.copy_from_slice(text);
                    *len = end;
                } else {
                    let written = bytes.get(..*len).unwrap_or_default();
                    *self = Self::Heap([written, text].concat());
                }
            }
            Self::Heap(bytes) => bytes.extend_from_slice(text),
        }
        Ok(())
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Inline { bytes, len } => bytes.get(..*len).unwrap_or_default(),
            Self::Heap(bytes) => bytes,
        }
    }
}
