/// The cluster that a request goes to, as far as it matters for sending metadata there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetCluster<'a> {
    /// Cluster metadata `istio.disable_mx`: all its endpoints speak HBONE, and learn of us there.
    disable_mx: bool,
    external: bool,
    name: &'a str,
}

impl<'a> TargetCluster<'a> {
    /// A cluster of this name, in the mesh.
    pub const fn new(name: &'a str) -> Self {
        Self {
            disable_mx: false,
            external: false,
            name,
        }
    }

    /// The same cluster with `istio.disable_mx`.
    #[must_use]
    pub const fn with_disable_mx(mut self, disable_mx: bool) -> Self {
        self.disable_mx = disable_mx;
        self
    }

    /// The same cluster with `istio.external`: outside of the mesh.
    #[must_use]
    pub const fn with_external(mut self, external: bool) -> Self {
        self.external = external;
        self
    }

    /// Whether metadata goes there; with `skip_external` only inside of the mesh.
    pub fn takes_headers(&self, skip_external: bool) -> bool {
        let outside = self.external || self.name == "PassthroughCluster";
        !(self.disable_mx || skip_external && outside)
    }
}
