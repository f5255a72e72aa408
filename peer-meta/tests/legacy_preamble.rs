//! Envoy's in-process preamble: fault rows 145 to 154, and every branch of its receiver.
#![cfg(feature = "legacy")]

mod wire;
mod world;

use baggage::istio::PeerAttributes;
use peer_meta::legacy::{
    ByteOrder, Case, FramingError, Metadata, MetadataError, OnFault, Outcome, Preamble, ReadConfig,
    Received,
};
use peer_meta::{Attributes, Peer};
use proptest::collection::vec;
use proptest::prelude::*;
use wire::{field, in_any, nested, unhex};
use world::{epoch, id, seconds, workload};

const PASS: Received = Received::Pass { skip: 0 };

fn reader(on_fault: OnFault) -> Preamble {
    Preamble::new(ByteOrder::Little, on_fault, ReadConfig::new(), None)
}

fn metadata() -> Metadata {
    Metadata::new(workload("server", "c2")).with_identity("spiffe://mesh/ns/server-ns/sa/server")
}

fn encoded(metadata: Option<&Metadata>, order: ByteOrder) -> Vec<u8> {
    let mut out = Vec::new();
    Preamble::encode(metadata, order, &mut out);
    out
}

fn header(size: u32) -> Vec<u8> {
    let mut bytes = vec![0x34, 0x12, 0xCD, 0xAB];
    bytes.extend_from_slice(&size.to_le_bytes());
    bytes
}

fn framed(body: &[u8]) -> Vec<u8> {
    let mut bytes = header(u32::try_from(body.len()).unwrap());
    bytes.extend_from_slice(body);
    bytes
}

/// Feeds pieces as a caller would, keeping what is held; returns what reached the application.
fn feed(preamble: &mut Preamble, pieces: &[&[u8]], end: bool) -> Result<Vec<u8>, FramingError> {
    let (mut held, mut application) = (Vec::new(), Vec::new());
    for (at, piece) in pieces.iter().enumerate() {
        held.extend_from_slice(piece);
        match preamble.handle_data(&held, end && at + 1 == pieces.len())? {
            Received::Hold => {}
            Received::Pass { skip } => application.extend(held.drain(..).skip(skip)),
            other => panic!("{other:?}"),
        }
    }
    assert!(!end || held.is_empty(), "nothing is held after the end");
    Ok(application)
}

fn found(preamble: &Preamble) -> Option<Metadata> {
    match preamble.outcome() {
        Outcome::Found(metadata) => Some(metadata.claim().clone()),
        _ => None,
    }
}

#[test]
fn the_committed_preamble_is_read_and_written_as_it_stands() {
    let bytes = unhex(include_str!("data/preamble.hex"));
    let mut preamble = reader(OnFault::Fail);
    assert_eq!(
        preamble.handle_data(&bytes, false),
        Ok(Received::Pass { skip: bytes.len() })
    );
    let read = found(&preamble).unwrap();
    assert_eq!(read.attributes().workload(), Some("cart-v2"));
    assert_eq!(read.attributes().app(), Some("cart-app"));
    assert_eq!(read.attributes().version(), Some("2.1.0"));
    assert_eq!(encoded(Some(&read), ByteOrder::Little), bytes);
}

// [145]
#[test]
fn row_145_truncated_at_any_byte_and_the_end_is_no_peer_and_all_bytes_are_the_applications() {
    let whole = encoded(Some(&metadata()), ByteOrder::Little);
    for cut in 0..whole.len() {
        let mut preamble = reader(OnFault::PassThrough);
        let application = feed(&mut preamble, &[&whole[..cut]], true).unwrap();
        assert_eq!(application, &whole[..cut], "{cut}");
        assert_eq!(preamble.outcome(), Outcome::NotFound, "{cut}");
    }
}

// [145]
#[test]
fn row_145_truncated_and_the_end_is_an_error_if_asked_for() {
    let whole = encoded(Some(&metadata()), ByteOrder::Little);
    for cut in 1..whole.len() {
        let error = feed(&mut reader(OnFault::Fail), &[&whole[..cut]], true);
        assert_eq!(error, Err(FramingError::Truncated), "{cut}");
    }
    assert_eq!(
        feed(&mut reader(OnFault::Fail), &[b""], true),
        Ok(Vec::new()),
        "an empty stream is whole"
    );
}

