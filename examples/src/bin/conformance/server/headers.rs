use std::sync::Arc;

use hbone_examples::wire::{Frame, Seen, block};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::world::{World, opened};
use crate::case::{Case, Complaint, Fields, Group, Verdict, must};

pub(super) fn group() -> Group<Arc<World>> {
    let served: [Fields; 24] = [
        ("HBONE-H-001", "no field at all", &[]),
        (
            "HBONE-H-001",
            "all that ztunnel sends",
            &[
                (
                    "baggage",
                    "k8s.cluster.name=c1,k8s.namespace.name=shop,k8s.deployment.name=web,service.name=web,service.version=v1",
                ),
                (
                    "forwarded",
                    "for=\"10.0.0.1:53540\";host=stock.shop.svc.cluster.local",
                ),
                (
                    "traceparent",
                    "00-9cade301b39b321e8ea3952c07c362c2-0b0db53071936bd0-00",
                ),
            ],
        ),
        (
            "HBONE-H-001",
            "all that agentgateway sends",
            &[
                (
                    "baggage",
                    "k8s.cluster.name=,k8s.namespace.name=a,k8s.deployment.name=b,service.name=,service.version=",
                ),
                ("x-istio-source", "gateway"),
                ("x-forwarded-network", "net1"),
            ],
        ),
        (
            "HBONE-H-001",
            "fields that nobody knows",
            &[("x-nobody", "knows"), ("x-this", "either")],
        ),
        (
            "HBONE-H-003",
            "two lines of baggage",
            &[("baggage", "k8s.pod.name=a"), ("baggage", "service.name=b")],
        ),
        (
            "HBONE-H-002",
            "baggage that is not ASCII",
            &[("baggage", "service.name=caf\u{e9}")],
        ),
        (
            "HBONE-H-002",
            "baggage that is none",
            &[("baggage", ";;,,==\"")],
        ),
        ("HBONE-B-002", "empty baggage", &[("baggage", "")]),
        (
            "HBONE-B-005",
            "one bad member among good ones",
            &[("baggage", "service.name=a,=,b,k8s.pod.name=c")],
        ),
        (
            "HBONE-B-003",
            "percent-encoded baggage, good and bad",
            &[("baggage", "service.name=%41%zz%,k8s.pod.name=%0d%0a")],
        ),
        (
            "HBONE-B-006",
            "a key twice",
            &[("baggage", "service.name=a,service.name=b,service.name=")],
        ),
        (
            "HBONE-H-002",
            "forwarded that is none",
            &[("forwarded", "for=\"unterminated;;=,")],
        ),
        (
            "HBONE-H-002",
            "forwarded twice",
            &[("forwarded", "for=10.0.0.1"), ("forwarded", "for=10.0.0.2")],
        ),
        (
            "HBONE-H-002",
            "a traceparent of dashes",
            &[(
                "traceparent",
                "-------------------------------------------------------",
            )],
        ),
        (
            "HBONE-H-002",
            "a traceparent without dashes",
            &[(
                "traceparent",
                "0000000000000000000000000000000000000000000000000000000",
            )],
        ),
        (
            "HBONE-H-006",
            "a traceparent of zeros",
            &[(
                "traceparent",
                "00-00000000000000000000000000000000-0000000000000000-00",
            )],
        ),
        (
            "HBONE-H-006",
            "a traceparent of version ff",
            &[(
                "traceparent",
                "ff-9cade301b39b321e8ea3952c07c362c2-0b0db53071936bd0-00",
            )],
        ),
        (
            "HBONE-H-006",
            "a traceparent of a version to come",
            &[(
                "traceparent",
                "cc-9cade301b39b321e8ea3952c07c362c2-0b0db53071936bd0-00-more",
            )],
        ),
        (
            "HBONE-H-007",
            "a network without a name",
            &[("x-forwarded-network", "")],
        ),
        (
            "HBONE-H-002",
            "a network twice",
            &[("x-forwarded-network", "a"), ("x-forwarded-network", "b")],
        ),
        (
            "HBONE-H-002",
            "a network that is not ASCII",
            &[("x-forwarded-network", "caf\u{e9}")],
        ),
        (
            "HBONE-H-009",
            "a source that nobody knows",
            &[("x-istio-source", "moon")],
        ),
        (
            "HBONE-H-002",
            "a source twice",
            &[
                ("x-istio-source", "gateway"),
                ("x-istio-source", "waypoint"),
            ],
        ),
        (
            "HBONE-H-012",
            "names that only comments know",
            &[
                ("x-istio-origin-network", "a"),
                ("istio-l7-policies-applied", "b"),
            ],
        ),
    ];
    let mut cases: Vec<_> = served
        .into_iter()
        .map(|(requirement, what, more)| {
            let more = more.to_vec();
            Case::must(
                requirement,
                format!("{what}: served"),
                move |world: Arc<World>| {
                    let more = more.clone();
                    async move { serves(&world, &more).await }
                },
            )
        })
        .collect();
    cases.push(Case::must(
        "HBONE-B-009",
        "8,000 octets of baggage: served",
        |world: Arc<World>| async move {
            let baggage = (0..500).map(|nth| format!("key{nth:04}=value{nth:03}"));
            let baggage: Vec<_> = baggage.take(444).collect();
            serves(&world, &[("baggage", &baggage.join(","))]).await
        },
    ));
    cases.push(Case::must(
        "HBONE-H-010",
        "none of it reaches the application",
        nothing_passes,
    ));
    cases.push(Case::must(
        "HBONE-H-011",
        "two mebibytes of fields are refused",
        too_much,
    ));
    cases.push(Case::must(
        "HBONE-H-011",
        "ten thousand small fields are refused, or served",
        too_many,
    ));
    Group {
        title: "Header fields",
        cases,
    }
}

