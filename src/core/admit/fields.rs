//! The free-form parts of a request, read strictly: every value knows where it stands, so that a refusal can say so.

use crate::contract::messages::protobuf::{Struct, Value, value::Kind};
use crate::core::admit::quantity::Quantity;
use crate::core::grpc_status::Status;
use crate::core::names::ObjectName;

/// The largest whole number that a double holds exactly; above it, what arrived is not what was written.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    /// The fields of a request's whole part, which is called `path`.
    pub fn of(path: &'static str, part: &'a Struct) -> impl Iterator<Item = (&'a str, Self)> {
        part.fields.iter().map(move |(key, value)| (key.as_str(), Self { path: format!("{path}.{key}"), value }))
    }

    /// The fields of an object.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is none.
    pub fn object(&self) -> Result<impl Iterator<Item = (&'a str, Self)> + use<'a>, Status> {
        let Some(Kind::StructValue(object)) = &self.value.kind else { return Err(self.refuse("must be an object")) };
        let path = self.path.clone();
        Ok(object.fields.iter().map(move |(key, value)| (key.as_str(), Self { path: format!("{path}.{key}"), value })))
    }

    /// The elements of a list.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is none.
    pub fn list(&self) -> Result<impl Iterator<Item = Self> + use<'a>, Status> {
        let Some(Kind::ListValue(list)) = &self.value.kind else { return Err(self.refuse("must be a list")) };
        let path = self.path.clone();
        Ok(list.values.iter().enumerate().map(move |(at, value)| Self { path: format!("{path}[{at}]"), value }))
    }

    /// A text.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is none.
    pub fn text(&self) -> Result<&'a str, Status> {
        match &self.value.kind {
            Some(Kind::StringValue(text)) => Ok(text),
            _ => Err(self.refuse("must be a string")),
        }
    }

    /// The name of an object of the cluster; an empty text is none.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is no DNS subdomain.
    pub fn object_name(&self) -> Result<Option<ObjectName>, Status> {
        match self.text()? {
            "" => Ok(None),
            text => ObjectName::parse(text).map(Some).map_err(|error| self.refuse(error)),
        }
    }

    /// One of two things, as true and false say it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is neither.
    pub fn either<T>(&self, if_true: T, if_false: T) -> Result<T, Status> {
        match self.value.kind {
            Some(Kind::BoolValue(true)) => Ok(if_true),
            Some(Kind::BoolValue(false)) => Ok(if_false),
            _ => Err(self.refuse("must be true or false")),
        }
    }

    /// A whole number. They arrive as doubles, and Kubernetes takes no `300.0` where it wants `300`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is none, or larger than a double can say exactly.
    pub fn whole(&self) -> Result<i64, Status> {
        match self.value.kind {
            // In these bounds the conversion is exact.
            #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
            Some(Kind::NumberValue(number)) if number.fract() == 0.0 && number.abs() <= WHOLE_MAX => Ok(number as i64),
            _ => Err(self.refuse("must be a whole number")),
        }
    }

    /// A quantity, as a text or a number.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is none.
    pub fn quantity(&self) -> Result<Quantity, Status> {
        let written = match &self.value.kind {
            Some(Kind::StringValue(text)) => text.clone(),
            Some(Kind::NumberValue(number)) => decimal(*number).ok_or_else(|| self.refuse("is not a quantity"))?,
            _ => return Err(self.refuse("must be a quantity")),
        };
        Quantity::parse(&written).map_err(|error| self.refuse(error))
    }

    /// Says what is wrong with it.
    pub fn refuse(&self, why: impl std::fmt::Display) -> Status {
        Status::invalid_argument(format!("{}: {why}", self.path))
    }

    /// Says that the schema has no such field: a caller must not believe it heeded.
    #[must_use]
    pub fn unknown(&self, known: &str) -> Status {
        self.refuse(format!("is not known; known are {known}"))
    }

    /// Where it stands.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// A number as Kubernetes writes it: `2.0` is no quantity a person wrote.
fn decimal(number: f64) -> Option<String> {
    (0.0..1e15).contains(&number).then(|| format!("{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: f64) -> Value {
        Value { kind: Some(Kind::NumberValue(number)) }
    }

    #[test]
    fn a_whole_double_is_written_as_an_integer() {
        assert_eq!(decimal(2.0).as_deref(), Some("2"));
        assert_eq!(decimal(0.5).as_deref(), Some("0.5"));
        assert_eq!(decimal(f64::NAN), None);
        assert_eq!(decimal(-1.0), None);
    }

    #[test]
    fn a_number_is_whole_or_refused() {
        let whole = |value: f64| Field { path: "x".into(), value: &number(value) }.whole().ok();
        assert_eq!((whole(300.0), whole(-1.0), whole(0.0)), (Some(300), Some(-1), Some(0)));
        for odd in [0.5, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(whole(odd), None, "{odd}");
        }
    }
}
