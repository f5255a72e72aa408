/// The 8 bytes before metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// As far as there is any, it could be one.
    Partial,
    /// It is none.
    Other,
    /// The size of what follows.
    Size(usize),
}

pub(super) const HEADER: usize = 8;

impl Header {
    /// Looks for a header; what differs from `magic` is told from it at its first byte.
    pub(super) fn parse(bytes: &[u8], magic: [u8; 4], size: impl Fn([u8; 4]) -> u32) -> Self {
        if bytes
            .iter()
            .zip(&magic)
            .any(|(byte, expected)| byte != expected)
        {
            return Self::Other;
        }
        match bytes.first_chunk::<HEADER>() {
            Some([_, _, _, _, a, b, c, d]) => {
                usize::try_from(size([*a, *b, *c, *d])).map_or(Self::Size(usize::MAX), Self::Size)
            }
            None => Self::Partial,
        }
    }
}

/// Appends a header and what it is for.
pub(super) fn write(
    magic: [u8; 4],
    size: impl Fn(u32) -> [u8; 4],
    body: &[u8],
    out: &mut Vec<u8>,
) -> bool {
    let Ok(len) = u32::try_from(body.len()) else {
        return false;
    };
    out.extend_from_slice(&magic);
    out.extend_from_slice(&size(len));
    out.extend_from_slice(body);
    true
}
