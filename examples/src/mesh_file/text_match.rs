use std::fmt;
use std::sync::Arc;

use hbone::authorization;
use serde::de::{
    Deserialize, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, VariantAccess, Visitor,
};

/// A condition on a text: `!Exact x` as ztunnel writes it, or `exact: x` as the API's JSON does.
#[derive(Debug)]
pub(super) struct TextMatch(pub(super) authorization::TextMatch);

impl<'de> Deserialize<'de> for TextMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextMatchVisitor)
    }
}

struct TextMatchVisitor;

impl<'de> Visitor<'de> for TextMatchVisitor {
    type Value = TextMatch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "Exact, Prefix, Suffix or Presence with a text, as in `!Exact shop` or `exact: shop`",
        )
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TextMatch, A::Error> {
        let kind: String = map
            .next_key()?
            .ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let condition = match Kind::read(&kind)? {
            Kind::Presence => {
                map.next_value::<IgnoredAny>()?;
                authorization::TextMatch::Presence
            }
            Kind::Of(make) => make(map.next_value::<String>()?.into()),
        };
        match map.next_key::<IgnoredAny>()? {
            None => Ok(TextMatch(condition)),
            Some(_) => Err(A::Error::invalid_length(2, &self)),
        }
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<TextMatch, A::Error> {
        let (kind, value) = data.variant::<String>()?;
        Ok(TextMatch(match Kind::read(&kind)? {
            Kind::Presence => {
                value.newtype_variant::<IgnoredAny>()?;
                authorization::TextMatch::Presence
            }
            Kind::Of(make) => make(value.newtype_variant::<String>()?.into()),
        }))
    }
}

enum Kind {
    Of(fn(Arc<str>) -> authorization::TextMatch),
    Presence,
}

impl Kind {
    fn read<E: Error>(kind: &str) -> Result<Self, E> {
        match kind {
            "Exact" | "exact" => Ok(Self::Of(authorization::TextMatch::Exact)),
            "Prefix" | "prefix" => Ok(Self::Of(authorization::TextMatch::Prefix)),
            "Suffix" | "suffix" => Ok(Self::Of(authorization::TextMatch::Suffix)),
            "Presence" | "presence" => Ok(Self::Presence),
            other => Err(E::unknown_variant(
                other,
                &["Exact", "Prefix", "Suffix", "Presence"],
            )),
        }
    }
}
