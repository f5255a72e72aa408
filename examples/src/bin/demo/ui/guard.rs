use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use hyper::{HeaderMap, Method, Uri};

/// Who may ask. A page of anybody else, open in the same browser, can send requests here and, if its name is made to
/// resolve to this address, read the answers; only its `Host` and `Origin` give it away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard {
    /// Where the request arrived.
    pub(super) local: SocketAddr,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    Host,
    Origin,
    /// A form can send what it likes, but not as JSON.
    Form,
}

impl Guard {
    pub(super) fn check(
        self,
        method: &Method,
        target: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), Foreign> {
        let host = only(headers, HOST).ok_or(Foreign::Host)?;
        // A target in absolute form names a host, too, which counts for more (RFC 9112, section 3.2.2).
        let other = target.authority().map(Authority::as_str);
        if !self.is_here(host) || other.is_some_and(|other| !self.is_here(other)) {
            return Err(Foreign::Host);
        }
        if *method != Method::POST {
            return Ok(());
        }
        // What is no browser sends none.
        if headers.contains_key(ORIGIN) {
            only(headers, ORIGIN)
                .and_then(|origin| origin.strip_prefix("http://"))
                .filter(|origin| self.is_here(origin))
                .ok_or(Foreign::Origin)?;
        }
        let kind = only(headers, CONTENT_TYPE).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        match essence.eq_ignore_ascii_case("application/json") {
            true => Ok(()),
            false => Err(Foreign::Form),
        }
    }

    /// By address, or as `localhost` if that is where we are.
    fn is_here(self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        // One that listens on both kinds of address is asked by IPv4 in the guise of IPv6.
        let local = self.local.ip().to_canonical();
        let here = match local {
            IpAddr::V4(local) => local.to_string(),
            IpAddr::V6(local) => format!("[{local}]"),
        };
        let name = authority.host();
        let named = local.is_loopback() && name.eq_ignore_ascii_case("localhost");
        let port = authority.port_u16().unwrap_or(80);
        // The parser also takes user names.
        !host.contains('@') && (name == here || named) && port == self.local.port()
    }
}

impl Foreign {
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Host => "this is not the host that was asked for\n",
            Self::Origin => "only the page that came from here may do that\n",
            Self::Form => "send application/json\n",
        }
    }
}

fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    all.next().is_none().then(|| first.to_str().ok())?
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn check(local: &str, method: &Method, lines: &[(&'static str, &str)]) -> Result<(), Foreign> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let local = local.parse().unwrap();
        Guard { local }.check(method, &Uri::from_static("/"), &headers)
    }

    #[test]
    fn a_target_that_names_another_host_is_refused() {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("127.0.0.1:1"))]);
        let local = "127.0.0.1:1".parse().unwrap();
        let check = |target| Guard { local }.check(&Method::GET, &target, &headers);
        let ours = Uri::from_static("http://127.0.0.1:1/state");
        assert_eq!(check(ours), Ok(()));
        let foreign = Uri::from_static("http://attacker.example:1/state");
        assert_eq!(check(foreign), Err(Foreign::Host));
    }

    #[test]
    fn a_host_is_the_address_or_localhost_with_the_port() {
        let get = |local: &str, host: &str| check(local, &Method::GET, &[("host", host)]);
        for (local, host) in [
            ("127.0.0.1:20001", "127.0.0.1:20001"),
            ("127.0.0.1:20001", "localhost:20001"),
            ("127.0.0.1:20001", "LocalHost:20001"),
            ("127.0.0.1:80", "localhost"),
            ("[::1]:20001", "[::1]:20001"),
            ("[::ffff:127.0.0.1]:20001", "127.0.0.1:20001"),
            ("[::ffff:127.0.0.1]:20001", "localhost:20001"),
            ("192.0.2.1:20001", "192.0.2.1:20001"),
        ] {
            assert_eq!(get(local, host), Ok(()), "{host}");
        }
        for (local, host) in [
            ("127.0.0.1:20001", "attacker.example:20001"),
            ("127.0.0.1:20001", "127.0.0.1"),
            ("127.0.0.1:20001", "127.0.0.1:20002"),
            ("127.0.0.1:20001", "127.0.0.1.attacker.example:20001"),
            ("127.0.0.1:20001", "user@127.0.0.1:20001"),
            ("127.0.0.1:20001", ""),
            ("192.0.2.1:20001", "localhost:20001"),
        ] {
            assert_eq!(get(local, host), Err(Foreign::Host), "{host}");
        }
        assert_eq!(check("127.0.0.1:1", &Method::GET, &[]), Err(Foreign::Host));
        let twice = [("host", "127.0.0.1:1"), ("host", "127.0.0.1:1")];
        assert_eq!(
            check("127.0.0.1:1", &Method::GET, &twice),
            Err(Foreign::Host)
        );
    }

    #[test]
    fn what_changes_something_comes_from_our_page_or_from_no_page_and_is_json() {
        let post = |lines: &[(&'static str, &str)]| {
            let mut all = vec![("host", "127.0.0.1:20001")];
            all.extend_from_slice(lines);
            check("127.0.0.1:20001", &Method::POST, &all)
        };
        let json = ("content-type", "application/json");
        assert_eq!(post(&[json]), Ok(()));
        let with_charset = ("content-type", "Application/JSON; charset=utf-8");
        assert_eq!(post(&[with_charset]), Ok(()));
        for ours in ["http://127.0.0.1:20001", "http://localhost:20001"] {
            assert_eq!(post(&[json, ("origin", ours)]), Ok(()), "{ours}");
        }
        for foreign in [
            "null",
            "http://attacker.example",
            "https://127.0.0.1:20001",
            "http://127.0.0.1:20002",
            "http://127.0.0.1:20001.attacker.example",
        ] {
            let refused = post(&[json, ("origin", foreign)]);
            assert_eq!(refused, Err(Foreign::Origin), "{foreign}");
        }
        assert_eq!(post(&[]), Err(Foreign::Form));
        assert_eq!(post(&[("content-type", "text/plain")]), Err(Foreign::Form));
    }
}
