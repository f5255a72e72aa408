use core::fmt;

/// The kinds of workload that Istio names in baggage.
///
/// There are no others on the wire: `k8s.statefulset.name` and the like are ordinary members, and never become a workload.
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
