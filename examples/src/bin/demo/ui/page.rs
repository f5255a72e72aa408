use anyhow::{Result, anyhow};
use data_encoding::HEXLOWER;
use rustls::crypto::SecureRandom;

const DOCUMENT: &str = include_str!("page/document.html");
const STYLE: &str = include_str!("page/style.css");
/// In the order in which they run: what is used comes first.
const SCRIPTS: [&str; 5] = [
    include_str!("page/text.js"),
    include_str!("page/layout.js"),
    include_str!("page/graph.js"),
    include_str!("page/panels.js"),
    include_str!("page/main.js"),
];

/// The page, in one document, and the policy that lets it do nothing but ask for its own data.
pub(super) struct Page {
    pub(super) html: String,
    pub(super) policy: String,
}

impl Page {
    /// What runs in the page is marked with a number that nobody can guess, so that nothing else does.
    pub(super) fn new(random: &dyn SecureRandom) -> Result<Self> {
        let mut bytes = [0; 16];
        random
            .fill(&mut bytes)
            .map_err(|_| anyhow!("the system has no random numbers"))?;
        let nonce = HEXLOWER.encode(&bytes);
        Ok(Self {
            html: DOCUMENT
                .replace("{{nonce}}", &nonce)
                .replace("{{style}}", STYLE)
                .replace("{{script}}", &SCRIPTS.concat()),
            policy: format!(
                "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; \
                 connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::aws_lc_rs;

    use super::*;

    #[test]
    fn the_page_is_whole_and_names_nothing_outside_of_itself() {
        let random = aws_lc_rs::default_provider().secure_random;
        let page = Page::new(random).unwrap();
        assert!(!page.html.contains("{{"));
        let outside = page.html.replace("http://www.w3.org/2000/svg", "");
        for sign in ["http://", "https://", "src=\"/", "@import", "url("] {
            assert!(!outside.contains(sign), "{sign}");
        }
        let other = Page::new(random).unwrap();
        assert_ne!(page.policy, other.policy);
    }
}
