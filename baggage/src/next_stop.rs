/// Where the first octet from `from` on stands that is outside 2D-7A, or is `;` or `\`; the length if there is
/// none, and perhaps more if `from` is.
///
/// Up to there is what keys, `=` and most values are made of. Eight octets are looked at at once.
#[inline]
pub(crate) fn next_stop(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(octets) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let stops = stops(u64::from_le_bytes(*octets));
        if stops != 0 {
            return at + first(stops);
        }
        at += octets.len();
    }
    // Fewer than eight are left. The zeros after them stop too.
    let last = text.get(at..).unwrap_or_default().iter().rev();
    let last = last.fold(0, |word, &octet| word << 8 | u64::from(octet));
    at + first(stops(last))
}

/// The highest bit of each octet that stops. A carry or borrow from one that does spoils those after it, which
/// do not matter.
#[inline]
const fn stops(octets: u64) -> u64 {
    const fn all(octet: u8) -> u64 {
        u64::from_le_bytes([octet; 8])
    }
    let below = octets.wrapping_sub(all(0x2d));
    let above = octets.wrapping_add(all(0x80 - 0x7b));
    let semicolon = (octets ^ all(b';')).wrapping_sub(all(1));
    let backslash = (octets ^ all(b'\\')).wrapping_sub(all(1));
    (octets | below | above | semicolon | backslash) & all(0x80)
}

#[inline]
const fn first(stops: u64) -> usize {
    stops.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::next_stop;
    use alloc::vec::Vec;

    #[test]
    fn every_octet_in_every_place_stops_or_does_not() {
        for octet in 0..=u8::MAX {
            for length in 1..20 {
                for at in 0..length {
                    let mut text: Vec<u8> = core::iter::repeat_n(b'x', length).collect();
                    text[at] = octet;
                    let expected = if is_stop(octet) { at } else { length };
                    assert_eq!(next_stop(&text, 0), expected, "{octet:#x} at {at}");
                }
            }
        }
    }

    #[test]
    fn the_next_stop_is_found_from_every_place_whatever_stands_beside_it() {
        let mut state = 1_u32;
        let text: Vec<u8> = (0..10_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        for from in 0..text.len() {
            let next = text[from..].iter().position(|&octet| is_stop(octet));
            let expected = next.map_or(text.len(), |next| from + next);
            assert_eq!(next_stop(&text, from), expected, "from {from}");
        }
    }

    fn is_stop(octet: u8) -> bool {
        !matches!(octet, 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7a)
    }
}
