use hbone::Forwarded;
use hbone::forwarded::{Element, ForwardedError, Node};
use http::HeaderValue;

/// Any header lines: several lines are one list, what is written is read as the same and is no longer than what came, and without
/// quotes the list is what splitting at commas, semicolons and equals signs makes of it.
pub fn forwarded(data: &[u8]) {
    let lines: Vec<HeaderValue> = crate::lines(data)
        .into_iter()
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
        .collect();
    let read = Forwarded::from_lines(&lines);
    let texts: Vec<&str> = lines.iter().filter_map(|it| it.to_str().ok()).collect();
    let length: usize = lines.iter().map(HeaderValue::len).sum();
    if texts.len() == lines.len() && length < 8000 {
        let joined = texts.join(",");
        // Where a line ends, a quoted string does not go on.
        if !joined.contains('"') {
            assert_eq!(joined.parse(), read, "{joined:?}");
            assert_eq!(read.as_ref().ok().cloned(), split_up(&joined), "{joined:?}");
        }
    }
    let Ok(forwarded) = read else { return };
    let written = forwarded.to_string();
    assert!(written.len() <= length + lines.len(), "{written}");
    assert!(written.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    assert_eq!(written.parse().as_ref(), Ok(&forwarded), "{written}");
    let elements = forwarded.elements();
    assert!((1..=32).contains(&elements.len()));
    assert_eq!(
        forwarded.host(),
        elements.iter().filter_map(Element::host).next_back()
    );
    assert_eq!(Forwarded::new(elements.to_vec()).as_ref(), Ok(&forwarded));
    let mut twice = elements.to_vec();
    twice.extend(elements.iter().cloned());
    match Forwarded::new(twice) {
        Ok(twice) => assert_eq!(twice.to_string(), format!("{written},{written}")),
        Err(error) => assert!(
            error == ForwardedError::TooLong && (elements.len() > 16 || written.len() > 4000)
        ),
    }
    for element in elements {
        for node in [element.client(), element.by()].into_iter().flatten() {
            assert_eq!(node.to_string().parse::<Node>().as_ref(), Ok(node));
            if let Some(addr) = node.addr() {
                assert_eq!(Node::from(addr), *node);
            }
        }
    }
}

fn split_up(text: &str) -> Option<Forwarded> {
    let blank = [' ', '\t'];
    if text
        .bytes()
        .any(|byte| byte < b' ' && byte != b'\t' || byte > b'~')
    {
        return None;
    }
    let mut elements = Vec::new();
    for element in text.split(',') {
        let mut read = Element::new();
        let mut names: Vec<String> = Vec::new();
        for pair in element.split(';').map(|pair| pair.trim_matches(blank)) {
            if pair.is_empty() {
                continue;
            }
            let (name, value) = pair.split_once('=')?;
            let token = |text: &str| {
                !text.is_empty() && !text.contains(|c: char| " \t()<>@,;:\\\"/[]?={}".contains(c))
            };
            let name = name.to_ascii_lowercase();
            if !token(&name) || !token(value) || names.contains(&name) {
                return None;
            }
            read = match &*name {
                "by" => read.with_by(value.parse().ok()?),
                "for" => read.with_for(value.parse().ok()?),
                "host" => read.with_host(value).ok()?,
                "proto" => read.with_proto(value).ok()?,
                _ => read,
            };
            names.push(name);
        }
        if read != Element::new() {
            elements.push(read);
        }
    }
    Forwarded::new(elements).ok()
}
