use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::namespaces::Namespace;
use crate::running::within;
use crate::socks::connect;
use crate::topology::socks;

/// A connection on which bytes go to and fro all the time, each of which is known.
pub(crate) struct Flow {
    enough: Arc<AtomicBool>,
    /// How many bytes have come back.
    came: Arc<AtomicU64>,
    /// How many were sent and how many came back, once that is over.
    over: JoinHandle<io::Result<(u64, u64)>>,
}

/// What is sent at a time.
const CHUNK: u64 = 4096;
/// Far more than lies in buffers on a way that nobody holds up.
const MUCH: u64 = 512 << 10;

impl Flow {
    /// From a pod to whoever has to say that he is `who`, once he can be reached.
    pub(crate) fn open(from: &Namespace, destination: &str, port: u16, who: [u8; 6]) -> Self {
        let mut socket = None;
        within("the connection is let in", || {
            socket = from.inside(|| connect(socks(), destination, port)).ok();
            socket.is_some()
        });
        let mut socket = socket.expect("a connection");
        let mut said = [0; 6];
        socket.read_exact(&mut said).expect("who it is");
        assert_eq!(said, who);
        let (enough, came) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (ends, counts) = (Arc::clone(&enough), Arc::clone(&came));
        Self {
            enough,
            came,
            over: thread::spawn(move || to_and_fro(socket, &ends, &counts)),
        }
    }

    /// Waits until much has moved that had not begun to.
    pub(crate) fn moves(&self) {
        let before = self.came.load(Ordering::Relaxed);
        within("bytes move", || {
            assert!(!self.over.is_finished(), "the connection is over");
            self.came.load(Ordering::Relaxed) >= before + MUCH
        });
    }

    /// Ends it, after which every byte has come back.
    pub(crate) fn ends_whole(self) {
        self.enough.store(true, Ordering::Relaxed);
        let (sent, came) = self.over.join().expect("no panic").expect("it ends well");
        assert_eq!(came, sent, "bytes were lost");
    }

    /// Waits until it has been broken off, which must not look like an end.
    pub(crate) fn breaks(self) {
        let end = self.over.join().expect("no panic");
        let kind = end.map_err(|error| error.kind());
        let broken = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        assert!(
            matches!(kind, Err(kind) if broken.contains(&kind)),
            "{kind:?}"
        );
    }
}

fn to_and_fro(socket: TcpStream, enough: &AtomicBool, came: &AtomicU64) -> io::Result<(u64, u64)> {
    thread::scope(|scope| {
        let sending = scope.spawn(|| send(&socket, enough));
        let mut received = receive(&socket, came);
        if !enough.swap(true, Ordering::Relaxed) {
            received = received.and_then(|_| early_end(&socket));
            // Whoever sends may be waiting for room.
            let _ = socket.shutdown(Shutdown::Both);
        }
        let sent = sending.join().expect("no panic");
        let received = received?;
        Ok((sent?, received))
    })
}

/// What an end is that we have not asked for. The system tells of a reset once, maybe to whoever was sending, and whoever reads is then
/// told of an end: but nothing can be sent any more.
fn early_end(mut socket: &TcpStream) -> io::Result<u64> {
    socket.write_all(&[0])?;
    let early = "a part that looks like the whole";
    Err(io::Error::new(ErrorKind::UnexpectedEof, early))
}

fn send(mut socket: &TcpStream, enough: &AtomicBool) -> io::Result<u64> {
    let mut sent = 0;
    while !enough.load(Ordering::Relaxed) {
        let chunk: Vec<u8> = (sent..sent + CHUNK).map(byte).collect();
        socket.write_all(&chunk)?;
        sent += CHUNK;
        thread::sleep(Duration::from_millis(2));
    }
    socket.shutdown(Shutdown::Write)?;
    Ok(sent)
}

fn receive(mut socket: &TcpStream, came: &AtomicU64) -> io::Result<u64> {
    let mut buffer = [0; 16 << 10];
    let mut received = 0;
    loop {
        let length = socket.read(&mut buffer)?;
        if length == 0 {
            return Ok(received);
        }
        if !(received..)
            .zip(&buffer[..length])
            .all(|(index, got)| *got == byte(index))
        {
            let other = format!("other bytes than were sent, from {received} on");
            return Err(io::Error::new(ErrorKind::InvalidData, other));
        }
        received += length as u64;
        came.store(received, Ordering::Relaxed);
    }
}

/// What stands at a place: no two places near one another look alike.
fn byte(index: u64) -> u8 {
    (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}
