//! What is behind a tunnel.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// Starts one that does this with every connection, and gives out what each made of it.
pub(crate) fn application<T: Send + 'static>(
    serve: impl Fn(TcpStream) -> T + Clone + Send + 'static,
) -> (SocketAddr, Receiver<T>) {
    at(
        TcpListener::bind("127.0.0.1:0").expect("a free port"),
        serve,
    )
}

/// The same, where it is already bound.
pub(crate) fn at<T: Send + 'static>(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> T + Clone + Send + 'static,
) -> (SocketAddr, Receiver<T>) {
    let address = listener.local_addr().expect("an address");
    let (made, outcomes) = channel();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let (made, serve) = (made.clone(), serve.clone());
            thread::spawn(move || {
                // The test may not want to know.
                let _ = made.send(serve(socket));
            });
        }
    });
    (address, outcomes)
}

/// Sends back what it gets, and says so at the end of it.
pub(crate) fn echo(mut socket: TcpStream) -> io::Result<u64> {
    let mut reader = socket.try_clone()?;
    let copied = io::copy(&mut reader, &mut socket)?;
    socket.write_all(b"<EOF>")?;
    socket.shutdown(Shutdown::Write)?;
    Ok(copied)
}

/// Makes the close of a socket a reset.
pub(crate) fn reset(socket: TcpStream) {
    SockRef::from(&socket)
        .set_linger(Some(Duration::ZERO))
        .expect("the option");
    drop(socket);
}

/// Everything up to the end of file.
pub(crate) fn read_all(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    from.read_to_end(&mut all)?;
    Ok(all)
}
