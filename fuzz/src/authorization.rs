use std::net::SocketAddr;

use hbone::Identity;
use hbone::authorization::{
    Action, AnyOf, Authorizations, Clause, Connection, Match, Policy, PolicyName, Rule, Scope,
    ServiceAccount, TextMatch, Verdict,
};

use crate::script::Script;

/// Any policies and any connection: the verdict is the naive one, and does not depend on order; what is on trial changes nothing, one more
/// denial lets nobody in, and a rule holds only if each of its clauses does.
pub fn authorization(data: &[u8]) {
    let mut script = Script::new(data);
    let source = identity(&mut script);
    let [client, destination] = [0, 1].map(|_| address(&mut script));
    let mut connection = Connection::new(client, destination);
    connection.source = source.as_ref();
    let mut policies: Vec<Policy> = (0..script.below(5))
        .map(|at| policy(at, &mut script))
        .collect();
    let selected: Vec<PolicyName> = policies
        .iter()
        .filter(|_| script.flag())
        .map(|it| it.name.clone())
        .collect();
    let judge = |policies: &[Policy]| {
        let all = Authorizations::new(policies.to_vec()).expect("each has its name");
        all.judge("shop", &selected, &connection)
    };
    let verdict = judge(&policies);
    // Whoever names a policy is under it, whatever its scope.
    let applies = |it: &&Policy| {
        let is_here = match it.scope {
            Scope::Global => true,
            Scope::Namespace => &*it.name.namespace == "shop",
            _ => false,
        };
        !it.dry_run && (is_here || selected.contains(&it.name))
    };
    let of = |action| {
        policies
            .iter()
            .filter(applies)
            .filter(move |it| it.action == action)
    };
    let denied = of(Action::Deny).any(|it| it.matches(&connection));
    let allowed = of(Action::Allow).any(|it| it.matches(&connection));
    match &verdict {
        Verdict::Denied(name) => {
            assert!(denied);
            assert!(of(Action::Deny).any(|it| it.name == *name && it.matches(&connection)));
        }
        Verdict::Allowed => assert!(!denied && (allowed || of(Action::Allow).next().is_none())),
        _ => assert!(!denied && !allowed && of(Action::Allow).next().is_some()),
    }
    assert_eq!(verdict.is_allowed(), verdict == Verdict::Allowed);

    policies.reverse();
    assert_eq!(judge(&policies).is_allowed(), verdict.is_allowed());
    let mut trial = policy(9, &mut script);
    trial.dry_run = true;
    policies.push(trial.clone());
    assert_eq!(judge(&policies), verdict);
    trial.dry_run = false;
    trial.action = Action::Deny;
    trial.name = PolicyName::new("shop", "more");
    policies.push(trial);
    assert!(!judge(&policies).is_allowed() || verdict.is_allowed());
    policies.push(policies[0].clone());
    assert_eq!(
        Authorizations::new(policies.clone()),
        Err(policies[0].name.clone())
    );

    let clauses = script.several(4, clause);
    let whole: Rule = clauses.iter().cloned().collect();
    let each = clauses.into_iter().map(|clause| Rule::from_iter([clause]));
    assert_eq!(
        whole.matches(&connection),
        each.into_iter().all(|rule| rule.matches(&connection))
    );
    one_condition(&mut script, &connection);
}

/// A match of one condition is that condition, and its contrary is not.
fn one_condition(script: &mut Script<'_>, connection: &Connection<'_>) {
    let text = text(script);
    let (mut is, mut is_not) = (Match::default(), Match::default());
    assert!(!is.matches(connection), "no condition is no match");
    let (expected, known) = if script.flag() {
        is.namespaces.any.push(text.clone());
        is_not.namespaces.not.push(text.clone());
        let namespace = connection.source.map_or("", Identity::namespace);
        (text.matches(namespace), true)
    } else {
        is.principals.any.push(text.clone());
        is_not.principals.not.push(text.clone());
        let principal = connection
            .source
            .map(|it| it.to_string()["spiffe://".len()..].to_owned());
        (principal.is_some_and(|it| text.matches(&it)), true)
    };
    assert_eq!(is.matches(connection), expected);
    assert_eq!(is_not.matches(connection), known && !expected);
    let sample = script.text();
    assert!(TextMatch::Exact((&*sample).into()).matches(&sample));
    assert!(TextMatch::Prefix((&*sample).into()).matches(&format!("{sample}x")));
    assert!(TextMatch::Suffix((&*sample).into()).matches(&format!("x{sample}")));
    assert_eq!(TextMatch::Presence.matches(&sample), !sample.is_empty());
}

fn policy(at: usize, script: &mut Script<'_>) -> Policy {
    let scope = script.one_of(&[Scope::Global, Scope::Namespace, Scope::WorkloadSelector]);
    let action = script.one_of(&[Action::Allow, Action::Deny]);
    let namespace = script.one_of(&["shop", "other"]);
    let mut policy = Policy::new(namespace, format!("p{at}"), scope, action);
    policy.dry_run = script.below(5) == 4;
    policy.rules = script.several(3, |script| script.several(3, clause).into_iter().collect());
    policy
}

fn clause(script: &mut Script<'_>) -> Clause {
    script.several(3, condition)
}

fn condition(script: &mut Script<'_>) -> Match {
    let mut condition = Match::default();
    for _ in 0..script.below(3) {
        match script.below(6) {
            0 => push(&mut condition.namespaces, script, text),
            1 => push(&mut condition.principals, script, text),
            2 => push(&mut condition.service_accounts, script, |script| {
                ServiceAccount::new(script.one_of(&["shop", "x"]), script.one_of(&["cart", "y"]))
            }),
            3 => push(&mut condition.source_ips, script, range),
            4 => push(&mut condition.destination_ips, script, range),
            _ => push(&mut condition.destination_ports, script, |script| {
                script.one_of(&[80, 8080, 443])
            }),
        }
    }
    condition
}

fn push<T>(any_of: &mut AnyOf<T>, script: &mut Script<'_>, read: impl Fn(&mut Script<'_>) -> T) {
    let one = read(script);
    if script.flag() {
        any_of.not.push(one)
    } else {
        any_of.any.push(one)
    }
}

fn text(script: &mut Script<'_>) -> TextMatch {
    let text = script.one_of(&[
        "shop",
        "cart",
        "sh",
        "op",
        "",
        "td/ns/shop/sa/cart",
        "td/ns/",
        "/sa/cart",
    ]);
    match script.below(4) {
        0 => TextMatch::Exact(text.into()),
        1 => TextMatch::Prefix(text.into()),
        2 => TextMatch::Suffix(text.into()),
        _ => TextMatch::Presence,
    }
}

fn range(script: &mut Script<'_>) -> ipnet::IpNet {
    let all = [
        "10.0.0.0/8",
        "10.0.0.7/32",
        "0.0.0.0/0",
        "192.168.0.0/16",
        "::/0",
        "fd00::/8",
    ];
    script.one_of(&all).parse().expect("a range")
}

fn address(script: &mut Script<'_>) -> SocketAddr {
    let all = [
        "10.0.0.7:80",
        "[::ffff:10.0.0.7]:80",
        "10.9.9.9:8080",
        "192.168.1.1:443",
        "[fd00::1]:80",
    ];
    script.one_of(&all).parse().expect("an address")
}

fn identity(script: &mut Script<'_>) -> Option<Identity> {
    let all = [
        "",
        "spiffe://td/ns/shop/sa/cart",
        "spiffe://td/ns/x/sa/cart",
        "spiffe://other/ns/shop/sa/y",
    ];
    script.one_of(&all).parse().ok()
}
