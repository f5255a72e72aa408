/// What became of an HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpOutcome {
    /// A gRPC call.
    Grpc {
        /// The HTTP status; 0 if there was no response.
        code: u16,
        /// The `grpc-status`, if the call got that far.
        status: Option<u16>,
    },
    /// Any other request.
    Http {
        /// The HTTP status; 0 if there was no response.
        code: u16,
    },
}
