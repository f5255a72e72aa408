//! The vectors in `data`, which other implementations may use too: see `data/README.md`.

use hbone::{
    Authority, Connect, ConnectOptions, HeaderValues, IstioSource, Position, Profile, Reject,
    Telling,
};
use http::{HeaderValue, Method, Request, Uri};
use serde_json::{Value, json};

fn heads() -> Value {
    serde_json::from_str(include_str!("data/heads.json")).unwrap()
}

fn pairs(fields: &Value) -> Vec<(&str, &str)> {
    let fields = fields.as_array().unwrap().iter();
    fields
        .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
        .collect()
}

fn telling(vector: &Value) -> Telling {
    let text = |key: &str| vector[key].as_str();
    let mut telling = Telling::new();
    let baggage = text("baggage").map(|line| HeaderValue::from_str(line).unwrap());
    telling.baggage = HeaderValues::from_iter(baggage);
    telling.forwarded = text("forwarded").map(|value| value.parse().unwrap());
    telling.origin_network = text("network").map(|name| name.parse().unwrap());
    telling.source = text("source").map(|source| {
        assert_eq!(source, "waypoint");
        IstioSource::Waypoint
    });
    telling.traceparent = text("traceparent").map(|value| value.parse().unwrap());
    telling
}

#[test]
fn each_client_says_on_each_hop_what_its_vector_says() {
    let heads = heads();
    let vectors = heads["sends"].as_array().unwrap();
    assert_eq!(
        vectors.len(),
        36,
        "three clients, four hops, three networks"
    );
    for vector in vectors {
        let profile = match vector["client"].as_str().unwrap() {
            "agentgateway" => Profile::Agentgateway,
            "envoy" => Profile::Envoy,
            _ => Profile::Ztunnel,
        };
        let position = match vector["hop"].as_str().unwrap() {
            "inner" => Position::Inner,
            "outer" => Position::Outer,
            "single" => Position::Single,
            _ => Position::ToWaypoint,
        };
        let authority: Authority = vector["authority"].as_str().unwrap().parse().unwrap();
        let request = profile
            .connect(position, authority, &telling(&vector["telling"]))
            .to_request();
        let mut sent = vec![
            (":method", request.method().as_str()),
            (":authority", request.uri().authority().unwrap().as_str()),
        ];
        let mut fields: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        fields.sort_unstable();
        sent.append(&mut fields);
        assert_eq!(sent, pairs(&vector["fields"]), "{}", vector["name"]);
    }
}

#[test]
fn each_head_is_read_as_its_vector_says() {
    for vector in heads()["reads"].as_array().unwrap() {
        let read = match read(&pairs(&vector["fields"])) {
            Ok(connect) => shown(&connect),
            Err(reject) => json!({"status": reject.status().as_u16()}),
        };
        assert_eq!(read, vector["expect"], "{}", vector["name"]);
    }
}

fn read(fields: &[(&str, &str)]) -> Result<Connect, Reject> {
    let mut request = Request::new(());
    *request.uri_mut() = Uri::default();
    for &(name, value) in fields {
        match name {
            ":method" => *request.method_mut() = Method::from_bytes(value.as_bytes()).unwrap(),
            ":authority" => {
                let authority: http::uri::Authority = value.parse().unwrap();
                *request.uri_mut() = Uri::from(authority);
            }
            _ => {
                let value = HeaderValue::from_str(value).unwrap();
                let name = http::HeaderName::try_from(name).unwrap();
                request.headers_mut().append(name, value);
            }
        }
    }
    Connect::from_parts(&request.into_parts().0, ConnectOptions::new())
}

fn shown(connect: &Connect) -> Value {
    let line = |line: &HeaderValue| line.to_str().unwrap().to_owned();
    let forwarded = connect.forwarded.as_ref();
    json!({
        "authority": connect.authority.to_string(),
        "baggage": connect.baggage.iter().map(line).collect::<Vec<_>>(),
        "forwarded_host": forwarded.and_then(|forwarded| forwarded.host()),
        "network": connect.origin_network.as_ref().map(|network| network.as_str()),
        "source": connect.source.map(|source| source.as_str()),
        "traceparent": connect.traceparent.map(|parent| parent.to_string()),
    })
}

#[test]
fn each_authority_is_taken_in_its_one_form_or_refused() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("data/authorities.json")).unwrap();
    assert!(vectors.len() > 50);
    for vector in vectors {
        let text = vector["text"].as_str().unwrap();
        let read = Authority::parse(text)
            .ok()
            .map(|authority| authority.to_string());
        assert_eq!(read.as_deref(), vector["canonical"].as_str(), "{text:?}");
    }
}
