use std::path::PathBuf;

use thiserror::Error;

use super::WorkloadName;

/// What is wrong with a mesh file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MeshFileError {
    /// An entry says something that cannot be.
    #[error("{}:{line}: {field}: {problem}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The field, such as `workloads[2].waypoint`.
        field: String,
        /// What is wrong, and what to do about it.
        problem: String,
    },
    /// It is no YAML, or not of the form that a mesh file has.
    #[error("{}:{line}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The field and what is wrong with it.
        problem: String,
    },
    /// The environment says something else than the file about the workload that we are.
    #[error(
        "{variable} is {configured:?}, but workload {name} has {found:?} in {}; unset the variable, or correct one of the two",
        path.display()
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The workload.
        name: WorkloadName,
        /// The environment variable.
        variable: &'static str,
        /// What it says.
        configured: String,
        /// What the file says.
        found: String,
    },
    /// Several workloads have the name.
    #[error(
        "{}: the workloads {first} and {second} are both called {name}; give --workload the uid of the one that is meant",
        path.display()
    )]
    SeveralWorkloads {
        /// The file.
        path: PathBuf,
        /// The name.
        name: WorkloadName,
        /// One of them.
        first: String,
        /// Another one.
        second: String,
    },
    /// No workload has the name.
    #[error(
        "{}: no workload is called {name}; {}",
        path.display(), such_as(known)
    )]
    UnknownWorkload {
        /// The file.
        path: PathBuf,
        /// The name.
        name: WorkloadName,
        /// Some that there are.
        known: Vec<String>,
    },
    /// The file cannot be read.
    #[error("cannot read the mesh file {}: {reason}; --mesh has to name the file of a mesh that this user may read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why, in the system's words.
        reason: String,
    },
}

fn such_as(known: &[String]) -> String {
    match known {
        [] => "the file has none at all".to_owned(),
        known => format!(
            "--workload has to name one of the file's, such as {}",
            known.join(", ")
        ),
    }
}
