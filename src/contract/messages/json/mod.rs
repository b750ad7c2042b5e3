//! How messages look in JSON, where a derive cannot say it.

pub(super) mod base64;
mod structure;
mod timestamp;

/// Whether a field has the value it has when nobody set it, and so stays out of the JSON.
pub(super) fn is_unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
