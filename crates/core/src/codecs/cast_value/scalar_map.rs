//! The map of `cast_value`: cells that become a cell of their own, whatever the rules would say.

use super::super::number::{Form, Number, value};
use crate::program::unhex;
use crate::{Error, Result};
use serde_json::Value;

/// From the bits of a cell to the bits of another.
pub struct ScalarMap {
    form: Form,
    /// Sorted by what is looked for.
    numbers: Vec<(u64, u64)>,
    /// In the order of the document; without bits, any NaN is meant.
    nans: Vec<(Option<u64>, u64)>,
}

/// What two cells have in common when they are the same number; none for NaN.
fn key(form: Form, raw: u64) -> Option<u64> {
    match form {
        Form::Whole { bits, signed } => Some(value(raw, bits, signed) as u64),
        Form::Real(format) => {
            let number = format.decode(raw);
            // Zero of either sign is zero.
            (!number.is_nan()).then(|| (number + 0.0).to_bits())
        }
    }
}

impl ScalarMap {
    /// From a list of `[cell, cell, whether any NaN is meant]`.
    ///
    /// # Errors
    /// [`Error::Document`] for anything else, or cells of another width.
    pub fn read(entry: &Value, member: &str, from: &Number, to: &Number) -> Result<Self> {
        let bad = || Error::Document(format!("codec \"cast_value\" cannot map {}", entry[member]));
        let cell = |text: &Value, number: &Number| {
            let bytes = text.as_str().and_then(unhex);
            bytes
                .filter(|bytes| bytes.len() == number.bytes)
                .map(|bytes| number.get(&bytes))
                .ok_or_else(bad)
        };
        let mut map = Self {
            form: from.form,
            numbers: Vec::new(),
            nans: Vec::new(),
        };
        for pair in entry[member].as_array().ok_or_else(bad)? {
            let (found, becomes) = (cell(&pair[0], from)?, cell(&pair[1], to)?);
            let any_nan = pair[2].as_bool().ok_or_else(bad)?;
            match key(map.form, found) {
                Some(key) => map.numbers.push((key, becomes)),
                None => map.nans.push(((!any_nan).then_some(found), becomes)),
            }
        }
        // The sort keeps the order of equals, so that the first of them stays.
        map.numbers.sort_by_key(|(key, _)| *key);
        map.numbers.dedup_by_key(|(key, _)| *key);
        Ok(map)
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.nans.is_empty()
    }

    /// What a cell becomes, where the map says.
    pub fn get(&self, raw: u64) -> Option<u64> {
        if let Some(key) = key(self.form, raw) {
            let at = self.numbers.binary_search_by_key(&key, |(key, _)| *key).ok()?;
            return Some(self.numbers[at].1);
        }
        let meant = |(bits, _): &&(Option<u64>, u64)| bits.is_none_or(|bits| bits == raw);
        self.nans.iter().find(meant).map(|(_, becomes)| *becomes)
    }
}
