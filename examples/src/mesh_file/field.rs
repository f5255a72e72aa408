use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The way to a value in a document, such as `workloads[2].waypoint`.
#[derive(Debug, Clone, Default)]
pub(super) struct Field(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Item(usize),
    Key(String),
}

impl Field {
    /// An item of a list at the top.
    pub(super) fn item(list: &str, index: usize) -> Self {
        Self(vec![Step::Key(list.to_owned()), Step::Item(index)])
    }

    /// A field of this one.
    pub(super) fn key(&self, key: impl Into<String>) -> Self {
        self.then(Step::Key(key.into()))
    }

    /// An item of this list.
    pub(super) fn nth(&self, index: usize) -> Self {
        self.then(Step::Item(index))
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The line, counted from 1, where it stands in `text`; of what surrounds it if it is not there.
    ///
    /// The parser tells where something is only if that is wrong, so it is read once more, by a reader that takes nothing
    /// else for wrong.
    pub(super) fn line(&self, text: &str) -> usize {
        let document = serde_yaml_ng::Deserializer::from_str(text);
        let found = Stop(&self.0).deserialize(document).err();
        let place = found.and_then(|stop| stop.location());
        place.map_or(1, |place| place.line())
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(item) => write!(f, "[{item}]")?,
                Step::Key(key) if index == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// Reads everything up to a field, and fails there.
struct Stop<'a>(&'a [Step]);

impl<'de> DeserializeSeed<'de> for Stop<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Stop<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what surrounds the field")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let [Step::Key(wanted), rest @ ..] = self.0 {
            while let Some(key) = map.next_key::<String>()? {
                if key == *wanted {
                    return map.next_value_seed(Stop(rest));
                }
                map.next_value::<IgnoredAny>()?;
            }
        }
        Err(A::Error::custom("here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        // A file that is a list is a list of workloads.
        let steps = match self.0 {
            [Step::Key(_), rest @ ..] => rest,
            steps => steps,
        };
        if let [Step::Item(wanted), rest @ ..] = steps {
            for _ in 0..*wanted {
                list.next_element::<IgnoredAny>()?;
            }
            if list.next_element_seed(Stop(rest))?.is_some() {
                return Ok(());
            }
        }
        Err(A::Error::custom("here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
services: []
workloads:
- uid: a
  waypoint:
    destination: x/1.2.3.4
  services:
    \"shop/echo\":
      80: 8080
- uid: b
";

    #[test]
    fn a_field_is_found_where_it_stands() {
        let first = Field::item("workloads", 0);
        let second = Field::item("workloads", 1);
        assert_eq!(first.key("uid").line(TEXT), 3);
        assert_eq!(first.key("waypoint").key("destination").line(TEXT), 5);
        assert_eq!(first.key("services").key("shop/echo").line(TEXT), 8);
        assert_eq!(second.key("uid").line(TEXT), 9);
    }

    #[test]
    fn what_is_not_there_is_where_it_would_be() {
        let second = Field::item("workloads", 1);
        assert_eq!(second.key("waypoint").line(TEXT), 9);
        assert_eq!(Field::item("policies", 0).line(TEXT), 1);
        assert_eq!(Field::item("workloads", 7).line(TEXT), 3);
    }

    #[test]
    fn a_field_is_written_as_people_write_it() {
        let field = Field::item("workloads", 2).key("waypoint").nth(1);
        assert_eq!(field.to_string(), "workloads[2].waypoint[1]");
    }
}
