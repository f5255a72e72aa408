use std::sync::Arc;

use hbone_examples::wire::{Seen, TLS13};

use super::world::{World, request};
use crate::case::{Case, Complaint, Group, Verdict};
use crate::certificates::Odd;

pub(super) fn group() -> Group<Arc<World>> {
    const ODD: [(&str, &str, Odd); 15] = [
        ("HBONE-I-003", "signed by somebody else", Odd::OtherRoot),
        (
            "HBONE-I-003",
            "of a trust domain that the signer does not speak for",
            Odd::OtherTrustDomain,
        ),
        (
            "HBONE-I-005",
            "with an id that was not expected",
            Odd::AnotherWorkload,
        ),
        ("HBONE-I-006", "that has expired", Odd::Expired),
        ("HBONE-I-006", "that is not yet valid", Odd::NotYetValid),
        ("HBONE-I-006", "of an authority", Odd::IsAuthority),
        ("HBONE-I-006", "for clients only", Odd::OtherRole),
        ("HBONE-I-001", "without a URI", Odd::NoUri),
        (
            "HBONE-I-001",
            "with two URIs, the expected one first",
            Odd::TwoUris,
        ),
        (
            "HBONE-I-001",
            "with two URIs, the expected one second",
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
        ("HBONE-I-002", "with an id that has a query", Odd::Query),
    ];
    let cases = ODD.into_iter().map(|(requirement, what, odd)| {
        let title = format!("a server's certificate {what} is refused");
        Case::must(requirement, title, move |world: Arc<World>| async move {
            refused(&world, odd).await
        })
    });
    Group {
        title: "Identity",
        cases: cases.collect(),
    }
}

/// That not even a CONNECT is sent to such a server.
async fn refused(world: &World, odd: Odd) -> Verdict {
    let shown = world.certificates.odd(odd, true)?;
    let (mut program, met) = world.meet(&shown, &["h2"], TLS13).await?;
    if let Ok((handshaken, _)) = met
        && let Ok(mut link) = world.begin(handshaken, &[]).await
        && let Ok((_, head)) = request(&mut link).await
    {
        return Err(Complaint::fails("no CONNECT", Seen::Head(head)));
    }
    program.fails().await
}
