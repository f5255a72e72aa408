use baggage::istio::{PeerAttributes, WorkloadKind};

/// The owner of a workload as Istio writes it: `kubernetes://apis/apps/v1/namespaces/<ns>/<kind>s/<name>`, the API group being
/// `apps/v1` whatever the kind. `None` for a workload without a name.
pub fn to_owner(attributes: &PeerAttributes) -> Option<String> {
    let (name, kind) = (attributes.workload()?, attributes.workload_kind()?);
    let namespace = attributes.namespace().unwrap_or_default();
    Some(format!("{PREFIX}{namespace}/{}s/{name}", kind.as_str()))
}

/// The kind in the owner URL of a workload of this name; `None` if it is none that Istio names.
///
/// Read as Istio's Envoy reads it: what stands in front of `s/<name>`, going by the length of the name only.
pub fn owner_kind(owner: &str, workload: &str) -> Option<WorkloadKind> {
    let end = owner
        .len()
        .checked_sub(workload.len().checked_add("s/".len())?)?;
    kind(owner.get(..end)?.rsplit('/').next()?)
}

/// A kind by the word that stands in metadata.
pub(super) fn kind(word: &str) -> Option<WorkloadKind> {
    [
        WorkloadKind::CronJob,
        WorkloadKind::Deployment,
        WorkloadKind::Job,
        WorkloadKind::Pod,
    ]
    .into_iter()
    .find(|kind| kind.as_str() == word)
}

const PREFIX: &str = "kubernetes://apis/apps/v1/namespaces/";
