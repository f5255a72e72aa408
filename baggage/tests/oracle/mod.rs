//! A slow reader of baggage, written from the grammar and the rules, that the real ones must agree with.
//!
//! It joins the lines, splits at every comma, then at every semicolon, then at the first equals sign, and
//! looks at each piece by itself.

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) members: Vec<Member>,
    pub(crate) malformed: usize,
    pub(crate) truncated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) properties: Vec<(String, Option<String>)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) members: usize,
    pub(crate) bytes: usize,
    pub(crate) raw_bytes: usize,
}

pub(crate) fn lenient<'a>(lines: impl IntoIterator<Item = &'a [u8]>, limits: &Limits) -> Read {
    let lines: Vec<&[u8]> = lines.into_iter().collect();
    let mut read = Read {
        members: Vec::new(),
        malformed: 0,
        truncated: false,
    };
    if lines.is_empty() {
        return read;
    }
    let joined = lines.join(&b","[..]);
    let (mut end, mut bytes) = (0, 0);
    for (index, element) in joined.split(|&byte| byte == b',').enumerate() {
        end += usize::from(index > 0) + element.len();
        if end > limits.raw_bytes {
            read.truncated = true;
            break;
        }
        let element = trim(element);
        if element.is_empty() {
            continue;
        }
        let Ok(member) = member(element, false) else {
            read.malformed += 1;
            continue;
        };
        let more = bytes + element.len() + usize::from(!read.members.is_empty());
        if read.members.len() == limits.members || more > limits.bytes {
            read.truncated = true;
            break;
        }
        bytes = more;
        read.members.push(member);
    }
    read
}

/// The members, or the name of the first error.
pub(crate) fn strict<'a>(
    lines: impl IntoIterator<Item = &'a [u8]>,
    limits: &Limits,
) -> Result<Vec<Member>, &'static str> {
    let lines: Vec<&[u8]> = lines.into_iter().collect();
    let mut members = Vec::new();
    if lines.is_empty() {
        return Ok(members);
    }
    let joined = lines.join(&b","[..]);
    let (mut end, mut bytes, mut over) = (0, 0, None);
    for (index, element) in joined.split(|&byte| byte == b',').enumerate() {
        end += usize::from(index > 0) + element.len();
        if end > limits.raw_bytes {
            over = over.or(Some("too_large"));
            break;
        }
        let element = trim(element);
        if element.is_empty() {
            return Err("empty_member");
        }
        members.push(member(element, true)?);
        bytes += element.len() + usize::from(index > 0);
        if members.len() > limits.members {
            over = over.or(Some("too_many_members"));
        } else if bytes > limits.bytes {
            over = over.or(Some("too_large"));
        }
    }
    match over {
        Some(limit) => Err(limit),
        None => Ok(members),
    }
}

fn member(element: &[u8], strict: bool) -> Result<Member, &'static str> {
    let mut pieces = element.split(|&byte| byte == b';');
    let pair = pieces.next().unwrap_or_default();
    let equals = pair
        .iter()
        .position(|&byte| byte == b'=')
        .ok_or("missing_equals")?;
    let (key, value) = (trim(&pair[..equals]), trim(&pair[equals + 1..]));
    if !is_token(key) {
        return Err("invalid_key");
    }
    check_value(value, strict, "invalid_value")?;
    let mut properties = Vec::new();
    for property in pieces.map(trim) {
        if property.is_empty() {
            match strict {
                true => return Err("invalid_property"),
                false => continue,
            }
        }
        let (key, value) = match property.iter().position(|&byte| byte == b'=') {
            Some(equals) => (
                trim(&property[..equals]),
                Some(trim(&property[equals + 1..])),
            ),
            None => (property, None),
        };
        if !is_token(key) {
            return Err("invalid_property");
        }
        if let Some(value) = value {
            check_value(value, strict, "invalid_property")?;
        }
        properties.push((ascii(key), value.map(decode)));
    }
    Ok(Member {
        key: ascii(key),
        value: decode(value),
        properties,
    })
}

/// The first octet that is wrong tells which error it is.
fn check_value(value: &[u8], strict: bool, illegal: &'static str) -> Result<(), &'static str> {
    for (at, &byte) in value.iter().enumerate() {
        if !is_baggage_octet(byte) {
            return Err(illegal);
        }
        let escapes = hex(value.get(at + 1)).is_some() && hex(value.get(at + 2)).is_some();
        if strict && byte == b'%' && !escapes {
            return Err("invalid_percent");
        }
    }
    Ok(())
}

fn decode(value: &[u8]) -> String {
    let mut octets = Vec::new();
    let mut at = 0;
    while at < value.len() {
        match (value[at], hex(value.get(at + 1)), hex(value.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                octets.push(high * 16 + low);
                at += 3;
            }
            (byte, ..) => {
                octets.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

fn hex(digit: Option<&u8>) -> Option<u8> {
    char::from(*digit?).to_digit(16).map(|digit| digit as u8)
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

fn is_token(key: &[u8]) -> bool {
    let tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !key.is_empty() && key.iter().all(tchar)
}

fn is_baggage_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

fn ascii(text: &[u8]) -> String {
    String::from_utf8(text.to_vec()).expect("a token")
}
