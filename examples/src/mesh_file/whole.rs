use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::document::Document;

/// A whole mesh file: the three lists; the list of workloads that it was once; or nothing but comments, a mesh of nothing.
#[derive(Debug)]
pub(super) struct Whole(pub(super) Document);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor)
    }
}

struct WholeVisitor;

impl<'de> Visitor<'de> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`workloads`, `services` and `policies`, or a list of workloads")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Whole, A::Error> {
        Document::deserialize(MapAccessDeserializer::new(map)).map(Whole)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Whole, A::Error> {
        let workloads = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(Whole(Document {
            workloads,
            ..Document::default()
        }))
    }

    fn visit_none<E>(self) -> Result<Whole, E> {
        Ok(Whole(Document::default()))
    }
}
