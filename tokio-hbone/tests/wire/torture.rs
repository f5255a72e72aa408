//! Every call of the IO fails once, and every call moves a byte: nothing panics, hangs, leaks a task or bends a byte.

use crate::support::io::{BoxIo, pipe};
use crate::support::torn_io::{Call, TornIo};
use crate::torture_session::Session;

#[tokio::test(start_paused = true)]
async fn an_io_that_moves_one_byte_at_a_time_carries_the_same_bytes() {
    for hops in [1, 2] {
        let slow = |io| -> BoxIo { Box::new(TornIo::slow(io, 1)) };
        run(hops, slow, slow).await.expect("slow is not wrong");
    }
}

#[tokio::test(start_paused = true)]
async fn an_io_of_ours_that_fails_at_any_call_is_an_error_and_no_more() {
    for call in CALLS {
        fails_at_every(|number| {
            let torn = move |io| -> BoxIo { Box::new(TornIo::failing_at(io, call, number)) };
            (torn, |io| io)
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_io_of_the_peer_that_fails_at_any_call_is_an_error_and_no_more() {
    for call in CALLS {
        fails_at_every(|number| {
            let torn = move |io| -> BoxIo { Box::new(TornIo::failing_at(io, call, number)) };
            (|io| io, torn)
        })
        .await;
    }
}

/// Which calls fail: from some moment on all of them, or those of one kind while the others still work.
const CALLS: [Option<Call>; 5] = [
    None,
    Some(Call::Read),
    Some(Call::Write),
    Some(Call::Flush),
    Some(Call::Shutdown),
];

/// Runs sessions over what `tear` makes of the client's and of the server's IO, with a later failure each time.
async fn fails_at_every<N, F>(tear: impl Fn(usize) -> (N, F))
where
    N: FnOnce(BoxIo) -> BoxIo,
    F: FnOnce(BoxIo) -> BoxIo,
{
    for hops in [1, 2] {
        let mut in_a_row = 0;
        for number in 0.. {
            let (near, far) = tear(number);
            match run(hops, near, far).await {
                // The call comes after the last byte, or is not made at all.
                Ok(()) => in_a_row += 1,
                Err(()) => in_a_row = 0,
            }
            if in_a_row > 8 {
                break;
            }
            assert!(number < 1000, "it always fails");
        }
    }
}

async fn run(
    hops: usize,
    near_end: impl FnOnce(BoxIo) -> BoxIo,
    far_end: impl FnOnce(BoxIo) -> BoxIo,
) -> Result<(), ()> {
    let (near, far) = pipe();
    let session = Session::new(hops);
    session.serve(far_end(Box::new(far)));
    let outcome = session.run(near_end(Box::new(near))).await;
    session.ends().await;
    outcome
}
