use std::fmt::Write;

use hbone::Hostname;

use super::field::Field;
use super::parsed::Text;
use super::references::Wrong;

/// A host name of the file.
///
/// ztunnel takes any text for one, and finds what has it by its addresses. A text that can be no host name is given one
/// under `.invalid`, which nobody ever has (RFC 6761, section 6.4), so that whoever asks by address finds the same as there.
#[derive(Debug, Clone)]
pub(super) struct Host {
    pub(super) name: Hostname,
    /// As it was written.
    pub(super) written: String,
    /// Why what was written is no host name.
    fault: Option<String>,
}

impl Text for Host {
    const EXPECTED: &'static str = "a host name";

    fn read(text: &str) -> Result<Self, String> {
        let written = text.to_owned();
        match Hostname::parse(text) {
            Ok(name) => Ok(Self {
                name,
                written,
                fault: None,
            }),
            Err(error) => match Hostname::parse(&stand_in(text)) {
                Ok(name) => Ok(Self {
                    name,
                    written,
                    fault: Some(error.to_string()),
                }),
                Err(_) => Err(error.to_string()),
            },
        }
    }
}

impl Host {
    /// The name, for the entry that is its `owner`, which is found by its addresses only, if it can be none.
    pub(super) fn into_name(self, owner: &Field, odd: &mut Vec<Wrong>) -> Hostname {
        if let Some(fault) = self.fault {
            let problem = format!(
                "{:?} is not a host name: {fault}; what has it is found by its addresses only",
                self.written
            );
            odd.push(Wrong::new(owner.key("hostname"), problem));
        }
        self.name
    }
}

/// What can be a host name for what is none, if it is not too long: another one for each text.
fn stand_in(text: &str) -> String {
    let mut name = String::new();
    for label in text.split('.') {
        if label.is_empty() {
            name.push('_');
        }
        let last = label.len().saturating_sub(1);
        for (at, character) in label.char_indices() {
            let is_inside = at > 0 && at < last;
            match character {
                '-' if is_inside => name.push('-'),
                character if character.is_ascii_alphanumeric() => name.push(character),
                // Writing to a string does not fail.
                character => drop(write!(name, "_{:x}_", u32::from(character))),
            }
        }
        name.push('.');
    }
    name + "invalid"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_host_name_gets_one_that_nobody_has() {
        for (text, name) in [
            ("Echo.shop", "echo.shop"),
            ("*.example.com", "_2a_.example.com.invalid"),
            ("10.0.0.256", "10.0.0.256.invalid"),
            ("-a-b-", "_2d_a-b_2d_.invalid"),
            ("a..b", "a._.b.invalid"),
            ("", "_.invalid"),
        ] {
            let host = Host::read(text).expect(text);
            assert_eq!(host.name.as_str(), name);
            assert_eq!(host.fault.is_some(), name.ends_with(".invalid"));
        }
        assert!(Host::read(&"*".repeat(200)).is_err(), "it is too long");
    }
}
