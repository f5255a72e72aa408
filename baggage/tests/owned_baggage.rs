//! Changing baggage, and a proxy's own members among a peer's.

mod support;

use baggage::istio::{Dialect, PeerAttributes};
use baggage::{Baggage, Limits};
use support::parse;

#[test]
fn set_replaces_all_of_a_key_at_the_end_and_keeps_everything_if_it_does_not_fit() {
    let mut baggage = parse("a=1;p,b=2,a=3").baggage;
    baggage.set("a", "4").unwrap();
    assert_eq!(baggage.to_string(), "b=2,a=4");
    assert!(baggage.set("a", &"x".repeat(9000)).is_err());
    assert_eq!(baggage.to_string(), "b=2,a=4");
    assert_eq!(baggage.get("a").as_deref(), Some("4"));
}

#[test]
fn remove_says_how_many_there_were() {
    let mut baggage = parse("a=1,b=2,a=3;p").baggage;
    assert_eq!(
        (baggage.remove("a"), baggage.remove("A"), baggage.len()),
        (2, 0, 1)
    );
    assert_eq!(baggage.remove("b"), 1);
    assert!(baggage.is_empty() && baggage.iter().next().is_none() && baggage.get("b").is_none());
}

#[test]
fn baggage_is_equal_by_meaning() {
    let equal = |one, other| parse(one).baggage == parse(other).baggage;
    assert!(equal("a=%61;p=%62", " a = a ; p = b "));
    assert!(
        !equal("a=1;p", "a=1;p="),
        "a property without a value differs from one with an empty value"
    );
    assert!(!equal("a=1,b=2", "b=2,a=1"));
    assert!(!equal("a=1", "a=1,a=1"));
}

#[test]
fn a_proxys_members_come_first_and_win_and_the_peers_others_stay_as_they_were() {
    let mut theirs = parse("user=Am%c3%a9lie;ttl=5,own=theirs,x=1,own=again").baggage;
    assert_eq!(theirs.merge(&parse("own=ours,more=1").baggage), 0);
    assert_eq!(
        theirs.to_string(),
        "own=ours,more=1,user=Am%c3%a9lie;ttl=5,x=1"
    );
}

#[test]
fn what_no_longer_fits_after_merging_is_left_out_whole_and_counted() {
    let limits = Limits::new().with_members(3);
    let mut theirs = Baggage::parse(["a=1,b=2,c=3"], &limits).baggage;
    assert_eq!(theirs.merge(&parse("x=1,y=2").baggage), 2);
    assert_eq!(theirs.to_string(), "x=1,y=2,a=1");
}

#[test]
fn an_application_cannot_speak_for_its_proxy() {
    let mut application =
        parse("k8s.cluster.name=evil,user=a,app.name=evil,k8s.statefulset.name=s").baggage;
    let own = PeerAttributes::builder().cluster("c").service("s").build();
    assert_eq!(own.merge_into(Dialect::Ztunnel, &mut application), 0);
    assert_eq!(
        application.to_string(),
        "k8s.cluster.name=c,service.name=s,user=a,k8s.statefulset.name=s"
    );
}

#[test]
fn members_tell_their_spelling_as_well_as_their_meaning() {
    let baggage = parse(" k = %61b ; p = %20 ").baggage;
    let member = baggage.iter().next().unwrap();
    assert_eq!(
        (member.encoded_value(), &*member.value(), member.as_str()),
        ("%61b", "ab", "k=%61b;p=%20")
    );
    let property = member.properties().next().unwrap();
    assert_eq!(
        (property.encoded_value(), property.value().as_deref()),
        (Some("%20"), Some(" "))
    );
}

#[test]
fn debugging_shows_meaning_and_not_octets() {
    let baggage = parse("k=%61;p=%20").baggage;
    let member = r#"[Member { key: "k", value: "a", properties: [Property { key: "p", value: Some(" ") }] }]"#;
    assert_eq!(format!("{baggage:?}"), member);
    assert_eq!(format!("{:?}", baggage.iter()), member);
}

#[cfg(feature = "http")]
#[test]
fn the_header_keeps_to_the_limits_though_what_was_read_is_longer_as_it_is_sent() {
    let lines = [format!("first=1,bare={},last=2", "%".repeat(4000))];
    let mut baggage = Baggage::parse(&lines, &Limits::new()).baggage;
    assert_eq!((baggage.len(), baggage.to_string().len()), (3, 12_020));
    assert_eq!(baggage.to_header_value().unwrap(), "first=1,last=2");
    let mut encoded = String::new();
    assert_eq!(baggage.encode(&Limits::new(), &mut encoded), 1);

    baggage.retain(|member| member.key() == "bare");
    assert_eq!(baggage.to_header_value(), None);
}
