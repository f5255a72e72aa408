use h2::{client, server};
use tokio::io::{AsyncRead, AsyncWrite};

/// The HTTP/2 settings of one side of a connection. All sizes are in bytes.
///
/// # Memory
///
/// Whatever the peer sends and whoever does not read, a connection holds at most
///
/// ```text
///   2 × connection_window   what has come and is not read; a frame may keep twice its size
/// + 2 × frame_size          a frame that is not whole yet
/// + 5 MiB                   small frames that are not put together yet, and trailers that nobody has looked at, 4 MiB; what is
///                           read ahead of TLS, 320 KiB, and what is encrypted and waits for the socket, 576 KiB; TLS, HTTP/2
///                           and timers
/// + tunnels × (
///     send_buffer           what was written and is not sent
///   + header_list_size      the head of its CONNECT, or of the answer
///   + 2 × CopyConfig::buffer, if it is copied: what was read for it and the window has no room for
///   + 8 KiB                 its state
///   )
/// ```
///
/// with `tunnels` up to `concurrent_streams` at a server. By the defaults that is 39 MiB, and 0.96 MiB more for each tunnel
/// that is copied both ways. It is what a connection holds if all of its tunnels are stuck in both directions; one on which nothing waits
/// holds its state alone. Beside these there is what a client sends ahead of the answer to its CONNECT, which is not put together: of fewer
/// than 256 bytes a frame, as `small_frame_budget` has it; of more, up to 8 KiB for each frame that the windows let in; of trailers, up to
/// six times `header_list_size`. It ends with the answer, and a [`Relay`](crate::Relay) gives one within
/// [`ServeConfig::total_timeout`](hbone::ServeConfig::total_timeout). An answer of hundreds of fields, however small, keeps up to six times
/// `header_list_size`, too, for as long as a client has the tunnel.
///
/// Specification: HBONE-T-011, HBONE-T-012, HBONE-H-011, HBONE-S-015, HBONE-Q-005. HBONE-T-015 and HBONE-T-016 are for h2
/// to fulfil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http2Config {
    /// How much one tunnel may have in flight towards us (RFC 9113 section 6.9); at least a byte.
    pub stream_window: u32,
    /// How much all tunnels of a connection may have in flight towards us. Keep it several times `stream_window`: if
    /// both are equal, one tunnel that nobody reads stops all others. At least a byte; but every connection begins with 65,535,
    /// which cannot be taken back (section 6.9.2).
    pub connection_window: u32,
    /// The largest DATA frame that we accept.
    pub frame_size: u32,
    /// The largest head that we accept, in the measure of RFC 9113 section 6.5.2.
    pub header_list_size: u32,
    /// How much one tunnel may hold that is written and not yet sent; at least a byte.
    pub send_buffer: usize,
    /// How many tunnels a client may have open on one connection to us.
    pub concurrent_streams: u32,
    /// How much a connection may spend on small DATA frames that nobody has taken yet: each of fewer than 256 bytes costs what
    /// it lacks to 256, and gives it back when it is taken. A connection that spends more is closed with ENHANCE_YOUR_CALM, and
    /// all its tunnels with it.
    ///
    /// A tunnel that nobody reads costs little of it: after every 512 small frames of a connection or so, those that wait are put
    /// together, and take up one byte of memory for each of theirs and of `stream_window`. What remains is a CONNECT that is
    /// not answered yet: the default, `connection_window`, lets its client send some 65,000 frames of a byte ahead, in about
    /// 20 MB. At least 4 MiB, which putting together needs.
    pub small_frame_budget: usize,
}

impl Http2Config {
    /// For the side that opens tunnels: heads of 16 KiB.
    #[must_use]
    pub const fn client() -> Self {
        Self {
            header_list_size: 16 << 10,
            ..Self::server()
        }
    }

    /// For the side that accepts them: heads of 64 KiB, 200 tunnels a connection.
    #[must_use]
    pub const fn server() -> Self {
        Self {
            stream_window: 4 << 20,
            connection_window: 16 << 20,
            frame_size: 1 << 20,
            header_list_size: 64 << 10,
            send_buffer: 400 << 10,
            concurrent_streams: 200,
            small_frame_budget: 16 << 20,
        }
    }

    pub(crate) fn client_builder(&self) -> client::Builder {
        let mut builder = client::Builder::new();
        builder
            .initial_window_size(self.stream_window.clamp(1, MAX_WINDOW))
            .initial_connection_window_size(self.connection_window.clamp(1, MAX_WINDOW))
            .max_frame_size(self.frame_size.clamp(MIN_FRAME, MAX_FRAME))
            .max_header_list_size(self.header_list_size)
            .max_send_buffer_size(self.send_buffer.clamp(1, u32::MAX as usize))
            .data_frame_budget(self.small_frame_budget.max(LEAST_BUDGET))
            .enable_push(false)
            .initial_max_send_streams(UNSAID);
        builder
    }

    pub(crate) fn server_builder(&self) -> server::Builder {
        let streams = usize::try_from(self.concurrent_streams).unwrap_or(usize::MAX);
        let mut builder = server::Builder::new();
        builder
            .initial_window_size(self.stream_window.clamp(1, MAX_WINDOW))
            .initial_connection_window_size(self.connection_window.clamp(1, MAX_WINDOW))
            .max_frame_size(self.frame_size.clamp(MIN_FRAME, MAX_FRAME))
            .max_header_list_size(self.header_list_size)
            .max_send_buffer_size(self.send_buffer.clamp(1, u32::MAX as usize))
            .max_concurrent_streams(self.concurrent_streams)
            .data_frame_budget(self.small_frame_budget.max(LEAST_BUDGET))
            .max_concurrent_reset_streams(REMEMBERED_RESETS.max(streams))
            .max_pending_accept_reset_streams(UNACCEPTED_RESETS)
            .max_local_error_reset_streams(Some(ERROR_RESETS));
        builder
    }
}

/// How many streams are remembered for a second after we have reset them. What comes for one that is forgotten counts as an
/// error of the peer, which may only not have heard yet.
const REMEMBERED_RESETS: usize = 1024;
/// How many streams may lie reset in h2's queue before anybody has looked at them.
const UNACCEPTED_RESETS: usize = 20;
/// What comes between two rounds of putting small frames together, with room to spare: see `FrameMeter`.
const LEAST_BUDGET: usize = 4 << 20;
/// How many streams h2 itself may have to reset for the peer's errors, in the life of a connection.
const ERROR_RESETS: usize = 1024;
/// How many streams the peer allows on `connection`: `None` before its SETTINGS, `Some(None)` if it sets no limit.
pub(crate) fn max_send_streams<IO>(
    connection: &client::Connection<IO, bytes::Bytes>,
) -> Option<Option<u32>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    match connection.max_concurrent_send_streams() {
        UNSAID => None,
        streams => Some(u32::try_from(streams).ok()),
    }
}

/// What h2 has for the peer's limit before its SETTINGS: a figure that no SETTINGS lead to, so that a peer that allows no
/// stream can be told from one that has said nothing. No stream is opened by it, since nothing is before the SETTINGS.
const UNSAID: usize = usize::MAX - 1;

/// RFC 9113 section 6.9.1.
const MAX_WINDOW: u32 = (1 << 31) - 1;
/// RFC 9113 section 4.2.
const MIN_FRAME: u32 = 1 << 14;
/// RFC 9113 section 4.2.
const MAX_FRAME: u32 = (1 << 24) - 1;
