use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::running::PATIENCE;

/// Connects through a SOCKS5 port; the code of the answer if it is not success.
pub(crate) fn connect(proxy: SocketAddr, destination: &str, port: u16) -> Result<TcpStream, u8> {
    ask(proxy, destination, port).expect("the proxy answers")
}

/// The same of a proxy that may be gone.
pub(crate) fn ask(
    proxy: SocketAddr,
    destination: &str,
    port: u16,
) -> io::Result<Result<TcpStream, u8>> {
    let mut socket = greet(proxy)?;
    let mut request = vec![5, 1, 0];
    match destination.parse() {
        Ok(std::net::IpAddr::V4(ip)) => {
            request.push(1);
            request.extend(ip.octets());
        }
        Ok(std::net::IpAddr::V6(ip)) => {
            request.push(4);
            request.extend(ip.octets());
        }
        Err(_) => {
            request.extend([3, u8::try_from(destination.len()).expect("a short name")]);
            request.extend(destination.bytes());
        }
    }
    request.extend(port.to_be_bytes());
    socket.write_all(&request)?;
    let mut answer = [0; 10];
    socket.read_exact(&mut answer)?;
    assert_eq!((answer[0], answer[2]), (5, 0));
    Ok(match answer[1] {
        0 => Ok(socket),
        code => Err(code),
    })
}

/// A connection that has been greeted.
pub(crate) fn greet(proxy: SocketAddr) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(proxy)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(&[5, 2, 0, 2])?;
    let mut answer = [0; 2];
    socket.read_exact(&mut answer)?;
    assert_eq!(answer, [5, 0]);
    Ok(socket)
}

/// Sends all of it, ends, and gives what comes back.
pub(crate) fn exchange(mut socket: TcpStream, request: &[u8]) -> Vec<u8> {
    let mut writer = socket.try_clone().expect("a socket");
    let request = request.to_vec();
    let writing = std::thread::spawn(move || {
        writer.write_all(&request).expect("the bytes are taken");
        writer.shutdown(Shutdown::Write).expect("an end");
    });
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("bytes to their end");
    writing.join().expect("all is written");
    answer
}
