//! `x-envoy-peer-metadata` and `x-envoy-peer-metadata-id`.
#![cfg(feature = "legacy")]

mod world;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::{HeaderMap, HeaderValue};
use peer_meta::legacy::{
    Asked, Case, Metadata, MetadataCache, MetadataError, PeerHeaders, ReadConfig, TargetCluster,
};
use world::workload;

const METADATA: &str = "x-envoy-peer-metadata";
const ID: &str = "x-envoy-peer-metadata-id";

fn metadata(name: &str) -> Metadata {
    Metadata::new(workload(name, "c1"))
}

fn request(name: &str, id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    PeerHeaders::new(&metadata(name), id).on_request(&mut headers);
    headers
}

fn with(value: &str) -> HeaderMap {
    HeaderMap::from_iter([(
        METADATA.parse().unwrap(),
        HeaderValue::from_str(value).unwrap(),
    )])
}

fn read(cache: &mut MetadataCache, headers: &HeaderMap) -> Option<Metadata> {
    cache
        .read(headers)
        .unwrap()
        .map(|metadata| metadata.into_claim())
}

#[test]
fn a_request_always_carries_both_in_place_of_what_a_client_put_there() {
    let mut headers = HeaderMap::new();
    headers.append(METADATA, HeaderValue::from_static("forged"));
    headers.append(METADATA, HeaderValue::from_static("twice"));
    headers.append(ID, HeaderValue::from_static("forged"));
    PeerHeaders::new(&metadata("own"), "sidecar~own").on_request(&mut headers);
    assert_eq!(headers.get_all(METADATA).iter().count(), 1);
    assert_eq!(
        headers.get_all(ID).iter().collect::<Vec<_>>(),
        ["sidecar~own"]
    );
    assert_eq!(
        read(&mut MetadataCache::new(ReadConfig::new()), &headers),
        Some(metadata("own"))
    );
}

#[test]
fn a_response_carries_each_only_if_the_request_carried_it() {
    let own = PeerHeaders::new(&metadata("own"), "sidecar~own");
    for (id, value) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut request = HeaderMap::new();
        if id {
            request.insert(ID, HeaderValue::from_static("x"));
        }
        if value {
            request.insert(METADATA, HeaderValue::from_static(""));
        }
        let asked = Asked::take(&mut request);
        assert!(request.is_empty(), "both end here");
        let mut response = HeaderMap::new();
        response.insert(ID, HeaderValue::from_static("from the application"));
        response.insert(METADATA, HeaderValue::from_static("from the application"));
        own.on_response(asked, &mut response);
        assert_eq!(
            (response.contains_key(ID), response.contains_key(METADATA)),
            (id, value)
        );
        assert!(
            response
                .values()
                .all(|value| value != "from the application")
        );
    }
}

#[test]
fn an_id_that_cannot_stand_in_a_header_is_left_out() {
    for id in ["", "a\nb", "a\u{0}"] {
        let headers = request("own", id);
        assert!(!headers.contains_key(ID), "{id:?}");
        assert!(headers.contains_key(METADATA));
    }
}

#[test]
fn without_the_header_or_with_an_empty_one_nothing_is_said() {
    let mut cache = MetadataCache::new(ReadConfig::new());
    assert_eq!(read(&mut cache, &HeaderMap::new()), None);
    assert_eq!(read(&mut cache, &with("")), None);
    let id_only =
        HeaderMap::from_iter([(ID.parse().unwrap(), HeaderValue::from_static("sidecar~1"))]);
    assert_eq!(read(&mut cache, &id_only), None);
    assert!(cache.is_empty());
}

#[test]
fn base64_is_read_with_and_without_padding() {
    let mut cache = MetadataCache::new(ReadConfig::new());
    for name in ["a", "ab", "abc"] {
        let bytes = Case::Upper.encode(&metadata(name));
        for text in [STANDARD.encode(&bytes), STANDARD_NO_PAD.encode(&bytes)] {
            assert_eq!(read(&mut cache, &with(&text)), Some(metadata(name)));
        }
    }
}

#[test]
fn what_is_not_base64_or_not_a_struct_is_an_error_and_not_an_empty_peer() {
    let mut cache = MetadataCache::new(ReadConfig::new());
    for text in ["!", "a", "_-_-", "CgA= ", "CgA=CgA="] {
        assert_eq!(
            cache.read(&with(text)),
            Err(MetadataError::Base64),
            "{text}"
        );
    }
    for bytes in [&b"\xff"[..], b"\x0a\x7f", b"\x0a\x02\x0a\xff"] {
        assert_eq!(
            cache.read(&with(&STANDARD.encode(bytes))),
            Err(MetadataError::Protobuf)
        );
    }
    assert!(cache.is_empty(), "nothing of it is remembered");
}

