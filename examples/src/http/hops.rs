//! How many of these proxies a request has come through: one that is led in a circle ends.
//!
//! What `forwarded` counts for tunnels cannot count for requests, which share them. `via` is not used for it: some servers answer
//! requests that have it otherwise, such as nginx, which does not compress for them.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{Refusal, ResponseFlag};

static HOPS: HeaderName = HeaderName::from_static("x-hbone-hops");

/// As many as a tunnel may come through.
const MOST: u16 = 16;

/// Counts this proxy. Where the mesh begins, nobody has counted yet, whatever the client says.
pub(super) fn count(headers: &mut HeaderMap, is_edge: bool) -> Result<(), Refusal> {
    let before = match is_edge {
        true => 0,
        false => before(headers),
    };
    if before >= MOST {
        let reason = format!(
            "the request has come through {before} proxies of the mesh, and seems to be led in a circle; do the mesh files of two waypoints lead into each other?"
        );
        let status = StatusCode::LOOP_DETECTED;
        return Err(Refusal::new(status, ResponseFlag::NoRoute, reason));
    }
    headers.insert(&HOPS, HeaderValue::from(before.saturating_add(1)));
    Ok(())
}

/// What is no number was said by none of us. Of several the highest counts, so that none is got around.
fn before(headers: &HeaderMap) -> u16 {
    let said = headers.get_all(&HOPS).iter();
    let numbers = said.filter_map(|value| value.to_str().ok()?.parse().ok());
    numbers.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(values: &[&'static str]) -> HeaderMap {
        let value = |value: &&'static str| (HOPS.clone(), HeaderValue::from_static(value));
        values.iter().map(value).collect()
    }

    #[test]
    fn a_request_ends_after_as_many_proxies_as_a_tunnel() {
        let mut headers = HeaderMap::new();
        for hop in 1..=MOST {
            count(&mut headers, false).expect("it goes on");
            assert_eq!(headers.get(&HOPS), Some(&HeaderValue::from(hop)));
        }
        let refusal = count(&mut headers, false).expect_err("a circle");
        assert_eq!(refusal.status, StatusCode::LOOP_DETECTED);
    }

    #[test]
    fn what_a_client_says_counts_only_inside_and_the_highest_of_it() {
        assert!(count(&mut said(&["16"]), true).is_ok());
        assert!(count(&mut said(&["1", "16", "x"]), false).is_err());
        for odd in ["", "-1", "many", "99999999"] {
            let mut headers = said(&[odd]);
            count(&mut headers, false).expect("no number");
            assert_eq!(headers.get_all(&HOPS).iter().count(), 1);
        }
    }
}
