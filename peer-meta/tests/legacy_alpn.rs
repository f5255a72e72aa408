//! The exchange at the start of a TCP stream: every branch of its state machine.
#![cfg(feature = "legacy")]

mod wire;
mod world;

use peer_meta::legacy::{
    AlpnExchange, Case, FramingError, Metadata, MetadataError, OnFault, Outcome, ReadConfig,
    Received,
};
use peer_meta::{Carrier, DirectoryEntry, Discovery, ExchangeConfig, Method, Place, Target};
use wire::{entry, field, in_any, nested, string, structure, unhex};
use world::{epoch, ip, seconds, workload};

const PASS: Received = Received::Pass { skip: 0 };
const HEADER_ONLY: Received = Received::Pass { skip: 8 };
const AGREED: Option<&[u8]> = Some(b"istio-peer-exchange");
const STRUCT: &str = "type.googleapis.com/google.protobuf.Struct";

fn metadata() -> Metadata {
    Metadata::new(workload("peer", "c2")).with_identity("spiffe://mesh/ns/peer-ns/sa/peer")
}

fn undecided(on_fault: OnFault) -> AlpnExchange {
    AlpnExchange::new(&metadata(), "sidecar~1", on_fault, ReadConfig::new(), None)
}

fn agreed(on_fault: OnFault) -> AlpnExchange {
    let mut exchange = undecided(on_fault);
    exchange.handle_alpn(AGREED);
    exchange
}

/// What the other side writes.
fn told() -> Vec<u8> {
    let mut out = Vec::new();
    assert!(agreed(OnFault::Fail).poll_transmit(&mut out));
    out
}

fn header(size: u32) -> Vec<u8> {
    [&[0x3D, 0x23, 0x04, 0x67], &size.to_be_bytes()[..]].concat()
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&header(u32::try_from(body.len()).unwrap()), body].concat()
}

fn found(exchange: &AlpnExchange) -> Option<&Metadata> {
    match exchange.outcome() {
        Outcome::Found(metadata) => Some(metadata.claim()),
        _ => None,
    }
}

#[test]
fn the_committed_exchange_is_written_and_read_as_it_stands() {
    let bytes = unhex(include_str!("data/alpn_exchange.hex"));
    let mut reader = agreed(OnFault::Fail);
    assert_eq!(
        reader.handle_data(&bytes, false),
        Ok(Received::Pass { skip: bytes.len() })
    );
    let read = found(&reader).unwrap().clone();
    assert_eq!(read.attributes().workload(), Some("echo"));
    assert_eq!(read.attributes().zone(), Some("z1"));
    let id = "sidecar~10.0.0.1~echo.default~default.svc.cluster.local";
    let mut writer = AlpnExchange::new(&read, id, OnFault::Fail, ReadConfig::new(), None);
    writer.handle_alpn(AGREED);
    let mut out = Vec::new();
    assert!(writer.poll_transmit(&mut out));
    assert_eq!(out, bytes);
}

#[test]
fn each_side_writes_once_and_only_if_the_exchange_was_agreed_on() {
    let mut out = Vec::new();
    let mut exchange = undecided(OnFault::Fail);
    assert!(
        !exchange.poll_transmit(&mut out),
        "nothing before TLS has decided"
    );
    exchange.handle_alpn(AGREED);
    assert!(exchange.poll_transmit(&mut out));
    assert_eq!(&out[..4], b"\x3d\x23\x04\x67");
    let len = out.len();
    assert!(!exchange.poll_transmit(&mut out));
    assert_eq!(out.len(), len);
}

#[test]
fn another_alpn_is_no_exchange_and_data_flows_untouched() {
    for alpn in [
        None,
        Some(&b"istio"[..]),
        Some(b"h2"),
        Some(b"istio-peer-exchange2"),
        Some(b""),
    ] {
        let mut exchange = undecided(OnFault::Fail);
        exchange.handle_alpn(alpn);
        assert_eq!(exchange.outcome(), Outcome::NotFound);
        let mut out = Vec::new();
        assert!(!exchange.poll_transmit(&mut out));
        assert_eq!(exchange.handle_data(&told(), false), Ok(PASS));
    }
}

