//! Reading the parameters of a lowered codec entry.

use crate::program::unhex;
use crate::{Error, Result};
use serde_json::Value;
use std::fmt::Display;

fn wrong(entry: &Value, member: &str, wanted: impl Display) -> Error {
    let name = entry["name"].as_str().unwrap_or_default();
    Error::Document(format!(
        "codec {name:?}: {member:?} must be {wanted}, not {}",
        entry[member]
    ))
}

/// A whole number within `least..=most`.
///
/// # Errors
/// [`Error::Document`] when the member is absent, not a whole number, or outside.
pub fn integer(entry: &Value, member: &str, least: i64, most: i64) -> Result<i64> {
    entry[member]
        .as_i64()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| wrong(entry, member, format_args!("a whole number from {least} to {most}")))
}

/// A number.
///
/// # Errors
/// [`Error::Document`] when the member is absent or no number.
pub fn number(entry: &Value, member: &str) -> Result<f64> {
    entry[member].as_f64().ok_or_else(|| wrong(entry, member, "a number"))
}

/// True or false.
///
/// # Errors
/// [`Error::Document`] when the member is absent or something else.
pub fn flag(entry: &Value, member: &str) -> Result<bool> {
    entry[member]
        .as_bool()
        .ok_or_else(|| wrong(entry, member, "true or false"))
}

/// One word of a list; its place in that list.
///
/// # Errors
/// [`Error::Document`] when the member is absent or not in the list.
pub fn choice(entry: &Value, member: &str, words: &[&str]) -> Result<usize> {
    entry[member]
        .as_str()
        .and_then(|word| words.iter().position(|known| *known == word))
        .ok_or_else(|| wrong(entry, member, format_args!("one of {words:?}")))
}

/// Bytes in hexadecimal.
///
/// # Errors
/// [`Error::Document`] when the member is absent or no text of whole bytes.
pub fn hex(entry: &Value, member: &str) -> Result<Vec<u8>> {
    let bytes = entry[member].as_str().and_then(unhex);
    bytes.ok_or_else(|| wrong(entry, member, "bytes in hexadecimal"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parameters_are_read_and_wrong_ones_named() {
        let entry = json!({"name": "zstd", "level": 3, "checksum": true, "scale": 1.5, "location": "end"});
        assert_eq!(integer(&entry, "level", -5, 22), Ok(3));
        assert_eq!(flag(&entry, "checksum"), Ok(true));
        assert_eq!(number(&entry, "scale"), Ok(1.5));
        assert_eq!(choice(&entry, "location", &["start", "end"]), Ok(1));
        assert_eq!(hex(&json!({"cell": "00fF"}), "cell"), Ok(vec![0, 255]));
        for error in [
            hex(&entry, "location").map(|_| ()),
            integer(&entry, "level", 4, 9).map(|_| ()),
            integer(&entry, "absent", 0, 9).map(|_| ()),
            flag(&entry, "level").map(|_| ()),
            number(&entry, "location").map(|_| ()),
            choice(&entry, "location", &["start"]).map(|_| ()),
        ] {
            assert!(error.unwrap_err().to_string().contains("\"zstd\""));
        }
    }
}
