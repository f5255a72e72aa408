use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use hbone::{Accept, Connect, Reason, Request, RequestAction, RequestError, RequestLimits, Role};
use http::{HeaderMap, Response};

use crate::deadline::{now, within};
use crate::observe::{RequestLog, Watch};
use crate::observed::Failure;
use crate::tending::Tending;
use crate::tunnel::TunnelIo;

/// A CONNECT that was accepted.
pub(crate) struct Opened {
    pub(crate) tunnel: TunnelIo,
    pub(crate) accept: Accept,
    pub(crate) headers: HeaderMap,
}

/// Sends one CONNECT and waits for its answer, as [`Request`] says. Dropping the future resets the stream.
pub(crate) async fn request(
    send: SendRequest<Bytes>,
    failure: &Failure,
    tending: &Tending,
    watch: &Watch,
    connect: &Connect,
    limits: RequestLimits,
) -> Result<Opened, RequestError> {
    let mut log = watch.request(0, &connect.authority);
    match answer(send, failure, &mut log, connect, limits).await {
        Ok(Answer {
            accept,
            head,
            stream,
            body,
        }) => {
            let (failure, tending) = (failure.clone(), tending.clone());
            let log = log.opened();
            Ok(Opened {
                tunnel: TunnelIo::new(Role::Client, stream, body, failure, tending, log),
                accept,
                headers: head,
            })
        }
        Err(error) => {
            log.failed(&error);
            Err(error)
        }
    }
}

/// An answer that opens a tunnel, and the halves of its stream.
struct Answer {
    accept: Accept,
    head: HeaderMap,
    stream: SendStream<Bytes>,
    body: RecvStream,
}

async fn answer(
    send: SendRequest<Bytes>,
    failure: &Failure,
    log: &mut RequestLog,
    connect: &Connect,
    limits: RequestLimits,
) -> Result<Answer, RequestError> {
    let mut request = Request::new(limits, now());
    let sent = within(request.poll_timeout(), send.ready()).await;
    let sent = sent.map(|ready| ready?.send_request(connect.to_request(), false));
    let (mut response, mut stream) = match sent {
        Some(Ok(sent)) => sent,
        Some(Err(error)) => {
            if error.reason().is_none() && error.get_io().is_none() {
                // Nothing was sent, since no stream id is left: as good as a connection that is going away.
                request.handle_goaway();
            }
            report(&mut request, failure, &error);
            return Err(error_of(&mut request));
        }
        None => {
            request.handle_timeout(now());
            return Err(error_of(&mut request));
        }
    };
    log.sent_on(stream.stream_id().as_u32());
    loop {
        let mut opening = None;
        match within(request.poll_timeout(), next_head(&mut response)).await {
            Some(Head::Informational(Ok(head))) => request.handle_informational(head.status()),
            Some(Head::Final(Ok(head))) => {
                let (parts, body) = head.into_parts();
                request.handle_response(&parts);
                opening = Some((body, parts.headers));
            }
            Some(Head::Informational(Err(error)) | Head::Final(Err(error))) => {
                report(&mut request, failure, &error);
            }
            None => request.handle_timeout(now()),
        }
        if let Some(outcome) = outcome_of(&mut request, &mut stream, log) {
            let accept = outcome?;
            let (body, head) = opening.ok_or(RequestError::Cancelled)?;
            return Ok(Answer {
                accept,
                head,
                stream,
                body,
            });
        }
    }
}

enum Head {
    Informational(Result<Response<()>, h2::Error>),
    Final(Result<Response<RecvStream>, h2::Error>),
}

async fn next_head(response: &mut ResponseFuture) -> Head {
    poll_fn(|cx| {
        if let Poll::Ready(Some(informational)) = response.poll_informational(cx) {
            return Poll::Ready(Head::Informational(informational));
        }
        Pin::new(&mut *response).poll(cx).map(Head::Final)
    })
    .await
}

/// Hands what h2 says to the machine, in the machine's terms.
fn report(request: &mut Request, failure: &Failure, error: &h2::Error) {
    match error
        .reason()
        .map(|reason| Reason::from_wire(reason.into()))
    {
        Some(_) if error.is_go_away() && error.is_remote() => request.handle_goaway(),
        Some(reason) if error.is_reset() && error.is_remote() => request.handle_reset(reason),
        _ if error.is_reset() => request.handle_malformed(error.to_string()),
        _ => request.handle_connection_lost(failure.explain(error)),
    }
}

/// Resets the stream if the machine says so, and how the CONNECT ended if it did.
fn outcome_of(
    request: &mut Request,
    stream: &mut SendStream<Bytes>,
    log: &RequestLog,
) -> Option<Result<Accept, RequestError>> {
    while let Some(action) = request.poll() {
        match action {
            RequestAction::Reset(reason) => {
                stream.send_reset(reason.to_wire().into());
                log.reset_sent(reason);
            }
            RequestAction::Ended(outcome) => return Some(outcome),
            _ => {}
        }
    }
    None
}

/// How a CONNECT failed that never had a stream.
fn error_of(request: &mut Request) -> RequestError {
    while let Some(action) = request.poll() {
        if let RequestAction::Ended(Err(error)) = action {
            return error;
        }
    }
    RequestError::Cancelled
}