// [146]
#[test]
fn row_146_wrong_magic_consumes_nothing_under_either_policy() {
    for on_fault in [OnFault::Fail, OnFault::PassThrough] {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"\x34\x12\xcd\xac\0\0\0\0",
            b"\xab\xcd\x12\x34\0\0\0\0",
            b"\0",
        ] {
            let mut preamble = reader(on_fault);
            assert_eq!(preamble.handle_data(bytes, false), Ok(PASS), "{bytes:x?}");
            assert_eq!(preamble.outcome(), Outcome::NotFound);
        }
    }
}

// [146]
#[test]
fn row_146_what_cannot_become_a_preamble_is_passed_on_at_its_first_byte() {
    let mut preamble = reader(OnFault::PassThrough);
    assert_eq!(preamble.handle_data(b"\x34\x12", false), Ok(Received::Hold));
    assert_eq!(
        preamble.handle_data(b"\x34\x12h", false),
        Ok(PASS),
        "an application may wait after three bytes"
    );
}

// [147]
#[test]
fn row_147_size_zero_consumes_its_header_and_is_no_peer() {
    let mut preamble = reader(OnFault::Fail);
    let mut bytes = encoded(None, ByteOrder::Little);
    assert_eq!(bytes, header(0));
    bytes.extend_from_slice(b"hello");
    assert_eq!(feed(&mut preamble, &[&bytes], false).unwrap(), b"hello");
    assert_eq!(preamble.outcome(), Outcome::NotFound);
}

// [148]
#[test]
fn row_148_a_size_over_the_limit_is_refused_as_soon_as_it_is_read() {
    for size in [u32::MAX, 1 << 30, 64 * 1024 + 1] {
        let bytes = header(size);
        let mut strict = reader(OnFault::Fail);
        let error = MetadataError::TooLarge {
            len: usize::try_from(size).unwrap(),
            limit: 64 * 1024,
        };
        assert_eq!(
            strict.handle_data(&bytes, false),
            Err(FramingError::Metadata(error))
        );
        let mut lenient = reader(OnFault::PassThrough);
        assert_eq!(lenient.handle_data(&bytes, false), Ok(PASS));
        assert_eq!(lenient.outcome(), Outcome::NotFound);
    }
}

// [148]
#[test]
fn row_148_no_more_than_the_limit_and_a_header_is_ever_held() {
    let limit = 100;
    let mut preamble = Preamble::new(
        ByteOrder::Little,
        OnFault::PassThrough,
        ReadConfig::new().with_max_bytes(limit),
        None,
    );
    let mut held = header(100);
    let mut most = 0;
    while preamble.handle_data(&held, false) == Ok(Received::Hold) {
        most = held.len();
        held.push(0xFF);
    }
    assert_eq!(most, limit + 7);
}

// [149]
#[test]
fn row_149_a_whole_frame_that_is_no_metadata_stays_in_the_stream_or_is_an_error() {
    let huge_varint = [&[0x0a][..], &[0xff; 10], &[0x01]].concat();
    let lying_length = [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f];
    let cases: [(&[u8], MetadataError); 4] = [
        (b"\xff\xff\xff\xff", MetadataError::Protobuf),
        (&huge_varint, MetadataError::Protobuf),
        (&lying_length, MetadataError::Protobuf),
        (
            &in_any("type.googleapis.com/google.protobuf.Struct", b"\xff"),
            MetadataError::Protobuf,
        ),
    ];
    for (body, error) in cases {
        let bytes = framed(body);
        let mut lenient = reader(OnFault::PassThrough);
        assert_eq!(feed(&mut lenient, &[&bytes], false).unwrap(), bytes);
        assert_eq!(lenient.outcome(), Outcome::NotFound);
        assert_eq!(
            feed(&mut reader(OnFault::Fail), &[&bytes], false),
            Err(error.into())
        );
    }
}

