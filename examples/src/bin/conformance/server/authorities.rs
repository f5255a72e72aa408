use std::sync::Arc;

use hbone_examples::wire::Frame;

use super::requests::refuses;
use super::world::{World, opened};
use crate::case::{Case, Group};

/// What each is, and how it is written. None of them is an authority.
const MALFORMED: [(&str, &str); 41] = [
    ("no port", "10.0.0.1"),
    ("no port, but a colon", "10.0.0.1:"),
    ("no host", ":80"),
    ("nothing", ""),
    ("port 0", "10.0.0.1:0"),
    ("a port above 65535", "10.0.0.1:65536"),
    ("a port of many digits", "10.0.0.1:42949672976"),
    ("a port with a leading zero", "10.0.0.1:080"),
    ("a port with a sign", "10.0.0.1:+80"),
    ("a negative port", "10.0.0.1:-80"),
    ("a hexadecimal port", "10.0.0.1:0x50"),
    ("a named port", "10.0.0.1:http"),
    ("two ports", "10.0.0.1:80:80"),
    ("a path", "10.0.0.1:80/"),
    ("a query", "10.0.0.1:80?a"),
    ("a fragment", "10.0.0.1:80#a"),
    ("a scheme", "https://10.0.0.1:80"),
    ("two authorities", "10.0.0.1:80,10.0.0.2:80"),
    ("an asterisk", "*"),
    ("a user", "user@10.0.0.1:80"),
    ("a user and a password", "user:secret@10.0.0.1:80"),
    ("two @", "10.0.0.2:80@user@10.0.0.1:80"),
    ("bare IPv6", "2001:db8::1:80"),
    ("IPv6 without a port", "[2001:db8::1]"),
    ("IPv6 without a colon before the port", "[2001:db8::1]80"),
    ("IPv6 without its end", "[2001:db8::1:80"),
    ("an encoded zone", "[fe80::1%25eth0]:80"),
    ("a zone", "[fe80::1%eth0]:80"),
    ("nothing in brackets", "[]:80"),
    ("IPv4 in brackets", "[10.0.0.1]:80"),
    ("an octet above 255", "10.0.0.256:80"),
    ("IPv4 of three parts", "10.0.1:80"),
    ("IPv4 as one number", "167772161:80"),
    ("octal IPv4", "012.0.0.1:80"),
    ("hexadecimal IPv4", "0xa.0.0.1:80"),
    ("a percent-encoded host", "%31%30.0.0.1:80"),
    ("an empty label", "a..example:80"),
    ("a label that begins with a hyphen", "-a.example:80"),
    ("a space", "10.0.0.1 :80"),
    ("a tab", "10.0.0.1\t:80"),
    ("octets that are not ASCII", "\u{e9}.example:80"),
];

pub(super) fn group() -> Group<Arc<World>> {
    let mut cases: Vec<_> = MALFORMED
        .into_iter()
        .map(|(what, authority)| {
            let title = format!("{what}: {authority:?}");
            Case::must("HBONE-S-006", title, move |world: Arc<World>| async move {
                let fields = [(":method", "CONNECT"), (":authority", authority)];
                refuses(&world, &fields, &[400]).await
            })
        })
        .collect();
    let long = [
        ("a label of 64 octets", 64, 1),
        ("a name of 8 KiB", 60, 136),
    ];
    for (what, label, times) in long {
        cases.push(Case::must(
            "HBONE-S-006",
            what,
            move |world: Arc<World>| async move {
                let authority = format!("{}example:80", ("a".repeat(label) + ".").repeat(times));
                let fields = [(":method", "CONNECT"), (":authority", &*authority)];
                refuses(&world, &fields, &[400]).await
            },
        ));
    }
    cases.push(Case::must(
        "HBONE-S-006",
        "none at all",
        |world: Arc<World>| async move { refuses(&world, &[(":method", "CONNECT")], &[400]).await },
    ));
    cases.push(Case::must(
        "HBONE-S-006",
        "two fields",
        |world: Arc<World>| async move {
            let mut fields = world.fields();
            fields.push((":authority", "10.0.0.1:80"));
            refuses(&world, &fields, &[400]).await
        },
    ));
    cases.push(Case::must(
        "HBONE-S-008",
        "a host that says the same is served",
        |world: Arc<World>| async move {
            let mut fields = world.fields();
            fields.push(("host", &world.authority));
            let mut link = world.link().await?;
            link.send([Frame::headers(1, &fields)]).await;
            opened(link.answer(1).await).map(drop)
        },
    ));
    Group {
        title: "Malformed authorities",
        cases,
    }
}
