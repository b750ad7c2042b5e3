//! Walks JSON from one text into another and changes what a rule says, without building anything in between.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::mask::{Mask, text};

/// What becomes of a value.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// It stays as it is.
    Keep,
    /// It is left out, and its key with it.
    Omit,
    /// Its texts are masked.
    Mask,
    /// Its texts are masked so that equal ones stay equal.
    StandIn,
    /// It is the digest of a request.
    Digest,
    /// Texts and numbers stay; of an object, or each object of a list, the key decides.
    Fields(fn(&str) -> Rule),
}

/// Appends `json`, compact and on one line, to `out`, as the rule says.
///
/// # Errors
/// When it is not JSON; then `out` is as it was.
pub fn copy(json: &[u8], rule: Rule, mask: &Mask, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let before = out.len();
    let mut reader = serde_json::Deserializer::from_slice(json);
    let walked = Walk { rule, mask, out }.deserialize(&mut reader).and_then(|()| reader.end());
    if walked.is_err() {
        out.truncate(before);
    }
    walked
}

struct Walk<'a> {
    rule: Rule,
    mask: &'a Mask,
    out: &'a mut Vec<u8>,
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl Walk<'_> {
    fn put<E: Error>(self, value: &impl Serialize) -> Result<(), E> {
        serde_json::to_writer(self.out, value).map_err(E::custom)
    }

    /// A member of this, which is ruled otherwise.
    fn member(&mut self, rule: Rule) -> Walk<'_> {
        Walk { rule, mask: self.mask, out: self.out }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if !matches!(self.rule, Rule::Keep) {
            return deserializer.deserialize_any(self);
        }
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if raw.contains('\n') {
            // Inside texts it would be escaped, so this is white space.
            let value: Value = serde_json::from_str(raw).map_err(D::Error::custom)?;
            return self.put(&value);
        }
        self.out.extend_from_slice(raw.as_bytes());
        Ok(())
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(&value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(&value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(&value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(&value)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        match self.rule {
            Rule::Mask => self.put(&text(value)),
            Rule::StandIn => {
                let mask = self.mask.stand_in(value);
                self.put(&mask)
            }
            Rule::Digest => {
                let mask = self.mask.digest(value);
                self.put(&mask)
            }
            Rule::Keep | Rule::Omit | Rule::Fields(_) => self.put(&value),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let rule = self.rule;
        self.out.push(b'[');
        let first = self.out.len();
        loop {
            let before = self.out.len();
            if before > first {
                self.out.push(b',');
            }
            if items.next_element_seed(self.member(rule))?.is_none() {
                self.out.truncate(before);
                break;
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        self.out.push(b'{');
        let first = self.out.len();
        while let Some(Key(key)) = fields.next_key()? {
            let rule = match self.rule {
                Rule::Fields(of) => of(&key),
                rule => rule,
            };
            if matches!(rule, Rule::Omit) {
                let _: IgnoredAny = fields.next_value()?;
                continue;
            }
            if self.out.len() > first {
                self.out.push(b',');
            }
            self.member(rule).put(&key)?;
            self.out.push(b':');
            fields.next_value_seed(self.member(rule))?;
        }
        self.out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(key: &str) -> Rule {
        match key {
            "keep" => Rule::Keep,
            "mask" => Rule::Mask,
            "same" => Rule::StandIn,
            "deep" => Rule::Fields(rules),
            _ => Rule::Omit,
        }
    }

    fn walked(json: &str) -> Option<String> {
        let mut out = b"before".to_vec();
        let done = copy(json.as_bytes(), Rule::Fields(rules), &Mask::kept(), &mut out);
        let text = String::from_utf8(out).ok()?;
        let rest = text.strip_prefix("before")?.to_owned();
        assert!(done.is_ok() || rest.is_empty(), "{rest}");
        done.is_ok().then_some(rest)
    }

    #[test]
    fn the_key_decides() {
        let json = "{ \"keep\": {\"a\":\n [1, -2, 1.5, null, true, \"\\u00e9\"]}, \"gone\": {\"x\": [[]]},\n \"mask\": {\"a\": [\"s$e\", 7]}, \"same\": \"s\",
                    \"deep\": [{\"gone\": 1, \"keep\": \"k\"}, {}, [], \"text\"] }";
        let kept = "{\"keep\":{\"a\":[1,-2,1.5,null,true,\"é\"]},\"mask\":{\"a\":[\"x$x\",7]},\"same\":\"s\",\"deep\":[{\"keep\":\"k\"},{},[],\"text\"]}";
        assert_eq!(walked(json).as_deref(), Some(kept));
    }

    #[test]
    fn what_is_no_json_leaves_nothing() {
        for json in ["", "{", "{\"keep\": \"a", "{} {}", "{\"mask\": \"\\ud800\"}"] {
            assert_eq!(walked(json), None, "{json}");
        }
    }
}
