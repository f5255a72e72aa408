use std::sync::Arc;

use hbone_examples::wire::ClientHello;

use super::transport::no_http2;
use super::world::World;
use crate::case::{Case, Group};
use crate::certificates::Odd;

pub(super) fn group() -> Group<Arc<World>> {
    const ODD: [(&str, &str, Odd); 15] = [
        ("HBONE-I-003", "signed by somebody else", Odd::OtherRoot),
        (
            "HBONE-I-003",
            "of a trust domain that the signer does not speak for",
            Odd::OtherTrustDomain,
        ),
        ("HBONE-I-006", "that has expired", Odd::Expired),
        ("HBONE-I-006", "that is not yet valid", Odd::NotYetValid),
        ("HBONE-I-006", "of an authority", Odd::IsAuthority),
        ("HBONE-I-006", "for servers only", Odd::OtherRole),
        ("HBONE-I-001", "without a URI", Odd::NoUri),
        ("HBONE-I-001", "with two URIs, ours first", Odd::TwoUris),
        (
            "HBONE-I-001",
            "with two URIs, ours second",
            Odd::TwoUrisReversed,
        ),
        (
            "HBONE-I-001",
            "with a URI that is no SPIFFE id",
            Odd::NotSpiffe,
        ),
        (
            "HBONE-I-001",
            "with a SPIFFE id that is not of Istio's form",
            Odd::NotIstios,
        ),
        (
            "HBONE-I-002",
            "with a trust domain in upper case",
            Odd::UpperCaseTrustDomain,
        ),
        (
            "HBONE-I-002",
            "with an id that ends in a slash",
            Odd::TrailingSlash,
        ),
        (
            "HBONE-I-002",
            "with an id that holds dot segments",
            Odd::DotSegments,
        ),
        ("HBONE-I-002", "with an id that has a query", Odd::Query),
    ];
    let mut cases = vec![Case::must(
        "HBONE-I-004",
        "a client without a certificate is refused",
        |world: Arc<World>| async move {
            let hello = ClientHello {
                shown: None,
                ..world.hello()
            };
            no_http2(&world, &hello).await
        },
    )];
    for (requirement, what, odd) in ODD {
        let title = format!("a client's certificate {what} is refused");
        cases.push(Case::must(
            requirement,
            title,
            move |world: Arc<World>| async move {
                let hello = ClientHello {
                    shown: Some(world.certificates.odd(odd, false)?),
                    ..world.hello()
                };
                no_http2(&world, &hello).await
            },
        ));
    }
    Group {
        title: "Identity",
        cases,
    }
}
