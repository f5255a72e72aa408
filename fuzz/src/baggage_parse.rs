use baggage::{Baggage, Limits, Members};

use crate::oracle;

/// Any octets, one header line a line: lenient and strict parsing agree with the oracle, and where the header
/// is split makes no difference.
pub fn baggage_parse(data: &[u8]) {
    for (members, bytes, raw_bytes) in [(64, 8192, 16_384), (3, 40, 60)] {
        let limits = Limits::new()
            .with_members(members)
            .with_bytes(bytes)
            .with_raw_bytes(raw_bytes);
        let naive = oracle::Limits {
            members,
            bytes,
            raw_bytes,
        };
        check(&crate::lines(data), &limits, &naive);
    }
}

fn check(lines: &[&[u8]], limits: &Limits, naive: &oracle::Limits) {
    let parsed = Baggage::parse(lines, limits);
    let expected = oracle::lenient(lines.iter().copied(), naive);
    assert_eq!(as_read(&parsed.baggage), expected.members);
    assert_eq!(parsed.skipped_total, expected.malformed);
    assert_eq!(parsed.truncated.is_some(), expected.truncated);

    match (
        Baggage::parse_strict(lines, limits),
        oracle::strict(lines.iter().copied(), naive),
    ) {
        (Ok(baggage), Ok(members)) => {
            assert_eq!(as_read(&baggage), members);
            assert_eq!(baggage, parsed.baggage);
        }
        (Err(error), Err(name)) => assert_eq!(error.kind().as_str(), name),
        (parsed, expected) => panic!("{parsed:?} is not {expected:?}"),
    }

    for error in Members::strict(lines, limits).filter_map(Result::err) {
        assert!(error.offset() <= lines[error.line()].len(), "{error}");
        assert!(error.to_string().contains(&error.kind().to_string()));
    }
    let joined = lines.join(&b","[..]);
    let whole = Baggage::parse([&joined], limits);
    assert_eq!(whole.baggage.to_string(), parsed.baggage.to_string());
    assert_eq!(whole.skipped_total, parsed.skipped_total);
    assert_eq!(whole.truncated.is_some(), parsed.truncated.is_some());

    let mut header = String::new();
    parsed.baggage.encode(limits, &mut header);
    assert!(header.len() <= limits.bytes() && header.bytes().all(|byte| byte.is_ascii_graphic()));
    if !header.is_empty() {
        let roomy = limits.with_raw_bytes(limits.bytes());
        assert!(Baggage::parse_strict([&header], &roomy).is_ok(), "{header}");
    }
}

pub(crate) fn as_read(baggage: &Baggage) -> Vec<oracle::Member> {
    let member = |member: baggage::Member<'_>| oracle::Member {
        key: member.key().to_owned(),
        value: member.value().into_owned(),
        properties: member
            .properties()
            .map(|property| {
                (
                    property.key().to_owned(),
                    property.value().map(|value| value.into_owned()),
                )
            })
            .collect(),
    };
    baggage.iter().map(member).collect()
}
