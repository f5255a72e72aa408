use std::fmt;
use std::net::{IpAddr, SocketAddr};

use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening};
use hbone::{Authority, DenyStatus, Identity, Reject};

use crate::allow::Allow;

/// What clients may have us connect to.
///
/// The policy is made for each CONNECT from the rules that are about its target: one that opens a range which is denied to
/// everybody does not open it for another that is wider.
pub(super) struct Targets {
    rule: Rule,
    own: SocketAddr,
}

enum Rule {
    Allowed(Vec<Allow>),
    LocalOnly,
}

impl Targets {
    /// What these rules allow: without any, nothing. `own` is where we listen.
    pub(super) const fn allowed(rules: Vec<Allow>, own: SocketAddr) -> Self {
        let rule = Rule::Allowed(rules);
        Self { rule, own }
    }

    /// The address that a client has connected to.
    pub(super) const fn local_only(own: SocketAddr) -> Self {
        let rule = Rule::LocalOnly;
        Self { rule, own }
    }

    /// The policy for a client that asks for `authority` at the address `local` of ours.
    pub(super) fn policy(&self, authority: &Authority, local: Option<IpAddr>) -> DestinationPolicy {
        let policy = match (&self.rule, local) {
            (Rule::Allowed(rules), _) => allowed(rules, authority),
            (Rule::LocalOnly, Some(local)) => local_only(local),
            (Rule::LocalOnly, None) => DestinationPolicy::deny_all(),
        };
        policy.own_listener(self.own)
    }

    /// Those of the addresses that a name led to which `who` could have asked for themselves.
    pub(super) fn reachable(
        &self,
        who: &Identity,
        local: Option<IpAddr>,
        found: Vec<SocketAddr>,
    ) -> Result<Vec<SocketAddr>, Reject> {
        let mut denied = None;
        let mut reachable = Vec::new();
        for addr in found {
            let itself = Authority::from(addr);
            match self.policy(&itself, local).admit(who, &itself) {
                Ok(_) => reachable.push(addr),
                Err(reason) => denied = Some(Reject::denied(reason, DenyStatus::default())),
            }
        }
        match denied {
            Some(denied) if reachable.is_empty() => Err(denied),
            _ => Ok(reachable),
        }
    }
}

fn allowed(rules: &[Allow], authority: &Authority) -> DestinationPolicy {
    let about: Vec<_> = rules
        .iter()
        .filter(|rule| match authority {
            Authority::Addr(addr) => rule.covers(*addr),
            Authority::Name { port, .. } => rule.covers_port(port.get()),
        })
        .collect();
    let entry = |rule: &&Allow| -> AllowEntry {
        match authority {
            Authority::Addr(_) => rule.addresses(),
            Authority::Name { host, .. } => rule.name(host),
        }
    };
    let policy = match rules {
        [] => DestinationPolicy::deny_all(),
        _ => DestinationPolicy::allow_list(about.iter().map(entry)),
    };
    let openings = about.iter().flat_map(|rule| rule.openings());
    openings.fold(policy, DestinationPolicy::open)
}

