use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::parsed::Text;

/// A map of the document. A key that stands in it twice is an error: one of the two would not count, and nobody could tell which
/// was meant.
#[derive(Debug)]
pub(super) struct UniqueMap<K, V>(pub(super) BTreeMap<K, V>);

/// What an error says of a key that is there already.
pub(super) const AGAIN: &str = "stands here for the second time";

impl<K, V> Default for UniqueMap<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Text + Ord, V> UniqueMap<K, V> {
    /// Reads it from within a visitor that takes other things as well.
    pub(super) fn read<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error>
    where
        V: Deserialize<'de>,
    {
        let mut read = Self::default();
        while let Some(key) = map.next_key_seed(New(&read.0))? {
            read.0.insert(key, map.next_value()?);
        }
        Ok(read)
    }
}

impl<'de, K: Text + Ord, V: Deserialize<'de>> Deserialize<'de> for UniqueMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

struct MapVisitor<K, V>(PhantomData<(K, V)>);

impl<'de, K: Text + Ord, V: Deserialize<'de>> Visitor<'de> for MapVisitor<K, V> {
    type Value = UniqueMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        UniqueMap::read(map)
    }
}

/// A key that is not among those before it. It is compared where it is read, so that an error knows its line.
struct New<'a, K, V>(&'a BTreeMap<K, V>);

impl<'de, K: Text + Ord, V> DeserializeSeed<'de> for New<'_, K, V> {
    type Value = K;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<K: Text + Ord, V> Visitor<'_> for New<'_, K, V> {
    type Value = K;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(K::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<K, E> {
        let key = K::read(text).map_err(|reason| {
            E::custom(format_args!("{text:?} is not {}: {reason}", K::EXPECTED))
        })?;
        if self.0.contains_key(&key) {
            return Err(E::custom(format_args!(
                "the key {text:?} {AGAIN}; leave one of the two out"
            )));
        }
        Ok(key)
    }
}
