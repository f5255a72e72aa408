/// What becomes of a mesh file with [`oddities`](super::MeshFile::oddities).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strictness {
    /// It is used as ztunnel would use it, and they are told.
    #[default]
    AsZtunnel,
    /// It is not used.
    Strict,
}
