//! Authorities and host names: what is taken, in which form, and what is refused why. Fault rows 61 to 65 of `docs/faults.md`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;

use hbone::{Authority, AuthorityError, Hostname, HostnameError};
use proptest::prelude::*;

#[track_caller]
fn assert_reads_as(text: &str, canonical: &str) {
    assert_eq!(
        Authority::parse(text).map(|authority| authority.to_string()),
        Ok(canonical.to_owned()),
        "{text:?}"
    );
}

#[track_caller]
fn assert_refused(text: &str, error: impl Into<AuthorityError>) {
    assert_eq!(Authority::parse(text), Err(error.into()), "{text:?}");
}

#[test]
fn addresses_and_names_are_read_into_one_form() {
    assert_reads_as("1.2.3.4:80", "1.2.3.4:80");
    assert_reads_as("[::1]:80", "[::1]:80");
    assert_reads_as("[2001:DB8:0:0:0:0:0:17]:65535", "[2001:db8::17]:65535");
    assert_reads_as(
        "Echo.Default.svc.CLUSTER.local.:8080",
        "echo.default.svc.cluster.local:8080",
    );
    assert_reads_as("xn--mnchen-3ya.example:1", "xn--mnchen-3ya.example:1");
    assert_reads_as("my_service:1", "my_service:1");
    assert_reads_as("4.3.2.a:80", "4.3.2.a:80");
    assert_reads_as("0x7f.1.example:80", "0x7f.1.example:80");
    assert_reads_as("0xyz:80", "0xyz:80");
    assert_reads_as("localhost:80", "localhost:80");
}

#[test]
fn an_ipv4_mapped_address_is_the_ipv4_address() {
    for text in [
        "[::ffff:127.0.0.1]:80",
        "[::FFFF:7F00:1]:80",
        "[0:0:0:0:0:ffff:127.0.0.1]:80",
    ] {
        assert_reads_as(text, "127.0.0.1:80");
        assert_eq!(
            Authority::parse(text)
                .ok()
                .and_then(|authority| authority.addr()),
            Some(SocketAddr::from(([127, 0, 0, 1], 80)))
        );
    }
}

#[test]
fn an_address_that_only_embeds_an_ipv4_address_stays_what_it_is() {
    assert_reads_as("[::127.0.0.1]:80", "[::7f00:1]:80");
    assert_reads_as("[64:ff9b::7f00:1]:80", "[64:ff9b::7f00:1]:80");
}

