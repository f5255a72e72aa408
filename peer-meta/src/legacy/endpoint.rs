use baggage::istio::{PeerAttributes, WorkloadKind};

/// Reads endpoint metadata, `workload;namespace;canonical name;canonical revision;cluster`; parts beyond these are ignored, and
/// with fewer it is `None`. The control plane writes it, so it is no claim of the peer.
///
/// The kind of the workload is not in it, so that it comes out as a pod.
pub fn from_endpoint(text: &str) -> Option<PeerAttributes> {
    let mut parts = text.split(';');
    let (workload, namespace) = (parts.next()?, parts.next()?);
    let (service, revision, cluster) = (parts.next()?, parts.next()?, parts.next()?);
    let attributes = PeerAttributes::builder()
        .workload(WorkloadKind::Pod, workload)
        .namespace(namespace)
        .service(service)
        .revision(revision)
        .cluster(cluster)
        .build();
    Some(attributes)
}

/// Writes endpoint metadata. `None` if a value holds the separator, since it would be read back as another workload.
pub fn to_endpoint(attributes: &PeerAttributes) -> Option<String> {
    let parts = [
        attributes.workload(),
        attributes.namespace(),
        attributes.service(),
        attributes.revision(),
        attributes.cluster(),
    ]
    .map(Option::unwrap_or_default);
    parts
        .iter()
        .all(|part| !part.contains(';'))
        .then(|| parts.join(";"))
}
