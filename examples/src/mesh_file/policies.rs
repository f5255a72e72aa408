use hbone::authorization::{self, AnyOf, Clause, Match, Policy, Rule};
use ipnet::IpNet;
use serde::Deserialize;

use super::parsed::Parsed;
use super::text_match::TextMatch;

/// An authorization policy as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a policy, as a map of its fields"
)]
pub(super) struct PolicyEntry {
    pub(super) name: String,
    #[serde(default)]
    pub(super) namespace: String,
    scope: Scope,
    action: Action,
    #[serde(default)]
    rules: Vec<Vec<Vec<MatchEntry>>>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Scope {
    #[serde(alias = "GLOBAL")]
    Global,
    #[serde(alias = "NAMESPACE")]
    Namespace,
    #[serde(alias = "WORKLOAD_SELECTOR")]
    WorkloadSelector,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Action {
    #[serde(alias = "ALLOW")]
    Allow,
    #[serde(alias = "DENY")]
    Deny,
}

#[derive(Debug, Default, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    default,
    expecting = "a map of conditions"
)]
struct MatchEntry {
    namespaces: Vec<TextMatch>,
    not_namespaces: Vec<TextMatch>,
    service_accounts: Vec<ServiceAccountEntry>,
    not_service_accounts: Vec<ServiceAccountEntry>,
    principals: Vec<TextMatch>,
    not_principals: Vec<TextMatch>,
    source_ips: Vec<Parsed<IpNet>>,
    not_source_ips: Vec<Parsed<IpNet>>,
    destination_ips: Vec<Parsed<IpNet>>,
    not_destination_ips: Vec<Parsed<IpNet>>,
    destination_ports: Vec<u16>,
    not_destination_ports: Vec<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map of namespace and serviceAccount"
)]
struct ServiceAccountEntry {
    namespace: String,
    service_account: String,
}

impl PolicyEntry {
    pub(super) fn into_policy(self) -> Policy {
        let scope = match self.scope {
            Scope::Global => authorization::Scope::Global,
            Scope::Namespace => authorization::Scope::Namespace,
            Scope::WorkloadSelector => authorization::Scope::WorkloadSelector,
        };
        let action = match self.action {
            Action::Allow => authorization::Action::Allow,
            Action::Deny => authorization::Action::Deny,
        };
        let mut policy = Policy::new(self.namespace, self.name, scope, action);
        policy.dry_run = self.dry_run;
        policy.rules = self.rules.into_iter().map(rule).collect();
        policy
    }
}

fn rule(clauses: Vec<Vec<MatchEntry>>) -> Rule {
    let clause = |entries: Vec<MatchEntry>| -> Clause {
        entries.into_iter().map(MatchEntry::into_match).collect()
    };
    clauses.into_iter().map(clause).collect()
}

impl MatchEntry {
    fn into_match(self) -> Match {
        let mut conditions = Match::default();
        conditions.namespaces = any_of(self.namespaces, self.not_namespaces, |text| text.0);
        conditions.principals = any_of(self.principals, self.not_principals, |text| text.0);
        conditions.service_accounts = any_of(
            self.service_accounts,
            self.not_service_accounts,
            |account| {
                authorization::ServiceAccount::new(account.namespace, account.service_account)
            },
        );
        conditions.source_ips = any_of(self.source_ips, self.not_source_ips, |range| range.0);
        conditions.destination_ips =
            any_of(self.destination_ips, self.not_destination_ips, |range| {
                range.0
            });
        conditions.destination_ports =
            any_of(self.destination_ports, self.not_destination_ports, |port| {
                port
            });
        conditions
    }
}

fn any_of<E, T>(any: Vec<E>, not: Vec<E>, read: fn(E) -> T) -> AnyOf<T> {
    let mut values = AnyOf::default();
    values.any = any.into_iter().map(read).collect();
    values.not = not.into_iter().map(read).collect();
    values
}