async fn serves(world: &World, more: &[(&str, &str)]) -> Verdict {
    let mut fields = world.fields();
    fields.extend_from_slice(more);
    let mut link = world.link().await?;
    link.send([Frame::headers(1, &fields)]).await;
    opened(link.answer(1).await)?;
    world.keeps(link, 3).await
}

async fn nothing_passes(world: Arc<World>) -> Verdict {
    let Some(application) = &world.application else {
        return Err(Complaint::skipped("needs --application"));
    };
    application.forget();
    let mut fields = world.fields();
    fields.extend_from_slice(&[("baggage", "service.name=a"), ("x-nobody", "knows")]);
    let mut link = world.link().await?;
    link.send([Frame::headers(1, &fields), Frame::data(1, "only this")])
        .await;
    opened(link.answer(1).await)?;
    let Some(mut far) = world.far().await? else {
        return Err(Complaint::skipped("needs --application"));
    };
    let mut there = [0; 9];
    let read = timeout(world.patience, far.read_exact(&mut there)).await;
    let told = String::from_utf8_lossy(&there).into_owned();
    must(
        matches!(read, Ok(Ok(_))) && there == *b"only this",
        "the bytes alone",
        told,
    )
}

async fn too_much(world: Arc<World>) -> Verdict {
    let value = "a".repeat(60_000);
    let mut fields = world.fields();
    fields.extend(std::iter::repeat_n(("x-much", &*value), 35));
    let mut link = world.link().await?;
    link.send(Frame::headers_in_parts(1, &block(&fields))).await;
    let seen = link.answer(1).await;
    let fits = match &seen {
        Seen::Head(head) => head.status() == Some(431),
        Seen::Reset(_) | Seen::GoAway(_) | Seen::Closed(_) => true,
        Seen::Data | Seen::Silence => false,
    };
    must(fits, "431, or a stream or connection error", seen)?;
    world.lives().await
}

async fn too_many(world: Arc<World>) -> Verdict {
    let mut fields = world.fields();
    fields.extend(std::iter::repeat_n(("a", ""), 10_000));
    let mut link = world.link().await?;
    link.send(Frame::headers_in_parts(1, &block(&fields))).await;
    let seen = link.answer(1).await;
    must(seen != Seen::Silence, "an answer, or an error", seen)?;
    world.lives().await
}