// [61]
#[test]
fn every_malformed_authority_is_refused_with_its_reason() {
    assert_refused("", AuthorityError::Empty);
    assert_refused("host", AuthorityError::MissingPort);
    assert_refused("host:", AuthorityError::MissingPort);
    assert_refused("1.2.3.4", AuthorityError::MissingPort);
    assert_refused("1.2.3.4:", AuthorityError::MissingPort);
    assert_refused("[::1]", AuthorityError::MissingPort);
    assert_refused("[::1]:", AuthorityError::MissingPort);
    assert_refused(":80", HostnameError::Empty);
    assert_refused(".:80", HostnameError::Empty);
    assert_refused("::1:80", AuthorityError::UnbracketedIpv6);
    assert_refused("2001:db8:0:0:0:0:0:17:80", AuthorityError::UnbracketedIpv6);
    assert_refused("::1", AuthorityError::UnbracketedIpv6);
    assert_refused("host:99999", AuthorityError::PortOutOfRange);
    assert_refused("host:65536", AuthorityError::PortOutOfRange);
    assert_refused("host:4294967376", AuthorityError::PortOutOfRange);
    assert_refused("host:18446744073709551696", AuthorityError::PortOutOfRange);
    assert_refused("host:+80", AuthorityError::PortSign);
    assert_refused("host:-80", AuthorityError::PortSign);
    assert_refused("[::1]:+80", AuthorityError::PortSign);
    assert_refused("host:080", AuthorityError::PortLeadingZero);
    assert_refused("host:00", AuthorityError::PortLeadingZero);
    assert_refused("host:0x50", AuthorityError::PortHex);
    assert_refused("host:0X50", AuthorityError::PortHex);
    assert_refused("host:http", AuthorityError::PortNotDecimal);
    assert_refused("host:8e1", AuthorityError::PortNotDecimal);
    assert_refused("host:8_0", AuthorityError::PortNotDecimal);
    assert_refused("[::1]:80:80", AuthorityError::PortNotDecimal);
    assert_refused("host:80:80", AuthorityError::TooManyColons);
    assert_refused("1.2.3.4:80:80", AuthorityError::TooManyColons);
    assert_refused("host:80/", AuthorityError::Path);
    assert_refused("http://host:80", AuthorityError::Path);
    assert_refused("host:80?x", AuthorityError::Query);
    assert_refused("host:80#f", AuthorityError::Fragment);
    assert_refused("host:80\0", AuthorityError::ControlOrBlank);
    assert_refused("ho\0st:80", AuthorityError::ControlOrBlank);
    assert_refused(" host:80", AuthorityError::ControlOrBlank);
    assert_refused("host :80", AuthorityError::ControlOrBlank);
    assert_refused("host:80\t", AuthorityError::ControlOrBlank);
    assert_refused("host:80\r\n", AuthorityError::ControlOrBlank);
    assert_refused("host\u{7f}:80", AuthorityError::ControlOrBlank);
    assert_refused("hóst:80", AuthorityError::NonAscii);
    assert_refused("１２７.0.0.1:80", AuthorityError::NonAscii);
    assert_refused("127。0。0。1:80", AuthorityError::NonAscii);
    assert_refused("host:８０", AuthorityError::NonAscii);
    assert_refused(&format!("{}:80", "a".repeat(8192)), AuthorityError::TooLong);
    assert_refused("[::1:80", AuthorityError::UnbalancedBrackets);
    assert_refused("::1]:80", AuthorityError::UnbalancedBrackets);
    assert_refused("[::1]80", AuthorityError::UnbalancedBrackets);
    assert_refused("[[::1]]:80", AuthorityError::UnbalancedBrackets);
    assert_refused("a[::1]:80", AuthorityError::UnbalancedBrackets);
    assert_refused("[]:80", AuthorityError::BadIpv6);
    assert_refused("[1.2.3.4]:80", AuthorityError::BadIpv6);
    assert_refused("[host]:80", AuthorityError::BadIpv6);
    assert_refused("[v1.x]:80", AuthorityError::BadIpv6);
    assert_refused("[::1::2]:80", AuthorityError::BadIpv6);
    assert_refused("[::00001]:80", AuthorityError::BadIpv6);
}

// [61]
#[test]
fn every_malformed_host_name_is_refused_with_its_reason() {
    let long_label = "a".repeat(64);
    let long_name = ["a".repeat(63).as_str(); 4].join(".");
    assert_refused("a..b:80", HostnameError::EmptyLabel);
    assert_refused(".a:80", HostnameError::EmptyLabel);
    assert_refused("a..:80", HostnameError::EmptyLabel);
    assert_refused(&format!("{long_label}:80"), HostnameError::LabelTooLong);
    assert_refused(&format!("{long_name}:80"), HostnameError::TooLong);
    assert_refused("-a:80", HostnameError::Hyphen);
    assert_refused("a-.b:80", HostnameError::Hyphen);
    assert_refused("xn--:80", HostnameError::Hyphen);
    for text in [
        "*.example:80",
        "a%41:80",
        "a,b:80",
        "a!b:80",
        "a\\b:80",
        "a\"b:80",
        "a;b:80",
        "{a}:80",
    ] {
        assert_refused(text, HostnameError::BadCharacter);
    }
}

#[test]
fn the_longest_name_is_taken_with_and_without_its_trailing_dot() {
    let label = "a".repeat(63);
    let name = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(name.len(), 253);
    assert_reads_as(&format!("{name}:65535"), &format!("{name}:65535"));
    assert_reads_as(&format!("{name}.:65535"), &format!("{name}:65535"));
    assert_eq!(
        Hostname::parse(&format!("{name}a")),
        Err(HostnameError::TooLong)
    );
}

// [62]
#[test]
fn port_zero_is_refused() {
    assert_refused("host:0", AuthorityError::PortZero);
    assert_refused("1.2.3.4:0", AuthorityError::PortZero);
    assert_refused("[::1]:0", AuthorityError::PortZero);
}

