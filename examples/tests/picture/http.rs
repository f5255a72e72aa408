use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer to one request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A browser on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(120);

/// One request of HTTP/1.1 on a connection of its own. `headers` are whole lines.
pub(crate) fn request(
    authority: &str,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> Answer {
    let mut socket =
        TcpStream::connect(authority).unwrap_or_else(|error| panic!("{authority}: {error}"));
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for line in headers {
        head += &format!("{line}\r\n");
    }
    if !headers.iter().any(|line| line.starts_with("host:")) {
        head += &format!("host: {authority}\r\n");
    }
    socket
        .write_all(format!("{head}\r\n{body}").as_bytes())
        .expect("it takes the request");
    let mut socket = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = socket.read_line(&mut head).expect("a head in UTF-8");
        assert_ne!(
            read, 0,
            "{method} {path}: the answer ends in its head: {head:?}"
        );
    }
    // Not all that answer then close the connection.
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.eq_ignore_ascii_case("content-length");
        is_it.then(|| value.trim().parse().ok())?
    });
    // Who has no content to send says no length.
    let mut body = vec![0; length.unwrap_or(0)];
    socket.read_exact(&mut body).expect("a body");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Answer {
        status: status.expect("a status"),
        head: head.to_ascii_lowercase(),
        body: String::from_utf8(body).expect("UTF-8"),
    }
}
