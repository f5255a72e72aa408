use baggage::Limits;
use baggage::istio::{PeerAttributes, PeerAttributesRef};

use crate::oracle;

/// Any octets: the borrowed and the owned peer agree, with what the rules make of the oracle's members, and
/// on plain headers with what a proxy that only splits at commas and equals signs reads.
pub fn attributes_differential(data: &[u8]) {
    let lines = crate::lines(data);
    let limits = Limits::new();
    let owned = PeerAttributes::parse(&lines, &limits);
    let borrowed = PeerAttributesRef::parse(&lines, &limits);
    assert_eq!(borrowed.map(|peer| peer.to_attributes()), owned);
    if let (Some(borrowed), Some(owned)) = (&borrowed, &owned) {
        lent(borrowed, owned);
    }

    let naive = oracle::Limits {
        members: limits.members(),
        bytes: limits.bytes(),
        raw_bytes: limits.raw_bytes(),
    };
    let members = oracle::lenient(lines.iter().copied(), &naive).members;
    let pairs: Vec<(&str, &str)> = members
        .iter()
        .map(|member| (member.key.as_str(), member.value.as_str()))
        .collect();
    let peer = owned.clone().unwrap_or_default();
    let expected = by_the_rules(&pairs);
    assert_eq!(fields(&peer), expected);
    assert_eq!(owned.is_none(), expected.iter().all(Option::is_none));

    if let Some(split) =
        split_as_ztunnel_does(&lines).filter(|split| split.len() <= limits.members())
    {
        assert_eq!(fields(&peer), by_the_rules(&split));
    }
}

/// Each field of the borrowed peer is that of the owned one.
fn lent(borrowed: &PeerAttributesRef<'_>, owned: &PeerAttributes) {
    let lent = [
        borrowed.cluster(),
        borrowed.namespace(),
        borrowed.workload(),
        borrowed.workload_kind().map(|kind| kind.as_str().into()),
        borrowed.service(),
        borrowed.revision(),
        borrowed.app(),
        borrowed.version(),
        borrowed.instance(),
        borrowed.region(),
        borrowed.zone(),
    ];
    assert_eq!(lent.each_ref().map(Option::as_deref), fields(owned));
    assert_eq!(borrowed.is_empty(), owned.is_empty());
    if let Some(kind) = owned.workload_kind() {
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
}

/// Cluster, namespace, workload, its kind, service, revision, app, version, instance, region, zone.
type Fields<'a> = [Option<&'a str>; 11];

fn by_the_rules<'a>(pairs: &[(&'a str, &'a str)]) -> Fields<'a> {
    let last = |wanted: &[&str]| {
        pairs
            .iter()
            .rfind(|(key, _)| wanted.contains(key))
            .filter(|(_, value)| !value.is_empty())
    };
    let value = |key| last(&[key]).map(|&(_, value)| value);
    let workload = last(&[
        "k8s.cronjob.name",
        "k8s.deployment.name",
        "k8s.job.name",
        "k8s.pod.name",
    ]);
    let (service, app) = (value("service.name"), value("app.name"));
    let (revision, version) = (value("service.version"), value("app.version"));
    [
        value("k8s.cluster.name"),
        value("k8s.namespace.name"),
        workload.map(|&(_, name)| name),
        workload.and_then(|(key, _)| key.split('.').nth(1)),
        service.or(app),
        revision.or(version),
        app.or(service),
        version.or(revision),
        value("k8s.instance.name"),
        value("cloud.region"),
        value("cloud.availability_zone"),
    ]
}

fn fields(peer: &PeerAttributes) -> Fields<'_> {
    [
        peer.cluster(),
        peer.namespace(),
        peer.workload(),
        peer.workload_kind().map(|kind| kind.as_str()),
        peer.service(),
        peer.revision(),
        peer.app(),
        peer.version(),
        peer.instance(),
        peer.region(),
        peer.zone(),
    ]
}

/// Without trimming, decoding or properties. `None` where those make a difference.
fn split_as_ztunnel_does<'a>(lines: &[&'a [u8]]) -> Option<Vec<(&'a str, &'a str)>> {
    let mut pairs = Vec::new();
    for element in lines
        .iter()
        .flat_map(|line| line.split(|&byte| byte == b','))
    {
        let element = str::from_utf8(element).ok()?;
        let (key, value) = element.split_once('=')?;
        let plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        if key.is_empty() || !plain(key) || !plain(value) {
            return None;
        }
        pairs.push((key, value));
    }
    let length: usize = lines.iter().map(|line| line.len() + 1).sum();
    (length <= 8192).then_some(pairs)
}