#[test]
fn the_first_word_of_alpn_counts() {
    let mut exchange = undecided(OnFault::Fail);
    exchange.handle_alpn(None);
    exchange.handle_alpn(AGREED);
    assert_eq!(exchange.outcome(), Outcome::NotFound);
}

#[test]
fn data_before_alpn_was_never_agreed_on() {
    let mut exchange = undecided(OnFault::Fail);
    assert_eq!(exchange.handle_data(&told(), false), Ok(PASS));
    assert_eq!(exchange.outcome(), Outcome::NotFound);
}

#[test]
fn split_at_every_byte_it_is_the_same_as_in_one_piece() {
    let told = told();
    let stream = [&told[..], b"application"].concat();
    for at in 0..=stream.len() {
        let mut exchange = agreed(OnFault::Fail);
        let first = exchange.handle_data(&stream[..at], false).unwrap();
        let expected = if at < told.len() {
            Received::Hold
        } else {
            Received::Pass { skip: told.len() }
        };
        assert_eq!(first, expected, "{at}");
        if first == Received::Hold {
            assert_eq!(
                exchange.handle_data(&stream, true),
                Ok(Received::Pass { skip: told.len() }),
                "{at}"
            );
        } else {
            assert_eq!(exchange.handle_data(&stream[at..], true), Ok(PASS), "{at}");
        }
        assert_eq!(found(&exchange), Some(&metadata()), "{at}");
    }
}

#[test]
fn less_than_a_header_and_the_end_says_nothing_either_way() {
    for len in 0..8 {
        let mut exchange = agreed(OnFault::PassThrough);
        assert_eq!(
            exchange.handle_data(&told()[..len], true),
            Ok(PASS),
            "{len}"
        );
        assert_eq!(exchange.outcome(), Outcome::Silent, "{len}");
    }
    assert_eq!(
        agreed(OnFault::Fail).handle_data(&told()[..5], true),
        Err(FramingError::Truncated)
    );
    assert_eq!(
        agreed(OnFault::Fail).handle_data(b"", true),
        Ok(PASS),
        "closed without a word"
    );
}

#[test]
fn wrong_magic_after_an_agreement_passes_everything_on_or_is_an_error() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"\x67\x04\x23\x3d\0\0\0\0",
        b"\x3d\x23x",
    ] {
        let mut lenient = agreed(OnFault::PassThrough);
        assert_eq!(lenient.handle_data(bytes, false), Ok(PASS));
        assert_eq!(lenient.outcome(), Outcome::NotFound);
        assert_eq!(lenient.handle_data(b"more", false), Ok(PASS));
        assert_eq!(
            agreed(OnFault::Fail).handle_data(bytes, false),
            Err(FramingError::Magic)
        );
    }
}

#[test]
fn an_incomplete_body_and_the_end_is_no_peer_in_finite_time() {
    let told = told();
    for len in 8..told.len() {
        let mut lenient = agreed(OnFault::PassThrough);
        assert_eq!(
            lenient.handle_data(&told[..len], true),
            Ok(HEADER_ONLY),
            "{len}"
        );
        assert_eq!(lenient.outcome(), Outcome::NotFound);
        assert_eq!(
            agreed(OnFault::Fail).handle_data(&told[..len], true),
            Err(FramingError::Truncated)
        );
    }
}

#[test]
fn a_body_that_is_no_struct_loses_its_header_as_with_envoy_or_is_an_error() {
    let cases: [(Vec<u8>, MetadataError); 4] = [
        (b"\xff\xff".to_vec(), MetadataError::Protobuf),
        (
            in_any("type.googleapis.com/google.protobuf.Value", b""),
            MetadataError::TypeUrl,
        ),
        (in_any(STRUCT, b"\xff"), MetadataError::Protobuf),
        (in_any(STRUCT, &nested(1_000)), MetadataError::Protobuf),
    ];
    for (body, error) in cases {
        let mut lenient = agreed(OnFault::PassThrough);
        assert_eq!(lenient.handle_data(&framed(&body), false), Ok(HEADER_ONLY));
        assert_eq!(lenient.outcome(), Outcome::NotFound);
        assert_eq!(
            agreed(OnFault::Fail).handle_data(&framed(&body), false),
            Err(error.into())
        );
    }
}