// [149]
#[test]
fn row_149_a_wrong_type_url_is_no_metadata() {
    let fields = Case::Upper.encode(&metadata());
    for url in [
        "",
        "google.protobuf.Struct",
        "type.googleapis.com/google.protobuf.Value",
        "type.googleapis.com/google.protobuf.Struct/",
        "x/xgoogle.protobuf.Struct",
    ] {
        let bytes = framed(&in_any(url, &fields));
        let error = feed(&mut reader(OnFault::Fail), &[&bytes], false);
        assert_eq!(error, Err(MetadataError::TypeUrl.into()), "{url}");
    }
    let bytes = framed(&in_any("example.com/google.protobuf.Struct", &fields));
    assert_eq!(
        feed(&mut reader(OnFault::Fail), &[&bytes], false),
        Ok(Vec::new()),
        "any host may serve the type"
    );
}

// [149]
#[test]
fn row_149_nesting_of_any_depth_is_refused_without_overflow() {
    for depth in [40, 1_000, 3_000] {
        let bytes = framed(&in_any("t/google.protobuf.Struct", &nested(depth)));
        let error = feed(&mut reader(OnFault::Fail), &[&bytes], false);
        assert_eq!(error, Err(MetadataError::Protobuf.into()), "{depth}");
    }
    // Deep enough for the stack, but larger than any limit: never even decoded.
    let bytes = framed(&in_any("t/google.protobuf.Struct", &nested(10_000)));
    assert!(matches!(
        feed(&mut reader(OnFault::Fail), &[&bytes], false),
        Err(FramingError::Metadata(MetadataError::TooLarge { .. }))
    ));
    let config = ReadConfig::new().with_max_bytes(usize::MAX);
    let mut generous = Preamble::new(ByteOrder::Little, OnFault::Fail, config, None);
    assert_eq!(
        feed(&mut generous, &[&bytes], false),
        Err(MetadataError::Protobuf.into())
    );
}

// [149]
#[test]
fn row_149_a_struct_as_deep_as_a_person_would_write_is_read() {
    let bytes = framed(&in_any("t/google.protobuf.Struct", &nested(10)));
    assert_eq!(
        feed(&mut reader(OnFault::Fail), &[&bytes], false),
        Ok(Vec::new())
    );
}

// [149]
#[test]
fn row_149_a_metadata_struct_without_the_any_around_it_is_no_metadata() {
    let bytes = framed(&Case::Upper.encode(&metadata()));
    assert!(feed(&mut reader(OnFault::Fail), &[&bytes], false).is_err());
}

// [151]
#[test]
fn row_151_preamble_and_payload_in_one_segment_lose_and_double_no_byte() {
    let mut bytes = encoded(Some(&metadata()), ByteOrder::Little);
    bytes.extend_from_slice(b"payload");
    let mut preamble = reader(OnFault::Fail);
    assert_eq!(
        feed(&mut preamble, &[&bytes, b"more"], true).unwrap(),
        b"payloadmore"
    );
    assert_eq!(found(&preamble), Some(metadata()));
}

// [151]
#[test]
fn row_151_a_preamble_without_payload_leaves_nothing() {
    let bytes = encoded(Some(&metadata()), ByteOrder::Little);
    let mut preamble = reader(OnFault::Fail);
    assert_eq!(feed(&mut preamble, &[&bytes, b""], true).unwrap(), b"");
    assert_eq!(found(&preamble), Some(metadata()));
}

// [151]
#[test]
fn row_151_split_at_every_byte_it_is_the_same_as_in_one_piece() {
    let mut bytes = encoded(Some(&metadata()), ByteOrder::Little);
    bytes.extend_from_slice(b"\x34\x12\xcd\xabpayload");
    for at in 0..=bytes.len() {
        let mut preamble = reader(OnFault::Fail);
        let (first, second) = bytes.split_at(at);
        assert_eq!(
            feed(&mut preamble, &[first, second], true).unwrap(),
            b"\x34\x12\xcd\xabpayload",
            "{at}"
        );
        assert_eq!(found(&preamble), Some(metadata()), "{at}");
    }
    let mut preamble = reader(OnFault::Fail);
    let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(
        feed(&mut preamble, &pieces, true).unwrap(),
        b"\x34\x12\xcd\xabpayload"
    );
}

