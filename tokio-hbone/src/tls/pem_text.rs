/// A text of PEM without the byte order mark that some editors put before it: with it, the first block would not begin at the start
/// of its line and be skipped without a word, be it a leaf, a root or a revocation list.
pub(super) fn pem_text(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}