#[test]
fn an_oversize_body_is_refused_as_soon_as_its_size_is_read() {
    for size in [u32::MAX, 64 * 1024 + 1] {
        let mut lenient = agreed(OnFault::PassThrough);
        assert_eq!(lenient.handle_data(&header(size), false), Ok(HEADER_ONLY));
        assert_eq!(lenient.outcome(), Outcome::NotFound);
        assert!(matches!(
            agreed(OnFault::Fail).handle_data(&header(size), false),
            Err(FramingError::Metadata(MetadataError::TooLarge { .. }))
        ));
    }
}

#[test]
fn a_struct_without_the_metadata_is_consumed_and_says_nothing_either_way() {
    for fields in [
        entry("x-envoy-peer-metadata-id", &string("sidecar~1")),
        entry("x-envoy-peer-metadata", &string("not a struct")),
        Vec::new(),
    ] {
        let bytes = framed(&in_any(STRUCT, &fields));
        let mut exchange = agreed(OnFault::Fail);
        assert_eq!(
            exchange.handle_data(&bytes, false),
            Ok(Received::Pass { skip: bytes.len() })
        );
        assert_eq!(exchange.outcome(), Outcome::Silent);
    }
}

#[test]
fn an_empty_body_is_an_any_of_no_type() {
    let mut exchange = agreed(OnFault::PassThrough);
    assert_eq!(exchange.handle_data(&header(0), false), Ok(HEADER_ONLY));
    assert_eq!(exchange.outcome(), Outcome::NotFound);
}

#[test]
fn metadata_is_read_whatever_else_stands_beside_it() {
    let inner = structure(&Case::Upper.encode(&metadata()));
    let fields = [
        entry("zzz", &string("x")),
        entry("x-envoy-peer-metadata", &inner),
        field(9, b"unknown"),
    ]
    .concat();
    let mut exchange = agreed(OnFault::Fail);
    exchange
        .handle_data(&framed(&in_any(STRUCT, &fields)), false)
        .unwrap();
    assert_eq!(found(&exchange), Some(&metadata()));
}

#[test]
fn at_the_deadline_it_gives_up_wherever_it_is_and_a_header_is_never_the_applications() {
    let now = epoch();
    let told = told();
    for (held, skip) in [(1, 0), (5, 0), (8, 8), (told.len() - 1, 8)] {
        let mut exchange = AlpnExchange::new(
            &metadata(),
            "",
            OnFault::Fail,
            ReadConfig::new(),
            Some(now + seconds(1)),
        );
        exchange.handle_alpn(AGREED);
        let held = &told[..held];
        assert_eq!(exchange.handle_data(held, false), Ok(Received::Hold));
        assert_eq!(exchange.poll_timeout(), Some(now + seconds(1)));
        exchange.handle_timeout(now);
        assert_eq!(exchange.outcome(), Outcome::Waiting, "not yet");
        exchange.handle_timeout(now + seconds(1));
        exchange.handle_timeout(now + seconds(2));
        assert_eq!(exchange.outcome(), Outcome::NotFound);
        assert_eq!(exchange.poll_timeout(), None);
        assert_eq!(
            exchange.handle_data(held, false),
            Ok(Received::Pass { skip })
        );
        assert_eq!(exchange.handle_data(&told, false), Ok(PASS), "once");
    }
}

#[test]
fn a_stream_that_ends_after_giving_up_does_not_take_that_back() {
    for held in [&b""[..], &told()[..5]] {
        let mut exchange = agreed(OnFault::PassThrough);
        assert_eq!(exchange.handle_data(held, false), Ok(Received::Hold));
        exchange.handle_given_up();
        assert_eq!(exchange.handle_data(held, true), Ok(PASS));
        assert_eq!(exchange.outcome(), Outcome::NotFound);
    }
}

