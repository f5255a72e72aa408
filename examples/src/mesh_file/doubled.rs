use std::fmt;

use serde::de::{
    Deserialize, Deserializer, EnumAccess, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::unique_map::{AGAIN, UniqueMap};

/// Where a key stands for the second time in one map of `text`, if there is one: told by the parser, with the line of that key.
/// The derived readers name only the line where the map begins.
pub(super) fn doubled(text: &str) -> Option<serde_yaml_ng::Error> {
    let error = serde_yaml_ng::from_str::<Anything>(text).err()?;
    error.to_string().contains(AGAIN).then_some(error)
}

/// Any value, every key of which stands once.
struct Anything;

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnythingVisitor)
    }
}

struct AnythingVisitor;

impl<'de> Visitor<'de> for AnythingVisitor {
    type Value = Anything;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Anything, A::Error> {
        UniqueMap::<String, Anything>::read(map).map(|_| Anything)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Anything, A::Error> {
        while let Some(Anything) = list.next_element()? {}
        Ok(Anything)
    }

    /// What has a tag of its own.
    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Anything, A::Error> {
        let (IgnoredAny, value) = tagged.variant()?;
        value.newtype_variant()
    }

    fn visit_bool<E>(self, _: bool) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_str<E>(self, _: &str) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_unit<E>(self) -> Result<Anything, E> {
        Ok(Anything)
    }
}
