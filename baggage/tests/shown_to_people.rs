//! Nothing that is shown can move a terminal's cursor, end a log line or turn the text around.

mod support;

use baggage::{Limits, Members, Sanitized};

/// Unicode's control and format characters, and its separators of lines and paragraphs, that a header can carry.
const UNSAFE: &str = "\0\u{1}\t\n\u{b}\u{c}\r\u{1b}\u{7f}\u{80}\u{85}\u{9b}\u{9f}\u{ad}\u{61c}\u{180e}\u{200b}\u{200d}\u{200e}\u{200f}\
    \u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2066}\u{2067}\u{2068}\u{2069}\u{206a}\u{feff}\u{fff9}\u{e0001}\u{e007f}";

/// Letters and marks that take no room: with one of them a name looks like another.
const INVISIBLE: &str = "\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180f}\u{2065}\u{3164}\u{fe00}\u{fe0f}\u{ffa0}\u{fff0}\u{fff8}\u{e0100}\u{e01ef}";

/// HBONE-B-010.
#[test]
fn unsafe_characters_are_escaped_and_all_others_stay() {
    for character in UNSAFE.chars().chain(INVISIBLE.chars()) {
        let text = format!("a{character}b");
        let shown = Sanitized::new(&text).to_string();
        assert_eq!(shown, format!("a\\u{{{:x}}}b", character as u32));
        assert_eq!(Sanitized::new(&text).to_cow(), shown);
    }
    for text in ["", "productpage-v1", "Amélie 🚀 日本語 עברית", "a\u{fffd}b"] {
        assert_eq!(Sanitized::new(text).to_string(), text);
        assert!(matches!(
            Sanitized::new(text).to_cow(),
            std::borrow::Cow::Borrowed(_)
        ));
    }
    assert_ne!(
        Sanitized::new("\\u{a}").to_string(),
        Sanitized::new("\n").to_string(),
        "no two texts look alike"
    );
}

#[test]
fn a_peer_a_member_and_an_error_are_shown_without_them() {
    let encoded: String = UNSAFE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let line = format!("service.name={encoded};p={encoded}");
    let peer = support::peer(&line).unwrap();
    let baggage = support::parse(&line).baggage;
    let mut full = baggage::Baggage::new();
    let error = full.push(UNSAFE, "").unwrap_err();
    let property = full
        .push_with_properties("k", "", [(UNSAFE, None)])
        .unwrap_err();
    let shown = [
        format!("{peer}"),
        format!("{peer:?}"),
        format!("{baggage}"),
        format!("{baggage:?}"),
        format!("{:?}", Sanitized::new(UNSAFE)),
        format!("{error} {error:?} {property} {property:?}"),
    ];
    for text in shown {
        assert!(
            !text.contains(|character| UNSAFE.contains(character)),
            "{text:?}"
        );
    }
    assert_eq!(peer.service(), Some(UNSAFE), "the data itself is untouched");
}

#[test]
fn a_peer_is_shown_as_the_header_that_says_all_of_it() {
    let peer = support::peer("k8s.pod.name=p 1,k8s.pod.name=p%201,app.name=a").unwrap();
    assert_eq!(
        peer.to_string(),
        "k8s.pod.name=p%201,service.name=a,app.name=a"
    );
}

#[test]
fn errors_name_the_place_the_fault_and_what_to_do() {
    let error = |line: &'static str| {
        Members::strict([line], &Limits::new())
            .find_map(Result::err)
            .unwrap()
            .to_string()
    };
    assert_eq!(
        error("a=1,b c=2"),
        "baggage header line 0, byte 5: invalid_key (the key is not a token; a key cannot be percent-encoded, so rename it)"
    );
    assert!(
        error("a=\"").contains("byte 2: invalid_value") && error("a=\"").contains("percent-encode")
    );
    assert!(error("a=%").contains("byte 2: invalid_percent") && error("a=%").contains("%25"));
}
