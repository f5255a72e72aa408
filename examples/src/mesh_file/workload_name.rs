use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A workload as `--workload` names it: `NAMESPACE/NAME`, or the `uid` where several have that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadName(String);

impl WorkloadName {
    /// Whether the workload with this uid, namespace and name is meant.
    pub(super) fn means(&self, uid: &str, namespace: &str, name: &str) -> bool {
        self.0 == uid || self.0.split_once('/') == Some((namespace, name))
    }
}

impl FromStr for WorkloadName {
    type Err = WorkloadNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(WorkloadNameError),
        }
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that names no workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not of the form NAMESPACE/NAME (or a uid of the mesh file)")]
#[non_exhaustive]
pub struct WorkloadNameError;
