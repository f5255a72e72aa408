use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hbone::{Authority, Expected, ExpectedIdentities, Hostname, Identity, TrustDomains};

/// Any text: what is read is what the rules make of it, what is written is read as the same, whether it comes through a URI or not.
/// Host names and identities the same.
pub fn authority(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let read = Authority::parse(text);
    assert_eq!(
        read.as_ref().ok().map(as_read),
        by_the_rules(text),
        "{text:?}"
    );
    if let Ok(authority) = &read {
        let written = authority.to_string();
        assert_eq!(Authority::parse(&written).as_ref(), Ok(authority));
        assert!(written.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!written.bytes().any(|byte| byte.is_ascii_uppercase()));
        if let Some(addr) = authority.addr() {
            assert_eq!(Authority::from(addr), *authority);
        }
    }
    if let Ok(uri) = http::uri::Authority::try_from(text) {
        assert_eq!(Authority::try_from(&uri), read);
    }
    hostname(text);
    identity(text);
}

type AsRead = (Result<IpAddr, String>, u16);

fn as_read(authority: &Authority) -> AsRead {
    let host = match authority {
        Authority::Addr(addr) => Ok(addr.ip()),
        Authority::Name { host, .. } => Err(host.to_string()),
    };
    (host, authority.port())
}

fn by_the_rules(text: &str) -> Option<AsRead> {
    let (host, port) = text.rsplit_once(':')?;
    let digits = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || port.starts_with('0') {
        return None;
    }
    let port = port.parse().ok()?;
    if let Some(inner) = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        let SocketAddr::V6(addr) = format!("[{inner}]:1").parse().ok()? else {
            return None;
        };
        // The standard library takes a zone here, and HBONE does not.
        if inner.contains('%') {
            return None;
        }
        return Some((Ok(unmapped(*addr.ip())), port));
    }
    let name = || lowered_name(host).map(Err);
    plain_ipv4(host)
        .map(Ok)
        .or_else(name)
        .map(|host| (host, port))
}

fn unmapped(addr: Ipv6Addr) -> IpAddr {
    match addr.octets() {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => IpAddr::from([a, b, c, d]),
        _ => IpAddr::V6(addr),
    }
}

/// Four decimal numbers up to 255 without zeros in front.
fn plain_ipv4(host: &str) -> Option<IpAddr> {
    let parts: Vec<u8> = host
        .split('.')
        .map(|part| part.parse().ok().filter(|n: &u8| n.to_string() == part))
        .collect::<Option<_>>()?;
    let parts: [u8; 4] = parts.try_into().ok()?;
    Some(Ipv4Addr::from(parts).into())
}

fn lowered_name(host: &str) -> Option<String> {
    let name = host.strip_suffix('.').unwrap_or(host);
    let letters = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let labels: Vec<&str> = name.split('.').collect();
    let good = |label: &&str| {
        (1..64).contains(&label.len())
            && letters(label)
            && label.trim_matches('-').len() == label.len()
    };
    let last = labels.last()?.to_ascii_lowercase();
    let number = last.chars().all(|c| c.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.chars().all(|c| c.is_ascii_hexdigit()));
    (name.len() < 254 && labels.iter().all(good) && !number).then(|| name.to_ascii_lowercase())
}

fn hostname(text: &str) {
    let read = Hostname::parse(text);
    assert_eq!(
        read.as_ref().ok().map(ToString::to_string),
        lowered_name(text)
    );
    let Ok(name) = read else { return };
    assert_eq!(Hostname::parse(name.as_str()).as_ref(), Ok(&name));
    assert!(!name.is_below(&name));
    if let Some((_, parent)) = name.as_str().split_once('.')
        && let Ok(parent) = Hostname::parse(parent)
    {
        assert!(name.is_below(&parent) && !parent.is_below(&name));
    }
}

fn identity(text: &str) {
    let Ok(identity) = Identity::parse(text) else {
        return;
    };
    assert_eq!(identity.to_string(), text);
    let (domain, rest) = text["spiffe://".len()..].split_once("/ns/").unwrap();
    let (namespace, account) = rest.split_once("/sa/").unwrap();
    assert_eq!(identity.trust_domain().as_str(), domain);
    assert_eq!(
        (identity.namespace(), identity.service_account()),
        (namespace, account)
    );
    let again = Identity::new(identity.trust_domain(), namespace, account);
    assert_eq!(again.as_ref(), Ok(&identity));
    assert_eq!(
        Identity::try_from(identity.spiffe_id().clone()).as_ref(),
        Ok(&identity)
    );
    expected(&identity);
}

/// Somebody is expected by name, by namespace and by trust domain, and nobody by nobody.
fn expected(identity: &Identity) {
    let domains = TrustDomains::from(identity.trust_domain().clone());
    assert!(domains.contains(identity.trust_domain()) && domains.iter().count() == 1);
    let namespace = |namespace: &str| Expected::Namespace {
        trust_domains: domains.clone(),
        namespace: namespace.into(),
    };
    for expected in [
        Expected::Identity(identity.clone()),
        namespace(identity.namespace()),
        Expected::TrustDomain(domains.clone()),
    ] {
        let expected = ExpectedIdentities::from(expected);
        assert_eq!(expected.check(identity), Ok(()));
        assert!(expected.to_string().starts_with("spiffe://"));
    }
    let nobody = ExpectedIdentities::default();
    let other = ExpectedIdentities::from(namespace(&format!("not-{}", identity.namespace())));
    for expected in [nobody, other] {
        let refused = expected.check(identity).expect_err("somebody else");
        assert!(refused.to_string().contains(&identity.to_string()));
    }
}