#[test]
fn at_the_deadline_a_peer_that_was_found_stays_found() {
    let now = epoch();
    let mut exchange =
        AlpnExchange::new(&metadata(), "", OnFault::Fail, ReadConfig::new(), Some(now));
    exchange.handle_alpn(AGREED);
    exchange.handle_data(&told(), false).unwrap();
    exchange.handle_timeout(now + seconds(9));
    exchange.handle_given_up();
    assert_eq!(found(&exchange), Some(&metadata()));
}

#[test]
fn tls_that_never_decides_ends_at_the_deadline_too() {
    let now = epoch();
    let mut exchange =
        AlpnExchange::new(&metadata(), "", OnFault::Fail, ReadConfig::new(), Some(now));
    exchange.handle_timeout(now);
    assert_eq!(exchange.outcome(), Outcome::NotFound);
    exchange.handle_alpn(None);
    assert_eq!(exchange.handle_data(b"application", false), Ok(PASS));
    assert_eq!(exchange.outcome(), Outcome::NotFound);
}

#[test]
fn what_was_agreed_on_takes_place_after_giving_up_too_and_tells_nothing_any_more() {
    let now = epoch();
    let stream = [&told()[..], b"application"].concat();
    for agreed_late in [true, false] {
        for at in 0..told().len() {
            let mut exchange =
                AlpnExchange::new(&metadata(), "", OnFault::Fail, ReadConfig::new(), Some(now));
            if !agreed_late {
                exchange.handle_alpn(AGREED);
                assert_eq!(exchange.handle_data(b"", false), Ok(Received::Hold));
            }
            exchange.handle_timeout(now);
            exchange.handle_alpn(AGREED);
            assert!(
                exchange.poll_transmit(&mut Vec::new()),
                "the peer waits for it"
            );
            assert_eq!(
                exchange.handle_data(&stream[..at], false),
                Ok(Received::Hold)
            );
            exchange.handle_timeout(now);
            let skip = told().len();
            assert_eq!(
                exchange.handle_data(&stream, false),
                Ok(Received::Pass { skip }),
                "{at}"
            );
            assert_eq!(exchange.outcome(), Outcome::NotFound, "{at}");
        }
    }
}

#[test]
fn what_was_not_found_is_looked_up_in_the_directory() {
    let config = ExchangeConfig::new();
    let target = Target::Address(ip("10.0.0.2"));
    let mut discovery =
        Discovery::upstream(Place::SidecarTcp, &config, "here".into(), target, None);
    let mut exchange = undecided(OnFault::PassThrough);
    exchange.handle_alpn(None);
    assert_eq!(exchange.outcome(), Outcome::NotFound);
    discovery.handle_claim(Carrier::AlpnExchange, None);
    discovery.handle_lookup(
        ip("10.0.0.2"),
        Some(DirectoryEntry::new(workload("server", "c1"), "here")),
    );
    assert_eq!(
        discovery.found().map(|(method, _)| method),
        Some(Method::Directory)
    );
}

#[test]
fn two_sides_that_exchange_learn_of_each_other() {
    let (a, b) = (
        Metadata::new(workload("a", "c1")),
        Metadata::new(workload("b", "c2")),
    );
    let new = |own: &Metadata| {
        let mut exchange = AlpnExchange::new(own, "", OnFault::Fail, ReadConfig::new(), None);
        exchange.handle_alpn(AGREED);
        exchange
    };
    let (mut left, mut right) = (new(&a), new(&b));
    let (mut from_left, mut from_right) = (Vec::new(), Vec::new());
    left.poll_transmit(&mut from_left);
    right.poll_transmit(&mut from_right);
    left.handle_data(&from_right, false).unwrap();
    right.handle_data(&from_left, false).unwrap();
    assert_eq!(found(&left), Some(&b));
    assert_eq!(found(&right), Some(&a));
}
