//! Identities and who is expected: fault row 16 of `docs/faults.md`.

use std::sync::Arc;

use hbone::{
    Expected, ExpectedIdentities, Identity, IdentityError, IdentityMismatch, SpiffeId, TrustDomain,
    TrustDomains,
};
use proptest::prelude::*;

fn identity(text: &str) -> Identity {
    text.parse()
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn domain(name: &str) -> TrustDomain {
    TrustDomain::new(name).expect("a trust domain")
}

fn namespace(trust_domains: TrustDomains, namespace: &str) -> ExpectedIdentities {
    ExpectedIdentities::from(Expected::Namespace {
        trust_domains,
        namespace: Arc::from(namespace),
    })
}

#[test]
fn an_identity_has_a_trust_domain_a_namespace_and_a_service_account() {
    let cart = identity("spiffe://cluster.local/ns/shop/sa/cart");
    assert_eq!(cart.trust_domain(), &domain("cluster.local"));
    assert_eq!((cart.namespace(), cart.service_account()), ("shop", "cart"));
    assert_eq!(cart.to_string(), "spiffe://cluster.local/ns/shop/sa/cart");
    assert_eq!(SpiffeId::from(cart.clone()).to_string(), cart.to_string());
    assert_eq!(
        Identity::try_from(SpiffeId::from(cart.clone())),
        Ok(cart.clone())
    );
    assert_eq!(
        Identity::new(&domain("cluster.local"), "shop", "cart"),
        Ok(cart)
    );
}

#[test]
fn names_that_look_like_the_form_itself_are_no_trap() {
    let odd = identity("spiffe://td/ns/sa/sa/ns");
    assert_eq!((odd.namespace(), odd.service_account()), ("sa", "ns"));
    let odd = identity("spiffe://td_1.x-y/ns/Shop_1/sa/a.b");
    assert_eq!((odd.namespace(), odd.service_account()), ("Shop_1", "a.b"));
}

// [16]
#[test]
fn spiffe_ids_of_another_form_are_refused() {
    for text in [
        "spiffe://td",
        "spiffe://td/ns/a",
        "spiffe://td/ns/a/sa",
        "spiffe://td/ns/a/sa/b/c",
        "spiffe://td/ns/a/b/sa/c",
        "spiffe://td/NS/a/sa/b",
        "spiffe://td/ns/a/SA/b",
        "spiffe://td/sa/a/ns/b",
        "spiffe://td/x/ns/a/sa/b",
        "spiffe://td/workload",
    ] {
        assert_eq!(
            text.parse::<Identity>(),
            Err(IdentityError::NotIstio),
            "{text:?}"
        );
        let id = SpiffeId::new(text).expect("a SPIFFE id");
        assert_eq!(
            Identity::try_from(id),
            Err(IdentityError::NotIstio),
            "{text:?}"
        );
    }
}

// [16]
#[test]
fn spellings_that_would_be_normalised_are_refused() {
    for text in [
        "SPIFFE://td/ns/a/sa/b",
        "Spiffe://td/ns/a/sa/b",
        "spiffe://TD/ns/a/sa/b",
        "spiffe://cluster.Local/ns/a/sa/b",
    ] {
        assert_eq!(
            text.parse::<Identity>(),
            Err(IdentityError::NotCanonical),
            "{text:?}"
        );
    }
}

// [16]
#[test]
fn texts_that_are_no_spiffe_id_are_refused() {
    for text in [
        "",
        "td/ns/a/sa/b",
        "http://td/ns/a/sa/b",
        "spiffe:/td/ns/a/sa/b",
        "spiffe:///ns/a/sa/b",
        "spiffe://td/ns/a/sa/b/",
        "spiffe://td/ns/a/sa/",
        "spiffe://td/ns//sa/b",
        "spiffe://td//ns/a/sa/b",
        "spiffe://td/ns/../sa/b",
        "spiffe://td/ns/./sa/b",
        "spiffe://td/ns/a/sa/..",
        "spiffe://td/ns/%61/sa/b",
        "spiffe://td/ns/a%2e/sa/b",
        "spiffe://td/ns/a/sa/b?x",
        "spiffe://td/ns/a/sa/b#f",
        "spiffe://td:8080/ns/a/sa/b",
        "spiffe://user@td/ns/a/sa/b",
        "spiffe://t%64/ns/a/sa/b",
        "spiffe://td/ns/a/sa/b ",
        " spiffe://td/ns/a/sa/b",
        "spiffe://td/ns/a/sa/b\0",
        "spiffe://td/ns/a/sa/b\n",
        "spiffe://tд/ns/a/sa/b",
        "spiffe://td/ns/ä/sa/b",
        "spiffe://[::1]/ns/a/sa/b",
    ] {
        let error = text.parse::<Identity>().expect_err(text);
        assert!(
            matches!(error, IdentityError::Spiffe(_)),
            "{text:?}: {error:?}"
        );
    }
}

// [16]
#[test]
fn a_text_of_more_than_2048_bytes_is_refused() {
    let prefix = "spiffe://td/ns/a/sa/";
    let fits = format!("{prefix}{}", "b".repeat(2048 - prefix.len()));
    assert_eq!(identity(&fits).to_string(), fits);
    assert_eq!(
        format!("{fits}b").parse::<Identity>(),
        Err(IdentityError::TooLong)
    );
    assert!(Identity::new(&domain("td"), "a", &"b".repeat(2048)).is_err());
}

#[test]
fn an_identity_is_not_made_of_parts_that_would_change_its_form() {
    for (namespace, account) in [
        ("", "b"),
        ("a", ""),
        ("a/sa/x", "b"),
        ("a", "b/c"),
        ("..", "b"),
        ("a b", "c"),
    ] {
        assert!(
            Identity::new(&domain("td"), namespace, account).is_err(),
            "{namespace:?} {account:?}"
        );
    }
}

#[test]
fn an_empty_set_never_matches() {
    let came = identity("spiffe://td/ns/a/sa/b");
    for nobody in [
        ExpectedIdentities::default(),
        std::iter::empty::<Identity>().collect(),
        std::iter::empty::<Expected>().collect(),
    ] {
        assert!(nobody.is_empty());
        assert_eq!(
            nobody.check(&came),
            Err(IdentityMismatch::NobodyExpected { came: came.clone() })
        );
    }
}

#[test]
fn an_exact_list_matches_its_members_and_nobody_else() {
    let expected: ExpectedIdentities = ["spiffe://td/ns/a/sa/b", "spiffe://td/ns/a/sa/c"]
        .map(identity)
        .into_iter()
        .collect();
    assert_eq!(expected.check(&identity("spiffe://td/ns/a/sa/b")), Ok(()));
    assert_eq!(expected.check(&identity("spiffe://td/ns/a/sa/c")), Ok(()));
    for other in [
        "spiffe://td/ns/a/sa/bc",
        "spiffe://td/ns/x/sa/b",
        "spiffe://other/ns/a/sa/b",
        "spiffe://td/ns/a/sa/B",
    ] {
        assert!(expected.check(&identity(other)).is_err(), "{other}");
    }
}

#[test]
fn a_trust_domain_matches_under_each_of_its_names_and_no_longer_one() {
    let expected = ExpectedIdentities::from(Expected::TrustDomain(TrustDomains::new(
        domain("new"),
        [domain("old")],
    )));
    assert_eq!(expected.check(&identity("spiffe://new/ns/a/sa/b")), Ok(()));
    assert_eq!(expected.check(&identity("spiffe://old/ns/x/sa/y")), Ok(()));
    for other in [
        "spiffe://new.evil/ns/a/sa/b",
        "spiffe://newer/ns/a/sa/b",
        "spiffe://ne/ns/a/sa/b",
    ] {
        assert!(expected.check(&identity(other)).is_err(), "{other}");
    }
}

#[test]
fn a_namespace_matches_in_its_trust_domain_only() {
    let expected = namespace(TrustDomains::new(domain("td"), [domain("alias")]), "shop");
    assert_eq!(
        expected.check(&identity("spiffe://td/ns/shop/sa/cart")),
        Ok(())
    );
    assert_eq!(
        expected.check(&identity("spiffe://alias/ns/shop/sa/cart")),
        Ok(())
    );
    for other in [
        "spiffe://td/ns/shops/sa/cart",
        "spiffe://td/ns/x/sa/shop",
        "spiffe://other/ns/shop/sa/cart",
    ] {
        assert!(expected.check(&identity(other)).is_err(), "{other}");
    }
}

#[test]
fn a_mismatch_names_who_was_expected_and_who_came() {
    let expected: ExpectedIdentities = [
        Expected::Identity(identity("spiffe://td/ns/a/sa/b")),
        Expected::TrustDomain(TrustDomains::new(domain("x"), [domain("y")])),
        Expected::Namespace {
            trust_domains: domain("z").into(),
            namespace: "shop".into(),
        },
    ]
    .into_iter()
    .collect();
    let error = expected
        .check(&identity("spiffe://evil/ns/a/sa/b"))
        .expect_err("a stranger");
    assert_eq!(
        error.to_string(),
        "the peer is spiffe://evil/ns/a/sa/b, expected spiffe://td/ns/a/sa/b, spiffe://z/ns/shop/sa/*, spiffe://x|y/*"
    );
}

#[test]
fn a_set_does_not_depend_on_the_order_it_was_built_in() {
    let (b, c) = (
        identity("spiffe://td/ns/a/sa/b"),
        identity("spiffe://td/ns/a/sa/c"),
    );
    let one: ExpectedIdentities = [b.clone(), c.clone()].into_iter().collect();
    let other: ExpectedIdentities = [c.clone(), b.clone(), c].into_iter().collect();
    assert_eq!(one, other);
    assert_ne!(one, ExpectedIdentities::from(b));
    assert_eq!(
        TrustDomains::new(domain("a"), [domain("b")]),
        TrustDomains::new(domain("b"), [domain("a"), domain("b")])
    );
}

proptest! {
    #[test]
    fn an_identity_round_trips_and_nothing_else_is_read(
        domain in "[a-zA-Z0-9._-]{1,12}",
        ns in "[a-zA-Z0-9._%-]{1,8}",
        sa in "[a-zA-Z0-9._/-]{1,8}",
    ) {
        let text = format!("spiffe://{domain}/ns/{ns}/sa/{sa}");
        let segment = |text: &str| {
            text != "." && text != ".." && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        let good = domain.to_lowercase() == domain && segment(&ns) && segment(&sa);
        let read = text.parse::<Identity>().ok();
        prop_assert_eq!(read.is_some(), good);
        if let Some(read) = read {
            prop_assert_eq!(read.to_string(), text);
            prop_assert_eq!((read.namespace(), read.service_account()), (ns.as_str(), sa.as_str()));
        }
    }
}
