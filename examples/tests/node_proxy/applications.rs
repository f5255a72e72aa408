use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Answers what it is sent, and ends when the client has ended.
pub(crate) fn echo(mut socket: TcpStream) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length @ 1..) = socket.read(&mut buffer) {
        if socket.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
    let _ = socket.shutdown(Shutdown::Write);
}

/// Serves each connection in a thread of its own, for as long as the test runs.
pub(crate) fn serve(address: SocketAddr, serve: impl Fn(TcpStream) + Send + Copy + 'static) {
    let listener = TcpListener::bind(address).expect("an address for the application");
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            thread::spawn(move || serve(socket));
        }
    });
}
