use anyhow::{Result, anyhow};

use super::{Field, Head};

/// Reads a line a field; an empty line ends a head.
pub(super) fn parse(input: &[u8]) -> Result<Vec<Head>> {
    let mut heads = Vec::new();
    let mut fields = Vec::new();
    for (index, line) in input.split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            end(&mut heads, &mut fields);
            continue;
        }
        let place = format!("line {}", index + 1);
        let (name, value) = split(line).ok_or_else(|| {
            anyhow!("{place}: no `name: value`; write a head as lines such as `:method: CONNECT` and `:authority: HOST:PORT`, or name another --form")
        })?;
        fields.push(Field {
            name: name.to_vec(),
            value: value.trim_ascii().to_vec(),
            place,
        });
    }
    end(&mut heads, &mut fields);
    Ok(heads)
}

/// Writes a line a field, and an empty line between two heads.
pub(super) fn write(heads: &[Head]) -> Vec<u8> {
    let heads: Vec<Vec<u8>> = heads
        .iter()
        .map(|head| {
            let lines = head
                .fields
                .iter()
                .map(|field| [&field.name, &b": "[..], &field.value, b"\n"].concat());
            lines.collect::<Vec<_>>().concat()
        })
        .collect();
    heads.join(&b'\n')
}

fn end(heads: &mut Vec<Head>, fields: &mut Vec<Field>) {
    if !fields.is_empty() {
        heads.push(Head {
            fields: std::mem::take(fields),
            stream: None,
        });
    }
}

/// The colon that ends a name is not the one that a pseudo-header begins with.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().skip(1).position(|&byte| byte == b':')? + 1;
    Some((line.get(..colon)?, line.get(colon + 1..)?))
}
