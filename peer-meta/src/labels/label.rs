/// One of Istio's standard labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Label {
    ConnectionSecurityPolicy,
    DestinationService,
    DestinationServiceName,
    DestinationServiceNamespace,
    GrpcResponseStatus,
    Reporter,
    RequestProtocol,
    ResponseCode,
    ResponseFlags,
    Of(Side, Field),
}

/// Whose field it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Side {
    Destination,
    Source,
}

/// What is said of both workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Field {
    App,
    CanonicalRevision,
    CanonicalService,
    Cluster,
    Namespace,
    Principal,
    Region,
    Version,
    Workload,
    Zone,
}

use Field::{
    App, CanonicalRevision, CanonicalService, Cluster, Namespace, Principal, Region, Version,
    Workload, Zone,
};
use Label::Of;
use Side::{Destination, Source};

/// ztunnel's TCP set; the last four are the locality labels.
pub(super) static ZTUNNEL_TCP: [Label; 27] = [
    Label::Reporter,
    Of(Source, Workload),
    Of(Source, CanonicalService),
    Of(Source, CanonicalRevision),
    Of(Source, Namespace),
    Of(Source, Principal),
    Of(Source, App),
    Of(Source, Version),
    Of(Source, Cluster),
    Label::DestinationService,
    Label::DestinationServiceNamespace,
    Label::DestinationServiceName,
    Of(Destination, Workload),
    Of(Destination, CanonicalService),
    Of(Destination, CanonicalRevision),
    Of(Destination, Namespace),
    Of(Destination, Principal),
    Of(Destination, App),
    Of(Destination, Version),
    Of(Destination, Cluster),
    Label::RequestProtocol,
    Label::ResponseFlags,
    Label::ConnectionSecurityPolicy,
    Of(Source, Region),
    Of(Source, Zone),
    Of(Destination, Region),
    Of(Destination, Zone),
];

/// `istio_stats`' TCP set, and the locality labels, which it has only when told to.
pub(super) static ENVOY_TCP: [Label; 27] = [
    Label::Reporter,
    Of(Source, Workload),
    Of(Source, CanonicalService),
    Of(Source, CanonicalRevision),
    Of(Source, Namespace),
    Of(Source, Principal),
    Of(Source, App),
    Of(Source, Version),
    Of(Source, Cluster),
    Of(Destination, Workload),
    Of(Destination, Namespace),
    Of(Destination, Principal),
    Of(Destination, App),
    Of(Destination, Version),
    Label::DestinationService,
    Of(Destination, CanonicalService),
    Of(Destination, CanonicalRevision),
    Label::DestinationServiceName,
    Label::DestinationServiceNamespace,
    Of(Destination, Cluster),
    Label::RequestProtocol,
    Label::ResponseFlags,
    Label::ConnectionSecurityPolicy,
    Of(Source, Region),
    Of(Source, Zone),
    Of(Destination, Region),
    Of(Destination, Zone),
];

/// `istio_stats`' HTTP set, and the locality labels, which it has only when told to.
pub(super) static HTTP: [Label; 29] = [
    Label::Reporter,
    Of(Source, Workload),
    Of(Source, CanonicalService),
    Of(Source, CanonicalRevision),
    Of(Source, Namespace),
    Of(Source, Principal),
    Of(Source, App),
    Of(Source, Version),
    Of(Source, Cluster),
    Of(Destination, Workload),
    Of(Destination, Namespace),
    Of(Destination, Principal),
    Of(Destination, App),
    Of(Destination, Version),
    Label::DestinationService,
    Of(Destination, CanonicalService),
    Of(Destination, CanonicalRevision),
    Label::DestinationServiceName,
    Label::DestinationServiceNamespace,
    Of(Destination, Cluster),
    Label::RequestProtocol,
    Label::ResponseCode,
    Label::GrpcResponseStatus,
    Label::ResponseFlags,
    Label::ConnectionSecurityPolicy,
    Of(Source, Region),
    Of(Source, Zone),
    Of(Destination, Region),
    Of(Destination, Zone),
];

/// How many labels at the end of each set are about locality.
pub(super) const LOCALITY: usize = 4;

impl Label {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ConnectionSecurityPolicy => "connection_security_policy",
            Self::DestinationService => "destination_service",
            Self::DestinationServiceName => "destination_service_name",
            Self::DestinationServiceNamespace => "destination_service_namespace",
            Self::GrpcResponseStatus => "grpc_response_status",
            Self::Reporter => "reporter",
            Self::RequestProtocol => "request_protocol",
            Self::ResponseCode => "response_code",
            Self::ResponseFlags => "response_flags",
            Of(Source, App) => "source_app",
            Of(Source, CanonicalRevision) => "source_canonical_revision",
            Of(Source, CanonicalService) => "source_canonical_service",
            Of(Source, Cluster) => "source_cluster",
            Of(Source, Namespace) => "source_workload_namespace",
            Of(Source, Principal) => "source_principal",
            Of(Source, Region) => "source_region",
            Of(Source, Version) => "source_version",
            Of(Source, Workload) => "source_workload",
            Of(Source, Zone) => "source_zone",
            Of(Destination, App) => "destination_app",
            Of(Destination, CanonicalRevision) => "destination_canonical_revision",
            Of(Destination, CanonicalService) => "destination_canonical_service",
            Of(Destination, Cluster) => "destination_cluster",
            Of(Destination, Namespace) => "destination_workload_namespace",
            Of(Destination, Principal) => "destination_principal",
            Of(Destination, Region) => "destination_region",
            Of(Destination, Version) => "destination_version",
            Of(Destination, Workload) => "destination_workload",
            Of(Destination, Zone) => "destination_zone",
        }
    }
}