// [152]
#[test]
fn row_152_both_byte_orders_are_read_and_written_and_little_endian_is_the_default() {
    assert_eq!(ByteOrder::default(), ByteOrder::Little);
    let little = encoded(Some(&metadata()), ByteOrder::Little);
    let big = encoded(Some(&metadata()), ByteOrder::Big);
    assert_eq!(&little[..4], b"\x34\x12\xcd\xab");
    assert_eq!(&big[..4], b"\xab\xcd\x12\x34");
    assert_eq!(
        big[4..8].iter().rev().collect::<Vec<_>>(),
        little[4..8].iter().collect::<Vec<_>>()
    );
    let mut preamble = Preamble::new(ByteOrder::Big, OnFault::Fail, ReadConfig::new(), None);
    assert_eq!(feed(&mut preamble, &[&big], false), Ok(Vec::new()));
    assert_eq!(found(&preamble), Some(metadata()));
    assert_eq!(
        feed(&mut reader(OnFault::Fail), &[&big], false),
        Ok(big),
        "the other order is not a preamble"
    );
}

// [153]
#[test]
fn row_153_at_the_deadline_it_gives_up_wherever_it_is_and_what_was_held_is_the_applications() {
    let now = epoch();
    let whole = encoded(Some(&metadata()), ByteOrder::Little);
    for held in [1, 3, 8, whole.len() - 1] {
        let mut preamble = Preamble::new(
            ByteOrder::Little,
            OnFault::Fail,
            ReadConfig::new(),
            Some(now + seconds(1)),
        );
        let held = &whole[..held];
        assert_eq!(preamble.handle_data(held, false), Ok(Received::Hold));
        assert_eq!(preamble.poll_timeout(), Some(now + seconds(1)));
        preamble.handle_timeout(now);
        assert_eq!(preamble.outcome(), Outcome::Waiting, "not yet");
        preamble.handle_timeout(now + seconds(1));
        assert_eq!(preamble.outcome(), Outcome::NotFound);
        assert_eq!(preamble.poll_timeout(), None);
        assert_eq!(preamble.handle_data(held, false), Ok(PASS));
    }
}

// [153]
#[test]
fn row_153_it_can_give_up_on_the_applications_first_write() {
    let mut preamble = reader(OnFault::Fail);
    preamble.handle_given_up();
    assert_eq!(preamble.outcome(), Outcome::NotFound);
    assert_eq!(
        feed(&mut preamble, &[b"4", b"20 no preamble"], true),
        Ok(b"420 no preamble".to_vec())
    );
}

// [153]
#[test]
fn row_153_a_preamble_that_comes_late_tells_nothing_and_still_is_not_the_applications() {
    let now = epoch();
    let stream = [
        &encoded(Some(&metadata()), ByteOrder::Little)[..],
        b"application",
    ]
    .concat();
    for at in 0..=stream.len() {
        let mut preamble = Preamble::new(
            ByteOrder::Little,
            OnFault::Fail,
            ReadConfig::new(),
            Some(now),
        );
        assert_eq!(preamble.handle_data(b"", false), Ok(Received::Hold));
        preamble.handle_timeout(now);
        assert_eq!(preamble.outcome(), Outcome::NotFound);
        assert_eq!(preamble.poll_timeout(), None);
        let (head, tail) = stream.split_at(at);
        let first = feed(&mut preamble.clone(), &[head], false).unwrap();
        assert!(b"application".starts_with(&first), "{at}");
        let read = feed(&mut preamble, &[head, tail], true).unwrap();
        assert_eq!(read, b"application", "{at}");
        preamble.handle_timeout(now);
        assert_eq!(preamble.outcome(), Outcome::NotFound, "it stays so");
    }
}

// [153]
#[test]
fn row_153_giving_up_a_second_time_lets_go_of_what_a_late_preamble_did_not_finish() {
    let now = epoch();
    let whole = encoded(Some(&metadata()), ByteOrder::Little);
    let mut preamble = Preamble::new(
        ByteOrder::Little,
        OnFault::Fail,
        ReadConfig::new(),
        Some(now),
    );
    preamble.handle_given_up();
    assert_eq!(preamble.handle_data(&whole[..9], false), Ok(Received::Hold));
    preamble.handle_timeout(now);
    assert_eq!(preamble.handle_data(&whole[..9], false), Ok(Received::Hold));
    preamble.handle_given_up();
    assert_eq!(preamble.handle_data(&whole[..9], false), Ok(PASS));
}

