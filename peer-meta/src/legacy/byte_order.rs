/// The order of the bytes in the numbers of a [`Preamble`](super::Preamble): that of the host on which Envoy runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ByteOrder {
    /// `AB CD 12 34`
    Big,
    /// `34 12 CD AB`: x86 and arm64.
    #[default]
    Little,
}

impl ByteOrder {
    pub(super) const fn magic(self) -> [u8; 4] {
        self.bytes(0xABCD_1234)
    }

    pub(super) const fn bytes(self, number: u32) -> [u8; 4] {
        match self {
            Self::Big => number.to_be_bytes(),
            Self::Little => number.to_le_bytes(),
        }
    }

    pub(super) const fn size(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Big => u32::from_be_bytes(bytes),
            Self::Little => u32::from_le_bytes(bytes),
        }
    }
}