#[test]
fn a_header_over_the_limit_is_refused_before_it_is_decoded() {
    let config = ReadConfig::new().with_max_bytes(64);
    let mut cache = MetadataCache::new(config);
    assert!(matches!(
        cache.read(&with(&"!".repeat(100))),
        Err(MetadataError::TooLarge { limit: 64, .. })
    ));
    let short = STANDARD.encode(Case::Upper.encode(&Metadata::default()));
    assert_eq!(read(&mut cache, &with(&short)), Some(Metadata::default()));
}

#[test]
fn a_known_id_with_the_same_value_is_remembered() {
    let mut cache = MetadataCache::new(ReadConfig::new());
    let headers = request("a", "id-a");
    assert_eq!(read(&mut cache, &headers), Some(metadata("a")));
    assert_eq!(cache.len(), 1);
    assert_eq!(read(&mut cache, &headers), Some(metadata("a")));
    assert_eq!(cache.len(), 1);
}

#[test]
fn a_peer_cannot_hand_its_metadata_to_another_by_naming_its_id() {
    let mut cache = MetadataCache::new(ReadConfig::new());
    assert_eq!(
        read(&mut cache, &request("mallory", "id-bob")),
        Some(metadata("mallory"))
    );
    assert_eq!(
        read(&mut cache, &request("bob", "id-bob")),
        Some(metadata("bob"))
    );
    assert_eq!(
        read(&mut cache, &request("mallory", "id-bob")),
        Some(metadata("mallory"))
    );
    assert_eq!(cache.len(), 1);
}

#[test]
fn without_an_id_nothing_is_remembered() {
    let mut cache = MetadataCache::new(ReadConfig::new());
    assert_eq!(read(&mut cache, &request("a", "")), Some(metadata("a")));
    assert!(cache.is_empty());
}

#[test]
fn the_cache_forgets_the_eldest_and_never_grows_beyond_its_capacity() {
    let mut cache = MetadataCache::new(ReadConfig::new());
    for at in 0..1_200 {
        let id = format!("id-{at}");
        assert_eq!(read(&mut cache, &request(&id, &id)), Some(metadata(&id)));
        assert!(cache.len() <= 500, "{at}");
    }
    assert_eq!(cache.len(), 500);
    let mut none = MetadataCache::with_capacity(ReadConfig::new(), 0);
    assert_eq!(read(&mut none, &request("a", "id")), Some(metadata("a")));
    assert!(none.is_empty());
}

#[test]
fn ids_and_values_without_measure_are_read_and_not_remembered() {
    let mut cache = MetadataCache::new(ReadConfig::new());
    assert_eq!(
        read(&mut cache, &request("a", &"i".repeat(257))),
        Some(metadata("a"))
    );
    assert!(cache.is_empty());
    let long = "n".repeat(3_000);
    assert_eq!(
        read(&mut cache, &request(&long, "id")),
        Some(metadata(&long))
    );
    assert!(cache.is_empty());
}

#[test]
fn nothing_is_sent_where_the_far_end_learns_it_by_hbone_or_is_outside() {
    let inside = TargetCluster::new("outbound|80||echo.shop.svc.cluster.local");
    assert!(inside.takes_headers(false) && inside.takes_headers(true));
    let hbone = inside.with_disable_mx(true);
    assert!(!hbone.takes_headers(false) && !hbone.takes_headers(true));
    for outside in [
        inside.with_external(true),
        TargetCluster::new("PassthroughCluster"),
    ] {
        assert!(outside.takes_headers(false));
        assert!(!outside.takes_headers(true));
    }
}

#[test]
fn the_same_metadata_is_always_the_same_header() {
    let labelled = |first: (&str, &str), second: (&str, &str)| {
        metadata("own")
            .with_label(first.0, first.1)
            .with_label(second.0, second.1)
    };
    let (role, tier) = (("role", "db"), ("tier", "1"));
    let (mut one, mut other) = (HeaderMap::new(), HeaderMap::new());
    PeerHeaders::new(&labelled(role, tier), "").on_request(&mut one);
    PeerHeaders::new(&labelled(tier, role), "").on_request(&mut other);
    assert_eq!(one, other);
}
