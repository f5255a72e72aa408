//! The text format in which Prometheus reads metrics, and OpenMetrics as far as it is the same.

use std::collections::BTreeMap;

use thiserror::Error;

/// One line: a series and its value.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Sample<'a> {
    /// The name of the metric, `_total` and the like included.
    pub name: &'a str,
    /// The labels, unescaped.
    pub labels: BTreeMap<&'a str, String>,
    /// What was counted or measured.
    pub value: f64,
}

/// Why a text is not metrics.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct ExpositionError {
    line: usize,
    reason: &'static str,
}

/// The samples of a text. Comments are skipped, and so are timestamps and exemplars.
pub fn samples(text: &str) -> impl Iterator<Item = Result<Sample<'_>, ExpositionError>> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim_matches(BLANKS)));
    lines
        .take_while(|(_, line)| *line != "# EOF")
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, text)| sample(text).map_err(|reason| ExpositionError { line, reason }))
}

const BLANKS: [char; 2] = [' ', '\t'];

fn sample(line: &str) -> Result<Sample<'_>, &'static str> {
    let (name, rest) =
        word(line, |c| c == ':').ok_or("it does not begin with the name of a metric")?;
    let rest = rest.trim_start_matches(BLANKS);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (BTreeMap::new(), rest),
    };
    let mut words = rest.split(BLANKS).filter(|word| !word.is_empty());
    let value = words
        .next()
        .and_then(|word| word.parse().ok())
        .ok_or("there is no number after the series")?;
    match words.next() {
        Some(stamp) if stamp != "#" && stamp.parse::<f64>().is_err() => {
            Err("what follows the value is no timestamp")
        }
        _ => Ok(Sample {
            name,
            labels,
            value,
        }),
    }
}

type Labels<'a> = BTreeMap<&'a str, String>;

/// What stands between the braces, and the rest of the line.
fn labels(mut rest: &str) -> Result<(Labels<'_>, &str), &'static str> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches(BLANKS);
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels, after));
        }
        let (name, after) = word(rest, |_| false).ok_or("a label has no name")?;
        let after = after
            .trim_start_matches(BLANKS)
            .strip_prefix('=')
            .ok_or("a label has no =")?;
        let quoted = after
            .trim_start_matches(BLANKS)
            .strip_prefix('"')
            .ok_or("a label's value has no quotes")?;
        let (value, after) = unquote(quoted)?;
        if labels.insert(name, value).is_some() {
            return Err("a label stands there twice");
        }
        let after = after.trim_start_matches(BLANKS);
        rest = match after.strip_prefix(',') {
            Some(after) => after,
            None if after.starts_with('}') => after,
            None => return Err("neither a comma nor a brace follows a label"),
        };
    }
}

/// A name of letters, digits and `_`, and what else is allowed; it does not begin with a digit.
fn word(text: &str, also: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || also(c);
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let begins_well = !text.starts_with(|c: char| c.is_ascii_digit());
    text.split_at_checked(end)
        .filter(|(word, _)| !word.is_empty() && begins_well)
}

/// A value up to its closing quote.
fn unquote(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Ok((value, characters.as_str())),
            '\\' => value.push(match characters.next() {
                Some('n') => '\n',
                Some(escaped @ ('\\' | '"')) => escaped,
                _ => return Err("a backslash in a label's value escapes nothing"),
            }),
            other => value.push(other),
        }
    }
    Err("a label's value has no closing quote")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, labels and value.
    type Read = (String, Vec<(String, String)>, f64);

    fn one(text: &str) -> Result<Read, String> {
        let mut all = samples(text);
        let sample = all.next().unwrap().map_err(|error| error.to_string())?;
        let labels = sample
            .labels
            .iter()
            .map(|(name, value)| ((*name).into(), value.clone()));
        Ok((sample.name.into(), labels.collect(), sample.value))
    }

    #[test]
    fn a_series_may_have_labels_and_a_timestamp_and_an_exemplar() {
        let labels = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(a, b)| ((*a).into(), (*b).into()))
                .collect::<Vec<_>>()
        };
        assert_eq!(one("a:b_1 2"), Ok(("a:b_1".into(), labels(&[]), 2.0)));
        assert_eq!(
            one("a{} 2e3 1700000000"),
            Ok(("a".into(), labels(&[]), 2000.0))
        );
        assert_eq!(
            one("a { b = \"c\" , d=\"\\\\\\\"\\n,}\", } +Inf"),
            Ok((
                "a".into(),
                labels(&[("b", "c"), ("d", "\\\"\n,}")]),
                f64::INFINITY
            ))
        );
        assert_eq!(
            one("a_total{b=\"c\"} 1.0 # {trace=\"x\"} 0.5"),
            Ok(("a_total".into(), labels(&[("b", "c")]), 1.0))
        );
        assert!(one("a NaN").unwrap().2.is_nan());
    }

    #[test]
    fn comments_are_skipped_and_nothing_follows_the_end() {
        assert_eq!(
            samples("# HELP a b\n# TYPE a counter\n\n a 1\r\n# EOF\ngarbage").count(),
            1
        );
        assert_eq!(samples("").count(), 0);
    }

    #[test]
    fn what_is_malformed_is_told_with_its_line() {
        for (text, reason) in [
            (
                "\n<html>",
                "line 2: it does not begin with the name of a metric",
            ),
            (
                "1a 2",
                "line 1: it does not begin with the name of a metric",
            ),
            ("a", "line 1: there is no number after the series"),
            ("a b", "line 1: there is no number after the series"),
            ("a 1 b", "line 1: what follows the value is no timestamp"),
            ("a{b} 1", "line 1: a label has no ="),
            ("a{=\"c\"} 1", "line 1: a label has no name"),
            ("a{b=c} 1", "line 1: a label's value has no quotes"),
            ("a{b=\"c} 1", "line 1: a label's value has no closing quote"),
            (
                "a{b=\"\\x\"} 1",
                "line 1: a backslash in a label's value escapes nothing",
            ),
            (
                "a{b=\"c\" d=\"e\"} 1",
                "line 1: neither a comma nor a brace follows a label",
            ),
            ("a{b=\"c\",b=\"d\"} 1", "line 1: a label stands there twice"),
            (
                "a{b=\"c\"",
                "line 1: neither a comma nor a brace follows a label",
            ),
        ] {
            assert_eq!(one(text), Err(reason.into()), "{text}");
        }
    }
}
