use std::collections::BTreeMap;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::field::{Field, Step};

/// The lines, counted from 1, where `fields` stand in `text`, in their order; of what surrounds one that is not there.
///
/// The parser tells where something is only if that is wrong. So the text is read once more, however many fields there are, by a
/// reader that takes for wrong what it looks for, and nothing else.
pub(super) fn lines<'a>(fields: impl IntoIterator<Item = &'a Field>, text: &str) -> Vec<usize> {
    let mut wanted = Wanted::default();
    let mut count = 0;
    for field in fields {
        wanted.add(field.steps(), count);
        count += 1;
    }
    let mut found = vec![1; count];
    let look = Look {
        wanted: &wanted,
        place: Place::Top,
        found: &mut found,
    };
    // It has been read before, and been none the worse.
    let _ = look.deserialize(serde_yaml_ng::Deserializer::from_str(text));
    found
}

/// Fields that are looked for, by their steps.
#[derive(Default)]
struct Wanted {
    /// Which of them end here.
    here: Vec<usize>,
    within: BTreeMap<Step, Self>,
}

impl Wanted {
    fn add(&mut self, steps: &[Step], field: usize) {
        match steps {
            [] => self.here.push(field),
            [step, rest @ ..] => {
                let next = self.within.entry(step.clone()).or_default();
                next.add(rest, field);
            }
        }
    }

    /// All of them are at `line`, as far as is known.
    fn settle(&self, line: usize, found: &mut [usize]) {
        for field in &self.here {
            if let Some(place) = found.get_mut(*field) {
                *place = line;
            }
        }
        for within in self.within.values() {
            within.settle(line, found);
        }
    }
}

/// What a value is in what surrounds it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The whole text.
    Top,
    /// The value of a key, which tells the line.
    Value,
    /// An item of a list, whose line is that of what comes first in it.
    Item,
}

/// Finds what is wanted in a value.
struct Look<'a> {
    wanted: &'a Wanted,
    place: Place,
    found: &'a mut [usize],
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self {
            wanted,
            place,
            found,
        } = self;
        let mut is_scalar = true;
        let inside = Inside {
            look: Look {
                wanted,
                place,
                found: &mut *found,
            },
            is_scalar: &mut is_scalar,
        };
        match deserializer.deserialize_any(inside) {
            // It is what a visitor of lists and maps does not expect.
            Err(here) if is_scalar => {
                if place == Place::Item {
                    wanted.settle(line(&here), found);
                }
                Ok(())
            }
            read => read,
        }
    }
}

struct Inside<'a> {
    look: Look<'a>,
    /// Whether it is neither a list nor a map.
    is_scalar: &'a mut bool,
}

impl<'de> Visitor<'de> for Inside<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what surrounds a field")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        *self.is_scalar = false;
        let Look {
            wanted: all,
            place,
            found,
        } = self.look;
        let mut is_first = place == Place::Item;
        while let Some((key, line)) = map.next_key_seed(Key)? {
            if is_first {
                all.settle(line, found);
                is_first = false;
            }
            let Some(wanted) = all.within.get(&Step::Key(key)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            wanted.settle(line, found);
            map.next_value_seed(Look {
                wanted,
                place: Place::Value,
                found: &mut *found,
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        *self.is_scalar = false;
        let Look {
            wanted: all,
            place,
            found,
        } = self.look;
        let none = Wanted::default();
        // A file that is a list is a list of workloads.
        let wanted = match place {
            Place::Top => {
                let workloads = Step::Key("workloads".to_owned());
                all.within.get(&workloads).unwrap_or(&none)
            }
            Place::Value | Place::Item => all,
        };
        for index in 0.. {
            let item = match wanted.within.get(&Step::Item(index)) {
                Some(wanted) => list.next_element_seed(Look {
                    wanted,
                    place: Place::Item,
                    found: &mut *found,
                })?,
                None => list.next_element::<IgnoredAny>()?.map(drop),
            };
            if item.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// What has a tag of its own is read to its end, or the next thing would be taken for it.
    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        *self.is_scalar = false;
        let (IgnoredAny, value) = tagged.variant()?;
        value.newtype_variant::<IgnoredAny>().map(drop)
    }
}

/// A key, and the line where it stands.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = (String, usize);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let mut key = None;
        let read = deserializer.deserialize_str(KeyVisitor(&mut key));
        match (read, key) {
            (Err(here), Some(key)) => Ok((key, line(&here))),
            (Err(other), None) => Err(other),
            (Ok(()), key) => Ok((key.unwrap_or_default(), 1)),
        }
    }
}

struct KeyVisitor<'a>(&'a mut Option<String>);

impl Visitor<'_> for KeyVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        *self.0 = Some(key.to_owned());
        Err(E::custom("here"))
    }
}

/// The line that an error of the parser's names, which a seed can only know by its words. It names none where that is the first.
fn line(error: &impl fmt::Display) -> usize {
    let told = error.to_string();
    let place = told.rsplit_once(" at line ").map(|(_, place)| place);
    let number = place.and_then(|place| place.split(' ').next());
    number.and_then(|line| line.parse().ok()).unwrap_or(1)
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
  node: !odd {a: b}
  authorizationPolicies:
  - one
  - two at line 77 column 1
  hostname: &name b.shop
- *name
";

    #[track_caller]
    fn stand(expected: &[(Field, usize)]) {
        let fields = expected.iter().map(|(field, _)| field);
        let lines_of_all = expected.iter().map(|(_, line)| *line).collect::<Vec<_>>();
        assert_eq!(lines(fields, TEXT), lines_of_all);
        for (field, line) in expected {
            assert_eq!(lines([field], TEXT), [*line], "{field}");
        }
    }

    #[test]
    fn each_field_is_found_where_it_stands_in_whatever_order_they_are_asked_for() {
        let first = Field::item("workloads", 0);
        let second = Field::item("workloads", 1);
        let policies = second.key("authorizationPolicies");
        let twice = first.key("uid");
        stand(&[
            (policies.nth(1), 13),
            (first.key("uid"), 3),
            (first.key("waypoint").key("destination"), 5),
            (first.key("services").key("shop/echo"), 7),
            (second.key("uid"), 9),
            (policies.nth(0), 12),
            (twice, 3),
            (Field::default().key("services"), 1),
            // What an alias stands for.
            (Field::item("workloads", 2), 14),
        ]);
    }

    #[test]
    fn what_is_not_there_is_where_it_would_be() {
        let second = Field::item("workloads", 1);
        stand(&[
            (second.key("waypoint"), 9),
            (second.key("waypoint").key("destination"), 9),
            (second.key("authorizationPolicies").nth(2), 11),
            (Field::item("policies", 0), 1),
            (Field::item("workloads", 7), 2),
            (Field::default(), 1),
        ]);
    }

    #[test]
    fn a_list_at_the_top_is_one_of_workloads() {
        let text = "- uid: a\n- uid: b\n- c\n";
        let fields = [0, 1, 2].map(|index| Field::item("workloads", index).key("uid"));
        assert_eq!(lines(&fields, text), [1, 2, 3]);
    }

    #[test]
    fn what_is_no_mesh_has_a_first_line() {
        let field = Field::item("workloads", 0);
        for text in ["", "a: [", "[[", "*x", "? [a]\n: b\n"] {
            assert_eq!(lines([&field], text), [1], "{text}");
        }
    }
}