// [63]
#[test]
fn user_info_is_refused_whichever_side_the_host_might_be_on() {
    for text in [
        "user@10.0.0.1:80",
        "10.0.0.1:80@evil:80",
        "u:p@h:80",
        "@h:80",
        "h:80@",
        "a@b@c:80",
    ] {
        assert_refused(text, AuthorityError::Userinfo);
    }
}

// [64]
#[test]
fn an_ipv6_zone_is_refused() {
    for text in [
        "[fe80::1%25eth0]:80",
        "[fe80::1%eth0]:80",
        "[fe80::1%]:80",
        "fe80::1%eth0:80",
    ] {
        assert_refused(text, AuthorityError::ZoneId);
    }
}

// [65]
#[test]
fn an_ipv4_address_in_disguise_is_refused() {
    for host in [
        "0177.0.0.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "127.1",
        "127.0.1",
        "017700000001",
        "0x7f.0.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "1.2.3.4.",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.256",
        "example.0x",
        "example.0X1f",
        "a.1",
        "0",
    ] {
        assert_refused(&format!("{host}:80"), HostnameError::EndsInNumber);
    }
}

#[test]
fn what_the_http_crate_lets_through_is_read_by_the_same_rules() {
    let through = |text: &str| {
        let authority: http::uri::Authority = text.parse().expect("the http crate takes it");
        Authority::try_from(&authority)
    };
    assert_eq!(through("10.0.0.7:80"), Authority::parse("10.0.0.7:80"));
    assert_eq!(through("user@10.0.0.1:80"), Err(AuthorityError::Userinfo));
    assert_eq!(
        through("10.0.0.1:80@evil:80"),
        Err(AuthorityError::Userinfo)
    );
    assert_eq!(through("a%41@evil:80"), Err(AuthorityError::Userinfo));
    assert_eq!(through("host"), Err(AuthorityError::MissingPort));
    assert_eq!(through("host:"), Err(AuthorityError::MissingPort));
    assert_eq!(through("host:0"), Err(AuthorityError::PortZero));
    assert_eq!(through("host:+80"), Err(AuthorityError::PortSign));
    assert_eq!(through("host:080"), Err(AuthorityError::PortLeadingZero));
    assert_eq!(through("host:99999"), Err(AuthorityError::PortOutOfRange));
    assert_eq!(through("[fe80::1%25eth0]:80"), Err(AuthorityError::ZoneId));
    assert_eq!(through("[what:is:this]:80"), Err(AuthorityError::BadIpv6));
    assert_eq!(
        through("[::1]x:80"),
        Err(AuthorityError::UnbalancedBrackets)
    );
    assert_eq!(
        through("2130706433:80"),
        Err(HostnameError::EndsInNumber.into())
    );
    assert_eq!(
        through("a!$&'()*+,;=~b:80"),
        Err(HostnameError::BadCharacter.into())
    );
    assert_eq!(through(":80"), Err(HostnameError::Empty.into()));
}

