//! Chunk key encodings: how an object's place in the grid becomes its key.

use crate::{Error, Result};
use serde::Deserialize;
use std::fmt::Write as _;

/// How objects are called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Keys {
    /// `c/0/1`.
    Default {
        /// Between indices.
        separator: char,
    },
    /// `0.1`.
    V2 {
        /// Between indices.
        separator: char,
    },
    /// Text and indices as they are listed.
    Parts {
        /// In the order of the key.
        parts: Vec<Part>,
    },
}

/// A part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Part {
    /// As it is.
    Text {
        /// The text.
        text: String,
    },
    /// An index in at least so many digits.
    Index {
        /// Of this axis.
        axis: usize,
        /// Filled up with zeros from the left.
        digits: usize,
    },
    /// An index cut into groups of digits, behind the number of groups but one.
    Groups {
        /// Of this axis.
        axis: usize,
        /// Digits of a group.
        group: usize,
    },
}

/// Digits an index is filled up to, at most.
const MOST_DIGITS: usize = 64;

impl Keys {
    /// Checks that every part names an axis there is.
    ///
    /// # Errors
    /// [`Error::Document`] when one does not.
    pub fn check(&self, ndim: usize) -> Result<()> {
        let fits = |part: &Part| match part {
            Part::Text { .. } => true,
            Part::Index { axis, digits } => *axis < ndim && *digits <= MOST_DIGITS,
            Part::Groups { axis, group } => *axis < ndim && (1..=MOST_DIGITS).contains(group),
        };
        match self {
            Self::Parts { parts } if !parts.iter().all(fits) => {
                Err(Error::Document(format!("keys of {parts:?} do not fit {ndim} axes")))
            }
            _ => Ok(()),
        }
    }

    /// Appends the key of an object, relative to the array.
    pub fn push(&self, object: &[u64], key: &mut String) {
        let (separator, mut separate) = match self {
            Self::Default { separator } => (*separator, true),
            Self::V2 { separator } => (*separator, false),
            Self::Parts { parts } => {
                for part in parts {
                    part.push(object, key);
                }
                return;
            }
        };
        if separate {
            key.push('c');
        } else if object.is_empty() {
            key.push('0');
        }
        for index in object {
            if separate {
                key.push(separator);
            }
            separate = true;
            // Writing to a string cannot fail.
            let _ = write!(key, "{index}");
        }
    }
}

impl Part {
    fn push(&self, object: &[u64], key: &mut String) {
        // Writing to a string cannot fail.
        match self {
            Self::Text { text } => key.push_str(text),
            Self::Index { axis, digits } => {
                let _ = write!(key, "{:0digits$}", object[*axis]);
            }
            Self::Groups { axis, group } => {
                let text = object[*axis].to_string();
                let groups = text.len().div_ceil(*group);
                let _ = write!(key, "{}", groups - 1);
                let padded = format!("{text:0>width$}", width = groups * group);
                for digits in padded.as_bytes().chunks(*group) {
                    key.push('/');
                    key.extend(digits.iter().map(|&digit| digit as char));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(keys: &str, object: &[u64]) -> String {
        let keys: Keys = serde_json::from_str(keys).expect("keys");
        keys.check(object.len()).expect("they fit");
        let mut key = String::new();
        keys.push(object, &mut key);
        key
    }

    #[test]
    fn keys_are_spelled_as_they_are_listed() {
        assert_eq!(key(r#"{"name":"default","separator":"/"}"#, &[1, 0]), "c/1/0");
        assert_eq!(key(r#"{"name":"default","separator":"/"}"#, &[]), "c");
        assert_eq!(key(r#"{"name":"v2","separator":"."}"#, &[1, 0]), "1.0");
        assert_eq!(key(r#"{"name":"v2","separator":"."}"#, &[]), "0");
        let parts =
            r#"{"name":"parts","parts":[{"text":"z"},{"axis":1,"digits":3},{"text":"/"},{"axis":0,"digits":0}]}"#;
        assert_eq!(key(parts, &[7, 12]), "z012/7");
        assert_eq!(key(parts, &[7, 12345]), "z12345/7");
        let groups =
            r#"{"name":"parts","parts":[{"text":"c/"},{"axis":0,"group":3},{"text":"/"},{"axis":1,"group":3}]}"#;
        assert_eq!(key(groups, &[1234, 5]), "c/1/001/234/0/005");
        assert_eq!(key(groups, &[0, 999_999]), "c/0/000/1/999/999");
    }

    #[test]
    fn parts_that_name_no_axis_are_refused() {
        for part in [
            r#"{"axis":2,"digits":0}"#,
            r#"{"axis":0,"digits":1000000}"#,
            r#"{"axis":0,"group":0}"#,
        ] {
            let keys: Keys = serde_json::from_str(&format!(r#"{{"name":"parts","parts":[{part}]}}"#)).expect("keys");
            assert!(keys.check(2).is_err(), "{part}");
        }
    }
}
