use baggage::Sanitized;

/// The same JSON with every character escaped that could change what a terminal shows. They stand in strings
/// only, where JSON allows the escape.
pub(crate) fn terminal_safe(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        let mut buffer = [0; 4];
        let shown = Sanitized::new(character.encode_utf8(&mut buffer)).to_cow();
        if matches!(character, '\n' | '\\') || shown.chars().eq([character]) {
            safe.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    safe
}
