//! An established tunnel: what each event of its stream means behind it, and the other way round.

mod half;
mod half_close;
mod role;
mod socket_action;
mod stream_action;
mod tunnel_error;

use std::{fmt, io};

use crate::Reason;

pub use half::Half;
pub use half_close::HalfClose;
pub use role::Role;
pub use socket_action::SocketAction;
pub use stream_action::StreamAction;
pub use tunnel_error::{Cut, Loss, TunnelError};

/// One established CONNECT stream and what is behind it: a socket, or an application that reads and writes.
///
/// It holds no bytes and no time. It knows of both halves whether they are open, ended or broken, and says what an event
/// on one side means for the other:
///
/// | event | reader behind the tunnel | writer behind it | socket behind it | stream |
/// |---|---|---|---|---|
/// | END_STREAM | end of file | goes on | FIN after the last byte | |
/// | RST_STREAM before END_STREAM, any reason | error, never end of file | error | RST | |
/// | RST_STREAM after END_STREAM was read | stays at end of file | broken pipe | closed, without RST | |
/// | trailers | error | error | RST | RST_STREAM PROTOCOL_ERROR |
/// | GOAWAY that covers the stream | goes on | goes on | | |
/// | GOAWAY that leaves it out, lost connection | error unless at end of file | error unless ended | RST, or closed | |
/// | FIN of the socket | goes on | ended | | END_STREAM after the last byte |
/// | RST or error of the socket | | | closed | RST_STREAM CONNECT_ERROR |
///
/// Sources: RFC 9113 sections 5.1, 6.4, 6.8, 8.1 and 8.5, which also says that an error of the stream becomes a TCP
/// segment with RST, and an error of the TCP connection CONNECT_ERROR.
///
/// Call order: any `handle_*`, [`finish`](Self::finish) or [`cut`](Self::cut) in any order and as often as it happens,
/// each followed by [`poll_stream`](Self::poll_stream) and, where a socket is behind, [`poll_socket`](Self::poll_socket)
/// until both say `None`. What happens after a half is over changes nothing, so no event can come too late.
///
/// Specification: HBONE-L-001, HBONE-L-002, HBONE-L-003, HBONE-L-004, HBONE-L-005, HBONE-L-006, HBONE-D-007.
#[derive(Clone)]
pub struct Lifecycle {
    role: Role,
    inbound: Half,
    outbound: Half,
    end_stream_owed: bool,
    reset_owed: Option<Reason>,
    socket_owed: Option<SocketAction>,
}

