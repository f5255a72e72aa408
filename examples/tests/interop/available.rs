/// Whether a peer is there; says so if it is skipped, and fails if the peers are required.
pub(crate) fn available(peer: &str, found: bool) -> bool {
    if !found {
        let required = std::env::var_os("HBONE_REQUIRE_PEERS").is_some();
        assert!(
            !required,
            "{peer} is required and missing; see .ci/interop for how to get it"
        );
        eprintln!("SKIPPED: {peer} is not installed; .ci/interop installs it");
    }
    found
}
