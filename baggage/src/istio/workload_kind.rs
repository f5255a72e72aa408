use core::fmt;
use core::str::FromStr;

/// The kinds of workload that Istio names in baggage.
///
/// There are no others on the wire: `k8s.statefulset.name` and the like are ordinary members, and never
/// become a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum WorkloadKind {
    /// `k8s.cronjob.name`
    CronJob,
    /// `k8s.deployment.name`
    Deployment,
    /// `k8s.job.name`
    Job,
    /// `k8s.pod.name`
    Pod,
}

impl WorkloadKind {
    /// As it stands in the key, and in metrics: `cronjob`, `deployment`, `job` or `pod`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CronJob => "cronjob",
            Self::Deployment => "deployment",
            Self::Job => "job",
            Self::Pod => "pod",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads what [`as_str`](WorkloadKind::as_str) gives; anything else is not a kind that Istio names.
impl FromStr for WorkloadKind {
    type Err = UnknownWorkloadKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "cronjob" => Ok(Self::CronJob),
            "deployment" => Ok(Self::Deployment),
            "job" => Ok(Self::Job),
            "pod" => Ok(Self::Pod),
            _ => Err(UnknownWorkloadKind),
        }
    }
}

/// A kind of workload that has no key in baggage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of workload; baggage knows cronjob, deployment, job and pod")]
#[non_exhaustive]
pub struct UnknownWorkloadKind;
