use std::num::{NonZeroU64, NonZeroU128};

use hbone::Traceparent;
use http::HeaderValue;

/// Any octets: what is read is what the grammar makes of them, and what is written is read as the same.
pub fn traceparent(data: &[u8]) {
    let Ok(header) = HeaderValue::from_bytes(data) else {
        return;
    };
    let read = Traceparent::from_header(&header).ok();
    let expected = by_the_grammar(&String::from_utf8_lossy(data));
    assert_eq!(
        read.map(|it| (it.trace_id(), it.parent_id(), it.is_sampled())),
        expected
    );
    let Some(read) = read else { return };
    let written = read.to_string();
    assert_eq!(written.len(), 55);
    assert_eq!(written.parse(), Ok(read));
    assert!(written.starts_with("00-"));
    assert_eq!(read.with_sampled(read.is_sampled()), read);
    let fresh = Traceparent::new(read.trace_id(), NonZeroU64::MIN)
        .with_parent_id(read.parent_id())
        .with_sampled(true);
    assert_eq!(fresh.to_string()[..53], written[..53]);
}

/// `version "-" trace-id "-" parent-id "-" flags`, and in versions after 00 perhaps more behind another hyphen.
fn by_the_grammar(text: &str) -> Option<(NonZeroU128, NonZeroU64, bool)> {
    let fields: Vec<&str> = text.splitn(5, '-').collect();
    let [version, trace, parent, flags, more @ ..] = &fields[..] else {
        return None;
    };
    let lengths = [version.len(), trace.len(), parent.len(), flags.len()];
    let digits = [version, trace, parent, flags]
        .iter()
        .all(|field| field.chars().all(|c| "0123456789abcdef".contains(c)));
    if lengths != [2, 32, 16, 2] || !digits || *version == "ff" {
        return None;
    }
    if *version == "00" && !more.is_empty() {
        return None;
    }
    let number = |field: &str| u128::from_str_radix(field, 16).ok();
    let trace = NonZeroU128::new(number(trace)?)?;
    let parent = NonZeroU64::new(number(parent)?.try_into().ok()?)?;
    Some((trace, parent, number(flags)? % 2 == 1))
}