fn local_only(local: IpAddr) -> DestinationPolicy {
    let policy = DestinationPolicy::local_only(local).open(Opening::ServiceNames);
    // A client that has reached us there has been let in by whoever chose where we listen.
    DeniedRange::all_of(local)
        .map(Opening::Range)
        .fold(policy, DestinationPolicy::open)
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Rule::LocalOnly => f.write_str("the address that a client connects to, at any port"),
            Rule::Allowed(rules) if rules.is_empty() => f.write_str(
                "nothing: every CONNECT is denied until --allow NET:PORT or --local-only says what clients may ask for",
            ),
            Rule::Allowed(rules) => {
                for (index, rule) in rules.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{rule}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "127.0.0.1:15108";

    fn targets(rules: &[&str]) -> Targets {
        let rules = rules.iter().map(|rule| rule.parse().expect("a rule"));
        Targets::allowed(rules.collect(), OWN.parse().expect("an address"))
    }

    fn who() -> Identity {
        Identity::parse("spiffe://cluster.local/ns/a/sa/b").expect("an identity")
    }

    /// Whether this may be dialled after all, when it is asked for by its address.
    fn is_allowed(targets: &Targets, target: &str) -> bool {
        let authority: Authority = target.parse().expect("an authority");
        let addr = authority.addr().expect("an address");
        let local = "127.0.0.1".parse().ok();
        let admitted = targets.policy(&authority, local).admit(&who(), &authority);
        admitted.is_ok_and(|admitted| admitted.check(addr).is_ok())
    }

    /// Which of these may be dialled when a name leads to all of them.
    fn led_to(targets: &Targets, port: u16, found: &[&str]) -> Vec<String> {
        let name: Authority = format!("a.example:{port}").parse().expect("an authority");
        let local = "127.0.0.1".parse().ok();
        let Ok(admitted) = targets.policy(&name, local).admit(&who(), &name) else {
            return Vec::new();
        };
        let found = found.iter().map(|addr| format!("{addr}:{port}"));
        let found = found
            .map(|addr| addr.parse().expect("an address"))
            .collect();
        let reachable = targets.reachable(&who(), local, found).unwrap_or_default();
        let checked = reachable
            .into_iter()
            .filter(|addr| admitted.check(*addr).is_ok());
        checked.map(|addr| addr.ip().to_string()).collect()
    }

    #[test]
    fn without_a_rule_nothing_is_allowed() {
        let targets = targets(&[]);
        assert!(!is_allowed(&targets, "10.0.0.1:80"));
        assert!(led_to(&targets, 80, &["10.0.0.1"]).is_empty());
        assert!(targets.to_string().starts_with("nothing:"));
    }

    #[test]
    fn a_rule_allows_its_network_at_its_ports_only() {
        let targets = targets(&["10.0.0.0/8:80-81", "[fd00::/8]:443"]);
        for (target, allowed) in [
            ("10.0.0.1:80", true),
            ("10.255.0.1:81", true),
            ("[::ffff:10.0.0.1]:80", true),
            ("10.0.0.1:82", false),
            ("11.0.0.1:80", false),
            ("[fd00::1]:443", true),
            ("[fd00::1]:80", false),
            ("127.0.0.1:80", false),
        ] {
            assert_eq!(is_allowed(&targets, target), allowed, "{target}");
        }
    }

    #[test]
    fn what_one_rule_opens_is_not_open_for_a_wider_one() {
        let targets = targets(&["127.0.0.1:8080", "0.0.0.0/0:1-65535", "127.0.0.2:80"]);
        for (target, allowed) in [
            ("127.0.0.1:8080", true),
            ("127.0.0.1:80", false),
            ("127.0.0.2:80", true),
            ("127.0.0.3:80", false),
            ("169.254.169.254:80", false),
            ("10.0.0.1:15008", false),
            ("10.0.0.1:80", true),
            (OWN, false),
        ] {
            assert_eq!(is_allowed(&targets, target), allowed, "{target}");
        }
        let found = [
            "127.0.0.1",
            "127.0.0.2",
            "127.0.0.3",
            "10.0.0.1",
            "169.254.169.254",
        ];
        assert_eq!(led_to(&targets, 80, &found), ["127.0.0.2", "10.0.0.1"]);
        assert_eq!(led_to(&targets, 8080, &found), ["127.0.0.1", "10.0.0.1"]);
    }

    #[test]
    fn a_gateway_is_allowed_the_port_of_its_upstreams_by_name() {
        let targets = targets(&["10.0.0.0/8:15008"]);
        assert!(is_allowed(&targets, "10.0.0.1:15008"));
        assert!(!is_allowed(&targets, "10.0.0.1:15006"));
    }

    #[test]
    fn local_only_is_the_address_that_the_client_came_to() {
        let targets = Targets::local_only(OWN.parse().expect("an address"));
        assert!(is_allowed(&targets, "127.0.0.1:80"));
        assert!(!is_allowed(&targets, "127.0.0.2:80"));
        assert!(!is_allowed(&targets, "10.0.0.1:80"));
        assert!(!is_allowed(&targets, OWN));
        assert_eq!(
            led_to(&targets, 80, &["10.0.0.1", "127.0.0.1"]),
            ["127.0.0.1"]
        );
    }
}