impl Lifecycle {
    /// A stream whose CONNECT has just been answered with success. Where the answer (or, at a server, the request)
    /// carried END_STREAM, call [`handle_end_stream`](Self::handle_end_stream) next.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            inbound: Half::Open,
            outbound: Half::Open,
            end_stream_owed: false,
            reset_owed: None,
            socket_owed: None,
        }
    }

    /// The half from the peer to us: what a reader behind the tunnel meets after the bytes that have arrived.
    pub fn inbound(&self) -> Half {
        self.inbound
    }

    /// The half from us to the peer: what a writer behind the tunnel meets.
    pub fn outbound(&self) -> Half {
        self.outbound
    }

    /// Whether both halves are over, well or badly. Actions may still be owed.
    pub fn is_over(&self) -> bool {
        !self.inbound.is_open() && !self.outbound.is_open()
    }

    /// DATA arrived: `true` if it is to be delivered, `false` if nobody may have it any more (give the window back and
    /// drop the bytes).
    #[must_use]
    pub fn handle_data(&self) -> bool {
        self.inbound.is_open()
    }

    /// The peer ended its half (END_STREAM on DATA or on the opening headers).
    pub fn handle_end_stream(&mut self) {
        if self.inbound.is_open() {
            self.inbound = Half::Ended;
            self.socket_owed = Some(SocketAction::ShutdownWrite);
        }
    }

    /// The peer reset the stream. A reset that follows END_STREAM must be handed in after it, also where the transport
    /// learns of both at once.
    pub fn handle_reset(&mut self, reason: Reason) {
        let writer = match self.inbound {
            Half::Ended => TunnelError::Stopped(reason),
            _ => TunnelError::Reset(reason),
        };
        self.fail_from_stream(TunnelError::Reset(reason), writer);
    }

    /// The peer sent a header block on the open tunnel. Transports that offer trailers must be asked for them, or this
    /// is never learnt.
    pub fn handle_trailers(&mut self) {
        if self.is_over() {
            return;
        }
        self.fail_from_stream(TunnelError::Trailers, TunnelError::Trailers);
        self.reset_owed = Some(Reason::PROTOCOL_ERROR);
    }

    /// The peer sent GOAWAY; `covered` says whether our stream is among those it still serves, that is whether the id
    /// of our stream is at most the last stream id. A stream that the peer opened is always covered. A covered stream
    /// goes on until it ends or the connection is lost, also where the GOAWAY tells of an error.
    pub fn handle_go_away(&mut self, reason: Reason, covered: bool) {
        if !covered {
            self.handle_lost(Loss::GoAway(reason));
        }
    }

    /// The connection under the stream is gone.
    pub fn handle_lost(&mut self, loss: Loss) {
        self.fail_from_stream(TunnelError::Lost(loss), TunnelError::Lost(loss));
    }

    /// The socket behind the tunnel said FIN.
    pub fn handle_socket_end(&mut self) {
        self.finish();
    }

    /// Reading from or writing to the socket behind the tunnel failed, RST (`ConnectionReset`) included.
    pub fn handle_socket_error(&mut self, kind: io::ErrorKind) {
        if self.is_over() {
            return;
        }
        self.socket_owed = Some(SocketAction::Close);
        self.fail_from_here(TunnelError::Socket(kind), Reason::CONNECT_ERROR);
    }

    /// The writer behind the tunnel has nothing more to send: END_STREAM after its last byte. Reading goes on.
    pub fn finish(&mut self) {
        if self.outbound.is_open() {
            self.outbound = Half::Ended;
            self.end_stream_owed = true;
        }
    }

    /// We break the tunnel off. Nothing happens if both halves are over.
    pub fn cut(&mut self, cut: Cut) {
        if self.is_over() {
            return;
        }
        self.close_socket();
        self.fail_from_here(TunnelError::Cut(cut), self.reason_for(cut));
    }

    /// What to do to the stream next. Each action is given once.
    pub fn poll_stream(&mut self) -> Option<StreamAction> {
        if self.end_stream_owed {
            self.end_stream_owed = false;
            return Some(StreamAction::EndStream);
        }
        self.reset_owed.take().map(StreamAction::Reset)
    }

    /// What to do to the socket behind the tunnel next. Each action is given once; nothing follows
    /// [`SocketAction::Reset`] or [`SocketAction::Close`].
    pub fn poll_socket(&mut self) -> Option<SocketAction> {
        self.socket_owed.take()
    }

    /// The peer's side has failed: the reader is told unless it had reached its end of file, the writer unless it had
    /// finished, and what was still to be said to the peer falls away.
    fn fail_from_stream(&mut self, reader: TunnelError, writer: TunnelError) {
        if self.is_over() {
            return;
        }
        self.close_socket();
        self.inbound.fail(reader);
        self.outbound.fail(writer);
        self.end_stream_owed = false;
    }

    /// Our side has failed: as above, but the peer is told, and an END_STREAM that is still owed goes out first, since
    /// the bytes before it were whole.
    fn fail_from_here(&mut self, error: TunnelError, reset: Reason) {
        self.inbound.fail(error);
        self.outbound.fail(error);
        self.reset_owed = Some(reset);
    }

    /// Where the peer's bytes were whole, an RST could overtake them in the socket's buffer: then a plain close has to
    /// do, which the system turns into RST as soon as the other side sends more.
    fn close_socket(&mut self) {
        self.socket_owed = Some(match self.inbound {
            Half::Ended => SocketAction::Close,
            _ => SocketAction::Reset,
        });
    }

    /// Peers exist that take CANCEL and NO_ERROR for an end of file, so only whoever has ended its half may use them, to say that
    /// it wants no more; what is cut short is reset with a code that none of them does.
    fn reason_for(&self, cut: Cut) -> Reason {
        match (cut, self.role) {
            (Cut::Abandoned, Role::Client) if self.outbound == Half::Ended => Reason::CANCEL,
            (Cut::Abandoned, Role::Server) if self.outbound == Half::Ended => Reason::NO_ERROR,
            (Cut::Abandoned | Cut::Internal, _) => Reason::INTERNAL_ERROR,
            (Cut::Drained | Cut::HalfClosedTooLong | Cut::Revoked, _) => Reason::CONNECT_ERROR,
        }
    }
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Lifecycle({:?}, inbound {:?}, outbound {:?})",
            self.role, self.inbound, self.outbound
        )
    }
}
