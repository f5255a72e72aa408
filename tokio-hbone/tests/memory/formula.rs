//! The formula as the documentation of `Http2Config` has it.

use tokio_hbone::Http2Config;

/// How much there is at one end.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// On each connection.
    pub(crate) tunnels: usize,
    /// [`CopyConfig::buffer`](tokio_hbone::CopyConfig::buffer), if tunnels are copied.
    pub(crate) copy_buffer: usize,
}

/// What one end may hold, in bytes, that reads nothing.
pub(crate) fn unread(http2: &Http2Config, load: Load) -> usize {
    load.connections * 2 * (http2.connection_window + http2.frame_size) as usize
}

/// What one end may hold, in bytes, whose peer takes nothing.
pub(crate) fn unsent(http2: &Http2Config, load: Load) -> usize {
    load.connections * load.tunnels * (http2.send_buffer + 2 * load.copy_buffer)
}

/// What one end may hold, in bytes, whatever becomes of its tunnels.
pub(crate) fn state(http2: &Http2Config, load: Load) -> usize {
    let tunnel = http2.header_list_size as usize + (8 << 10);
    load.connections * ((5 << 20) + load.tunnels * tunnel)
}
