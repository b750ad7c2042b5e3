//! A `google.protobuf.Struct` is a JSON object on its way through protobuf; here it is the object again.
//!
//! Protobuf has one kind of number, an `f64`. A whole one up to 2^53 is written as an integer; an integer beyond
//! that is refused on reading, because the message could not hold it. What JSON has no number for (not a number,
//! infinite) is refused on writing. A value without a kind, which protobuf allows and means nothing, is written
//! as `null`.

use super::super::protobuf::{ListValue, NullValue, Struct, Value, value::Kind};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
    ser::Error as _,
};
use std::{collections::BTreeMap, fmt};

/// From here on an `f64` skips integers.
const WHOLE_MAX: u64 = 1 << 53;

impl Serialize for Struct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.fields)
    }
}

impl Serialize for ListValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.values)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kind {
            None | Some(Kind::NullValue(_)) => serializer.serialize_unit(),
            Some(Kind::BoolValue(value)) => serializer.serialize_bool(*value),
            Some(Kind::StringValue(value)) => serializer.serialize_str(value),
            Some(Kind::StructValue(value)) => value.serialize(serializer),
            Some(Kind::ListValue(value)) => value.serialize(serializer),
            Some(Kind::NumberValue(value)) => match whole(*value) {
                Some(integer) => serializer.serialize_i64(integer),
                None if value.is_finite() => serializer.serialize_f64(*value),
                None => Err(S::Error::custom(format_args!("a google.protobuf.Value holds {value}, for which JSON has no number"))),
            },
        }
    }
}

/// The integer a number stands for; none for a fraction, for what is too large to be exact, and for minus zero.
fn whole(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and the way back tells")]
    let integer = value as i64;
    (integer.unsigned_abs() <= WHOLE_MAX && float(integer)?.to_bits() == value.to_bits()).then_some(integer)
}

/// The number an integer becomes; none when it would become another one.
fn float(value: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "exact up to the bound asked for")]
    (value.unsigned_abs() <= WHOLE_MAX).then_some(value as f64)
}

impl<'de> Deserialize<'de> for Struct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_map(AnyValue)?.kind {
            Some(Kind::StructValue(value)) => Ok(value),
            _ => Err(D::Error::custom("expected an object")),
        }
    }
}

impl<'de> Deserialize<'de> for ListValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_seq(AnyValue)?.kind {
            Some(Kind::ListValue(value)) => Ok(value),
            _ => Err(D::Error::custom("expected a list")),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        Ok(Kind::NullValue(NullValue::NullValue.into()).into())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Kind::BoolValue(value).into())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        match float(value) {
            Some(number) => Ok(Kind::NumberValue(number).into()),
            None => Err(E::custom(format_args!("{value} is beyond 2^53 and cannot be held exactly; write it as text"))),
        }
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Kind::NumberValue(value).into())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Kind::StringValue(value).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Kind::ListValue(ListValue { values }).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((key, value)) = object.next_entry::<String, Value>()? {
            if fields.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice")));
            }
            fields.insert(key, value);
        }
        Ok(Kind::StructValue(Struct { fields }).into())
    }
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind) }
    }
}
