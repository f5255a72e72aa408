//! `traceparent`: W3C Trace Context section 3.2, with the rules for versions.

use std::num::{NonZeroU64, NonZeroU128};

use hbone::{Traceparent, TraceparentError};
use proptest::prelude::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

#[track_caller]
fn assert_reads_as(text: &str, written: &str) {
    let read: Traceparent = text
        .parse()
        .unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(read.to_string(), written, "{text:?}");
}

#[track_caller]
fn assert_refused(text: &str, error: TraceparentError) {
    assert_eq!(text.parse::<Traceparent>(), Err(error), "{text:?}");
}

#[test]
fn version_00_is_read_and_written() {
    let text = format!("00-{TRACE}-{PARENT}-01");
    assert_reads_as(&text, &text);
    let read: Traceparent = text.parse().expect("a traceparent");
    assert_eq!(
        read.trace_id().get(),
        0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c
    );
    assert_eq!(read.parent_id().get(), 0xb7ad_6b71_6920_3331);
    assert!(read.is_sampled());
}

#[test]
fn flags_without_a_meaning_are_cleared() {
    assert_reads_as(
        &format!("00-{TRACE}-{PARENT}-ff"),
        &format!("00-{TRACE}-{PARENT}-03"),
    );
    assert_reads_as(
        &format!("00-{TRACE}-{PARENT}-fc"),
        &format!("00-{TRACE}-{PARENT}-00"),
    );
}

#[test]
fn a_later_version_is_read_as_far_as_version_00_goes() {
    let written = format!("00-{TRACE}-{PARENT}-01");
    assert_reads_as(&format!("01-{TRACE}-{PARENT}-01"), &written);
    assert_reads_as(
        &format!("fe-{TRACE}-{PARENT}-01-what the future holds"),
        &written,
    );
    assert_reads_as(&format!("cc-{TRACE}-{PARENT}-01-"), &written);
    assert_refused(
        &format!("cc-{TRACE}-{PARENT}-01."),
        TraceparentError::Malformed,
    );
    assert_refused(&format!("cc-{TRACE}-{PARENT}-0"), TraceparentError::Length);
}

#[test]
fn malformed_values_are_refused_with_their_reason() {
    assert_refused("", TraceparentError::Length);
    assert_refused(&format!("00-{TRACE}-{PARENT}-0"), TraceparentError::Length);
    assert_refused(
        &format!("00-{TRACE}-{PARENT}-01-"),
        TraceparentError::Length,
    );
    assert_refused(
        &format!("00-{TRACE}-{PARENT}-01-more"),
        TraceparentError::Length,
    );
    assert_refused(
        &format!("ff-{TRACE}-{PARENT}-01"),
        TraceparentError::Version,
    );
    assert_refused(
        &format!("ff-{TRACE}-{PARENT}-01-more"),
        TraceparentError::Version,
    );
    assert_refused(
        &format!("00-{}-{PARENT}-01", "0".repeat(32)),
        TraceparentError::ZeroId,
    );
    assert_refused(
        &format!("00-{TRACE}-{}-01", "0".repeat(16)),
        TraceparentError::ZeroId,
    );
    for malformed in [
        format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
        format!("00-{TRACE}-{}-01", PARENT.to_uppercase()),
        format!("0A-{TRACE}-{PARENT}-01"),
        format!("00-{TRACE}-{PARENT}-0A"),
        format!("00-{TRACE}-{PARENT}-0g"),
        format!("00_{TRACE}-{PARENT}-01"),
        format!("00-{TRACE}_{PARENT}-01"),
        format!("0-0{TRACE}-{PARENT}-01"),
        format!(" 0-{TRACE}-{PARENT}-01"),
        "0".repeat(55),
        "-".repeat(55),
        format!("00-{TRACE}-{PARENT}-\u{e9}"),
    ] {
        assert_refused(&malformed, TraceparentError::Malformed);
    }
}

#[test]
fn a_proxy_with_a_span_of_its_own_keeps_the_trace() {
    let came: Traceparent = format!("00-{TRACE}-{PARENT}-01")
        .parse()
        .expect("a traceparent");
    let sent = came.with_parent_id(NonZeroU64::MIN);
    assert_eq!(sent.to_string(), format!("00-{TRACE}-0000000000000001-01"));
    assert_eq!(
        sent.with_sampled(false).to_string(),
        format!("00-{TRACE}-0000000000000001-00")
    );
}

proptest! {
    #[test]
    fn a_traceparent_round_trips(trace in 1..=u128::MAX, parent in 1..=u64::MAX, sampled: bool) {
        let (trace, parent) = (NonZeroU128::new(trace).expect("not zero"), NonZeroU64::new(parent).expect("not zero"));
        let sent = Traceparent::new(trace, parent).with_sampled(sampled);
        prop_assert_eq!(sent.to_string().len(), 55);
        prop_assert_eq!(sent.to_string().parse(), Ok(sent));
    }

    #[test]
    fn reading_never_panics(text in "[0-9a-f-]{50,60}|.{0,60}") {
        let _ = text.parse::<Traceparent>();
    }
}
