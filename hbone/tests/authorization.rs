//! Which connections the mesh's own policies let in, as ztunnel decides it.

use hbone::Identity;
use hbone::authorization::{
    Action, Authorizations, Clause, Connection, Match, Policy, PolicyName, Rule, Scope,
    ServiceAccount, TextMatch, Verdict,
};
use proptest::prelude::*;

fn identity(text: &str) -> Identity {
    text.parse().expect("an identity")
}

fn exact(text: &str) -> TextMatch {
    TextMatch::Exact(text.into())
}

fn connection(source: Option<&Identity>) -> Connection<'_> {
    let client = "10.0.0.7:4711".parse().expect("an address");
    let destination = "10.0.0.9:8080".parse().expect("an address");
    let mut connection = Connection::new(client, destination);
    connection.source = source;
    connection
}

fn matching(change: impl FnOnce(&mut Match)) -> Match {
    let mut conditions = Match::default();
    change(&mut conditions);
    conditions
}

fn policy(name: &str, scope: Scope, action: Action, rules: Vec<Vec<Clause>>) -> Policy {
    let mut policy = Policy::new("store", name, scope, action);
    policy.rules = rules.into_iter().map(Rule::from_iter).collect();
    policy
}

fn everything() -> Vec<Vec<Clause>> {
    vec![vec![]]
}

fn judge(policies: Vec<Policy>, selected: &[PolicyName]) -> Verdict {
    let cart = identity("spiffe://cluster.local/ns/shop/sa/cart");
    let policies = Authorizations::new(policies).expect("distinct names");
    policies.judge("store", selected, &connection(Some(&cart)))
}

fn name(name: &str) -> PolicyName {
    PolicyName::new("store", name)
}

#[test]
fn without_policies_everything_is_allowed() {
    assert_eq!(judge(vec![], &[]), Verdict::Allowed);
}

#[test]
fn a_deny_that_matches_beats_every_allow() {
    let policies = vec![
        policy("allow", Scope::Namespace, Action::Allow, everything()),
        policy("deny", Scope::Namespace, Action::Deny, everything()),
    ];
    assert_eq!(judge(policies, &[]), Verdict::Denied(name("deny")));
}

#[test]
fn as_soon_as_there_is_an_allow_one_has_to_match() {
    let nothing = vec![policy("allow", Scope::Namespace, Action::Allow, vec![])];
    assert_eq!(judge(nothing, &[]), Verdict::NotAllowed);
    let one_of_two = vec![
        policy("nobody", Scope::Namespace, Action::Allow, vec![]),
        policy("everybody", Scope::Global, Action::Allow, everything()),
    ];
    assert_eq!(judge(one_of_two, &[]), Verdict::Allowed);
}

#[test]
fn a_deny_that_does_not_match_leaves_the_rest_as_it_is() {
    let policies = vec![policy("deny", Scope::Namespace, Action::Deny, vec![])];
    assert_eq!(judge(policies, &[]), Verdict::Allowed);
}

#[test]
fn a_dry_run_decides_nothing_either_way() {
    for action in [Action::Allow, Action::Deny] {
        let rules = match action {
            Action::Deny => everything(),
            _ => vec![],
        };
        let mut tried = policy("tried", Scope::Namespace, action, rules);
        tried.dry_run = true;
        assert_eq!(judge(vec![tried], &[]), Verdict::Allowed);
    }
}

#[test]
fn a_policy_is_in_force_where_its_scope_says() {
    let deny = |scope| vec![policy("deny", scope, Action::Deny, everything())];
    let denied = Verdict::Denied(name("deny"));
    assert_eq!(judge(deny(Scope::Global), &[]), denied);
    assert_eq!(judge(deny(Scope::Namespace), &[]), denied);
    assert_eq!(judge(deny(Scope::WorkloadSelector), &[]), Verdict::Allowed);
    assert_eq!(
        judge(deny(Scope::WorkloadSelector), &[name("deny")]),
        denied
    );
    assert_eq!(
        judge(deny(Scope::WorkloadSelector), &[name("other")]),
        Verdict::Allowed
    );

    let elsewhere = Authorizations::new(deny(Scope::Namespace)).expect("distinct names");
    assert!(elsewhere.judge("other", [], &connection(None)).is_allowed());
}

#[test]
fn two_policies_of_one_name_are_refused() {
    let twice = ["deny", "deny"].map(|name| policy(name, Scope::Global, Action::Deny, vec![]));
    assert_eq!(Authorizations::new(twice), Err(name("deny")));
}

#[test]
fn within_a_rule_all_clauses_and_within_a_clause_one_match() {
    let shop = || matching(|m| m.namespaces.any.push(exact("shop")));
    let other = || matching(|m| m.namespaces.any.push(exact("other")));
    let port = |port| matching(|m| m.destination_ports.any.push(port));
    let cart = identity("spiffe://cluster.local/ns/shop/sa/cart");
    let matches = |clauses: Vec<Clause>| Rule::from_iter(clauses).matches(&connection(Some(&cart)));
    assert!(matches(vec![vec![other(), shop()], vec![port(8080)]]));
    assert!(!matches(vec![vec![shop()], vec![port(9999)]]));
    assert!(!matches(vec![vec![other()], vec![port(8080)]]));
    assert!(matches(vec![vec![], vec![shop()]]), "an empty clause holds");
    assert!(
        !matches(vec![vec![Match::default()]]),
        "empty conditions never do"
    );
}

