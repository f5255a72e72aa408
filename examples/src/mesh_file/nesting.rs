/// How deep a mesh file may nest what stands in brackets. What a mesh needs is six.
const DEEPEST: usize = 100;

/// The line in which `text` nests brackets too deep, if it does. It takes time in proportion to the text, where reading it as YAML
/// takes that times the depth.
///
/// Quotes and comments are skipped as YAML has them. In a plain text a bracket that is never closed counts for nothing as long as
/// there are fewer of them than may be nested.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let mut depth: usize = 0;
    let mut line = 1;
    // Where a value can begin: after a blank, or after what stands between values in brackets.
    let mut is_start = true;
    let mut characters = text.bytes().peekable();
    while let Some(byte) = characters.next() {
        match byte {
            b'[' | b'{' if is_start || depth > 0 => {
                depth = depth.saturating_add(1);
                if depth > DEEPEST {
                    return Some(line);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'#' if is_start => while characters.next_if(|next| *next != b'\n').is_some() {},
            b'"' | b'\'' if is_start => {
                while let Some(inside) = characters.next() {
                    match inside {
                        b'\n' => line += 1,
                        b'\\' if byte == b'"' => drop(characters.next_if(|next| *next != b'\n')),
                        // Two single ones stand for one.
                        b'\'' if byte == inside && characters.next_if_eq(&inside).is_some() => {}
                        end if end == byte => break,
                        _ => {}
                    }
                }
            }
            b'\n' => line += 1,
            _ => {}
        }
        let is_between = depth > 0 && matches!(byte, b'[' | b'{' | b',' | b':');
        is_start = is_between || byte.is_ascii_whitespace();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_counted_where_they_nest() {
        assert_eq!(too_deep(&"[".repeat(DEEPEST)), None);
        let deep = "[".repeat(DEEPEST + 1);
        assert_eq!(too_deep(&format!("a:\n  {deep}")), Some(2));
        assert_eq!(too_deep(&"{a: ".repeat(DEEPEST + 1)), Some(1));
        assert_eq!(too_deep(&"[\n".repeat(DEEPEST + 1)), Some(DEEPEST + 1));
        assert_eq!(too_deep(&"[a]\n".repeat(DEEPEST + 1)), None);
    }

    #[test]
    fn brackets_in_quotes_comments_and_plain_texts_do_not_nest() {
        let many = "[".repeat(DEEPEST + 1);
        for text in [
            format!("a: '{many}'"),
            format!("a: \"\\\"{many}\""),
            format!("[\"{many}\", '{many}']"),
            format!("a: 'it''s {many}'"),
            format!("a: b # {many}"),
            format!("a: b{many}"),
        ] {
            assert_eq!(too_deep(&text), None, "{text}");
        }
        for text in [
            format!("a: it's {many}"),
            format!("a: \"\" {many}"),
            format!("a: 'it''s' {many}"),
            format!("a#: {many}"),
        ] {
            assert_eq!(too_deep(&text), Some(1), "{text}");
        }
    }
}