#[test]
fn what_the_http_crate_refuses_is_refused_here_too() {
    for text in [
        "", "a b:80", "a\0:80", "ä:80", "[::1:80", "a%41:80", "h:80:80", "h@", "a\\b:80", "h:80/",
        "h:80?x", "h:80#f", "<h>:80", "{h}:80", "h|:80", "h^:80", "`h:80", "a\"b:80",
    ] {
        assert!(text.parse::<http::uri::Authority>().is_err(), "{text:?}");
        assert!(Authority::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_socket_address_loses_its_scope_and_its_mapping() {
    let scoped = SocketAddr::V6(std::net::SocketAddrV6::new(
        "fe80::1".parse().expect("an address"),
        80,
        5,
        3,
    ));
    assert_eq!(Authority::from(scoped).to_string(), "[fe80::1]:80");
    assert_eq!(Authority::Addr(scoped).to_string(), "[fe80::1]:80");
    let mapped: SocketAddr = "[::ffff:10.0.0.7]:80".parse().expect("an address");
    assert_eq!(
        Authority::from(mapped),
        Authority::parse("10.0.0.7:80").expect("an authority")
    );
}

#[test]
fn a_name_is_below_its_parents_and_nothing_else() {
    let name = |text: &str| Hostname::parse(text).expect("a host name");
    assert!(name("a.example.com").is_below(&name("example.com")));
    assert!(name("a.b.example.com").is_below(&name("EXAMPLE.com.")));
    assert!(!name("example.com").is_below(&name("example.com")));
    assert!(!name("badexample.com").is_below(&name("example.com")));
    assert!(!name("example.com").is_below(&name("a.example.com")));
}

#[test]
fn an_authority_can_be_made_of_its_parts() {
    let host = Hostname::parse("echo").expect("a host name");
    let port = NonZeroU16::new(80).expect("a port");
    assert_eq!(
        Authority::from((host, port)),
        Authority::parse("echo:80").expect("an authority")
    );
}

fn hostname() -> impl Strategy<Value = String> {
    let label = "[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,20}[a-zA-Z0-9_])?";
    let last = "[a-zA-Z]([a-zA-Z0-9-]{0,10}[a-zA-Z0-9])?";
    (proptest::collection::vec(label, 0..4), last).prop_map(|(mut labels, last)| {
        labels.push(last);
        labels.join(".")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_authority_round_trips(host in prop_oneof![
        any::<Ipv4Addr>().prop_map(|addr| addr.to_string()),
        any::<Ipv6Addr>().prop_map(|addr| format!("[{addr}]")),
        any::<Ipv4Addr>().prop_map(|addr| format!("[::ffff:{addr}]")),
        hostname(),
        hostname().prop_map(|name| format!("{name}.")),
    ], port in 1_u16..) {
        let authority = Authority::parse(&format!("{host}:{port}")).expect("an authority");
        prop_assert_eq!(authority.port(), port);
        let text = authority.to_string();
        prop_assert_eq!(Authority::parse(&text), Ok(authority.clone()));
        // The form is one that other parsers read alike.
        let uri: http::uri::Authority = text.parse().expect("a URI authority");
        prop_assert_eq!(uri.port_u16(), Some(port));
        prop_assert_eq!(text.parse().ok(), authority.addr());
    }

    #[test]
    fn whatever_is_read_is_in_canonical_form(text in "[\\[\\]a-fA-F0-9xX.:%@/_ -]{0,24}:?[0-9]{0,6}") {
        if let Ok(authority) = Authority::parse(&text) {
            prop_assert_ne!(authority.port(), 0);
            prop_assert_eq!(Authority::parse(&authority.to_string()), Ok(authority.clone()));
            if let Authority::Addr(addr) = authority {
                prop_assert_eq!(addr.ip(), addr.ip().to_canonical());
            }
        }
    }

    #[test]
    fn a_port_is_read_exactly_if_it_is_a_plain_decimal_number(text in "[0-9+xX-]{0,7}") {
        let plain = text.parse::<u16>().ok().filter(|port| *port != 0 && port.to_string() == text);
        let read = Authority::parse(&format!("host:{text}")).ok();
        prop_assert_eq!(read.map(|authority| authority.port()), plain);
    }

    #[test]
    fn no_spelling_that_the_c_library_takes_for_an_ipv4_address_is_a_name(
        parts in proptest::collection::vec((any::<u32>(), 0..3), 1..5),
    ) {
        // inet_aton: one to four parts, each decimal, octal or hexadecimal.
        let spelled: Vec<_> = parts
            .iter()
            .map(|(part, base)| match base {
                0 => part.to_string(),
                1 => format!("0{part:o}"),
                _ => format!("0x{part:x}"),
            })
            .collect();
        match Authority::parse(&format!("{}:80", spelled.join("."))) {
            Ok(Authority::Addr(addr)) => {
                prop_assert_eq!(addr.ip().to_string(), spelled.join("."));
            }
            Ok(Authority::Name { host, .. }) => prop_assert!(false, "{host} was taken for a name"),
            Err(error) => prop_assert_eq!(error, HostnameError::EndsInNumber.into()),
        }
    }

    #[test]
    fn reading_never_panics(text in any::<String>()) {
        let _ = Authority::parse(&text);
        let _ = Hostname::parse(&text);
    }
}
