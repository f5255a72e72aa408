//! The conformance vectors in `tests/data`: what W3C's own tests, OpenTelemetry's and Istio's say, and what
//! follows from the rules.
//!
//! Each names its source. Where W3C leaves a choice a vector says so; what is expected here is this crate's
//! choice.

use baggage::istio::{Dialect, PeerAttributes, PeerAttributesRef, WorkloadKind};
use baggage::{Baggage, EncodeError, Limits};
use serde_json::Value;

#[test]
fn lenient_parsing_gives_the_members_of_every_vector() {
    for (id, lines, vector) in parse_vectors() {
        let parsed = Baggage::parse(&lines, &Limits::new());
        let members = serde_json::to_value(&parsed.baggage).unwrap();
        assert_eq!(members, without_nulls(&vector["expect"]["members"]), "{id}");
    }
}

#[test]
fn strict_parsing_gives_the_members_or_the_first_error_of_every_vector() {
    for (id, lines, vector) in parse_vectors() {
        let expected = vector["strict"].as_str().unwrap();
        match Baggage::parse_strict(&lines, &Limits::new()) {
            Ok(baggage) => {
                assert_eq!(expected, "ok", "{id}");
                assert_eq!(
                    baggage,
                    Baggage::parse(&lines, &Limits::new()).baggage,
                    "{id}"
                );
            }
            Err(error) => assert_eq!(error.kind().as_str(), expected, "{id}: {error}"),
        }
    }
}

#[test]
fn the_peer_of_every_vector_is_read_borrowed_and_owned() {
    let mut peers = 0;
    for (id, lines, vector) in parse_vectors() {
        let Some(expected) = vector.get("istio") else {
            continue;
        };
        let owned = PeerAttributes::parse(&lines, &Limits::new());
        let borrowed = PeerAttributesRef::parse(&lines, &Limits::new());
        assert_eq!(borrowed.map(|peer| peer.to_attributes()), owned, "{id}");
        assert_eq!(
            owned.is_none(),
            expected.as_object().unwrap().is_empty(),
            "{id}"
        );
        assert_eq!(
            &serde_json::to_value(owned.unwrap_or_default()).unwrap(),
            expected,
            "{id}"
        );
        peers += 1;
    }
    assert!(peers > 20);
}

#[test]
fn every_encode_vector_gives_its_header_or_its_error() {
    for vector in vectors("encode") {
        let id = vector["id"].as_str().unwrap();
        let mut baggage = Baggage::new();
        let mut refused = None;
        for member in vector["members"].as_array().unwrap() {
            let properties = member["properties"].as_array().unwrap().iter();
            let properties =
                properties.map(|property| (text(property, "key"), property["value"].as_str()));
            let result = baggage.push_with_properties(
                text(member, "key"),
                text(member, "value"),
                properties,
            );
            refused = refused.or_else(|| result.err());
        }
        match vector["expect"]["header"].as_str() {
            Some(header) => assert_eq!(baggage.to_string(), header, "{id}"),
            None => assert_eq!(
                refused.as_ref().map(EncodeError::as_str),
                vector["expect"]["error"].as_str(),
                "{id}"
            ),
        }
    }
}

#[test]
fn every_peer_vector_is_written_byte_for_byte() {
    for vector in vectors("istio_emit") {
        let id = vector["id"].as_str().unwrap();
        let dialect = if id.starts_with("emit-ztunnel") {
            Dialect::Ztunnel
        } else {
            Dialect::Envoy
        };
        let peer: PeerAttributes = serde_json::from_value(vector["istio"].clone()).unwrap();
        let mut header = String::new();
        peer.encode(dialect, &mut header);
        assert_eq!(header, vector["expect"]["header"], "{id}");
    }
}

#[test]
fn kinds_are_spelled_as_in_their_keys() {
    for kind in [
        WorkloadKind::CronJob,
        WorkloadKind::Deployment,
        WorkloadKind::Job,
        WorkloadKind::Pod,
    ] {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        let line = format!("k8s.{kind}.name=w");
        assert_eq!(
            PeerAttributes::parse([&line], &Limits::new())
                .unwrap()
                .workload_kind(),
            Some(kind)
        );
    }
    assert!("statefulset".parse::<WorkloadKind>().is_err());
}

fn parse_vectors() -> Vec<(String, Vec<String>, Value)> {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("data/baggage_parse.json")).unwrap();
    assert!(vectors.len() > 100);
    let lines = |vector: &Value| serde_json::from_value(vector["input_headers"].clone()).unwrap();
    vectors
        .into_iter()
        .map(|vector| (text(&vector, "id").to_owned(), lines(&vector), vector))
        .collect()
}

fn vectors(section: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(include_str!("data/baggage_encode.json")).unwrap();
    let section = vectors[section].as_array().unwrap().clone();
    assert!(!section.is_empty());
    section
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap()
}

/// A property without a value has none here, and null in the vectors.
fn without_nulls(members: &Value) -> Value {
    let mut members = members.clone();
    for member in members.as_array_mut().unwrap() {
        for property in member["properties"].as_array_mut().unwrap() {
            property
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
        }
    }
    members
}