// [154]
#[test]
fn row_154_an_identity_in_metadata_is_only_claimed() {
    let spoofed =
        Metadata::new(PeerAttributes::default()).with_identity("spiffe://mesh/ns/root/sa/root");
    let bytes = encoded(Some(&spoofed), ByteOrder::Little);
    let mut preamble = reader(OnFault::Fail);
    feed(&mut preamble, &[&bytes], false).unwrap();
    let Outcome::Found(claimed) = preamble.outcome() else {
        panic!()
    };
    assert_eq!(
        claimed.claim().claimed_identity(),
        Some("spiffe://mesh/ns/root/sa/root")
    );
    let attributes = claimed.clone().map(|metadata| metadata.into_parts().0);
    let peer = Peer::from_tls(Some(id("mallory"))).with_attributes(Attributes::Claimed(attributes));
    assert_eq!(peer.identity(), Some(&*id("mallory")));
}

#[test]
fn where_it_is_not_looked_for_everything_is_the_applications_and_nothing_is_said() {
    let mut off = Preamble::off();
    let whole = encoded(Some(&metadata()), ByteOrder::Little);
    assert_eq!(feed(&mut off, &[&whole], true), Ok(whole));
    assert_eq!(off.outcome(), Outcome::Silent);
    off.handle_given_up();
    assert_eq!(off.outcome(), Outcome::Silent);
}

#[test]
fn it_is_looked_for_behind_internal_listeners_that_open_tunnels_unless_disabled() {
    for name in [
        "connect_originate",
        "inner_connect_originate",
        "internal_outbound",
    ] {
        assert!(Preamble::is_sent_by(Some(name), false), "{name}");
        assert!(!Preamble::is_sent_by(Some(name), true), "{name}");
    }
    for name in [
        None,
        Some("main_internal"),
        Some("forward_inner_connect"),
        Some(""),
    ] {
        assert!(!Preamble::is_sent_by(name, false), "{name:?}");
    }
}

#[test]
fn after_it_is_settled_a_second_preamble_is_the_applications() {
    let bytes = encoded(Some(&metadata()), ByteOrder::Little);
    let mut preamble = reader(OnFault::Fail);
    feed(&mut preamble, &[&bytes], false).unwrap();
    assert_eq!(feed(&mut preamble, &[&bytes], true), Ok(bytes));
}

#[test]
fn an_any_without_a_struct_in_it_is_an_empty_struct() {
    let bytes = framed(&field(1, b"type.googleapis.com/google.protobuf.Struct"));
    let mut preamble = reader(OnFault::Fail);
    assert_eq!(feed(&mut preamble, &[&bytes], false), Ok(Vec::new()));
    assert_eq!(found(&preamble), Some(Metadata::default()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_in_any_pieces_end_as_they_do_in_one(
        body in vec(any::<u8>(), 0..60),
        framing in 0_u8..3,
        payload in vec(any::<u8>(), 0..20),
        cuts in vec(0_usize..90, 0..6),
        good in any::<bool>(),
    ) {
        let body = if good { Case::Upper.encode_any(&metadata()) } else { body };
        let mut bytes = match framing {
            0 => body,
            1 => framed(&body),
            _ => [header(u32::try_from(body.len()).unwrap() + 30), body].concat(),
        };
        bytes.extend_from_slice(&payload);
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        for on_fault in [OnFault::Fail, OnFault::PassThrough] {
            let (mut whole, mut split) = (reader(on_fault), reader(on_fault));
            let at_once = feed(&mut whole, &[&bytes], true);
            prop_assert_eq!(&feed(&mut split, &pieces, true), &at_once);
            prop_assert_eq!(whole.outcome(), split.outcome());
            if on_fault == OnFault::PassThrough {
                prop_assert!(bytes.ends_with(&at_once.unwrap()));
            }
        }
    }
}