#[test]
fn every_condition_has_to_hold() {
    let cart = identity("spiffe://cluster.local/ns/shop/sa/cart");
    let matches = |change: fn(&mut Match)| matching(change).matches(&connection(Some(&cart)));
    assert!(matches(|m| m
        .principals
        .any
        .push(exact("cluster.local/ns/shop/sa/cart"))));
    assert!(!matches(|m| m
        .principals
        .any
        .push(exact("spiffe://cluster.local/ns/shop/sa/cart"))));
    assert!(matches(|m| m
        .principals
        .any
        .push(TextMatch::Suffix("/sa/cart".into()))));
    assert!(matches(|m| m
        .principals
        .any
        .push(TextMatch::Prefix("cluster.local/".into()))));
    assert!(matches(|m| m.principals.any.push(TextMatch::Presence)));
    assert!(!matches(|m| m.principals.not.push(TextMatch::Presence)));
    assert!(matches(|m| m
        .service_accounts
        .any
        .push(ServiceAccount::new("shop", "cart"))));
    assert!(!matches(|m| m
        .service_accounts
        .any
        .push(ServiceAccount::new("cart", "shop"))));
    assert!(matches(|m| m
        .source_ips
        .any
        .push("10.0.0.0/24".parse().expect("a range"))));
    assert!(!matches(|m| m
        .source_ips
        .not
        .push("10.0.0.0/24".parse().expect("a range"))));
    assert!(matches(|m| m
        .destination_ips
        .any
        .push("10.0.0.9/32".parse().expect("a range"))));
    assert!(!matches(|m| m.destination_ports.not.push(8080)));
    assert!(!matches(|m| {
        m.destination_ports.any.push(8080);
        m.namespaces.any.push(exact("other"));
    }));
}

#[test]
fn a_plaintext_client_is_nobody() {
    let matches = |change: fn(&mut Match)| matching(change).matches(&connection(None));
    assert!(!matches(|m| m
        .principals
        .any
        .push(TextMatch::Prefix("".into()))));
    assert!(!matches(|m| m.namespaces.any.push(TextMatch::Presence)));
    assert!(!matches(|m| m
        .service_accounts
        .any
        .push(ServiceAccount::new("", ""))));
    assert!(matches(|m| m.principals.not.push(TextMatch::Presence)));
}

#[test]
fn an_ipv4_address_in_ipv6_clothing_is_the_ipv4_address() {
    let client = "[::ffff:10.0.0.7]:4711".parse().expect("an address");
    let destination = "[::ffff:10.0.0.9]:8080".parse().expect("an address");
    let from = matching(|m| {
        m.source_ips
            .any
            .push("10.0.0.0/8".parse().expect("a range"))
    });
    assert!(from.matches(&Connection::new(client, destination)));
}

/// Whichever way round the clothing is: a DENY that is written so must not let everybody in.
#[test]
fn a_range_in_ipv6_clothing_is_the_ipv4_range() {
    let range = |text: &str| text.parse().expect("a range");
    for clothed in ["::ffff:10.0.0.0/104", "::ffff:a00:7/128", "::ffff:0:0/96"] {
        let from = matching(|m| m.source_ips.any.push(range(clothed)));
        assert!(from.matches(&connection(None)), "{clothed}");
        let elsewhere = matching(|m| m.source_ips.not.push(range(clothed)));
        assert!(!elsewhere.matches(&connection(None)), "{clothed}");
    }
    let to = matching(|m| m.destination_ips.any.push(range("::ffff:10.0.0.8/127")));
    assert!(to.matches(&connection(None)));
    for other in ["::ffff:10.0.1.0/120", "::ffff:0:0/95", "::/0"] {
        let from = matching(|m| m.source_ips.any.push(range(other)));
        assert!(!from.matches(&connection(None)), "{other}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever else there is: denied if a DENY matches, else allowed if there is no ALLOW or one that matches.
    #[test]
    fn the_verdict_is_that_of_the_book(kinds in proptest::collection::vec((any::<bool>(), any::<bool>()), 0..6)) {
        let policies = kinds.iter().enumerate().map(|(index, (allow, matches))| {
            let action = if *allow { Action::Allow } else { Action::Deny };
            let rules = if *matches { everything() } else { vec![] };
            policy(&index.to_string(), Scope::Global, action, rules)
        });
        let denied = kinds.iter().any(|(allow, matches)| !allow && *matches);
        let allows = kinds.iter().filter(|(allow, _)| *allow).count();
        let matched = kinds.iter().any(|(allow, matches)| *allow && *matches);
        let verdict = judge(policies.collect(), &[]);
        prop_assert_eq!(verdict.is_allowed(), !denied && (allows == 0 || matched));
    }
}
