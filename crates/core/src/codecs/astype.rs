//! `astype`: cells stored in another number type.

use super::elementwise::{Each, Elementwise, Kind, convert};
use crate::{Context, Result};
use serde_json::Value;

/// The codec.
pub struct AsType {
    plain: Kind,
    stored: Kind,
}

impl AsType {
    /// From `{"encode_dtype", "decode_dtype"}`.
    ///
    /// # Errors
    /// [`crate::Error::Document`] for a type that is no number.
    pub fn build(entry: &Value) -> Result<Each<Self>> {
        Ok(Each(Self {
            plain: Kind::read(entry, "decode_dtype")?,
            stored: Kind::read(entry, "encode_dtype")?,
        }))
    }
}

impl Elementwise for AsType {
    const NAME: &'static str = "astype";

    fn widths(&self) -> (usize, usize) {
        (self.plain.bytes(), self.stored.bytes())
    }

    fn forward(&self, plain: &[u8], stored: &mut [u8], _context: &mut Context) -> Result<()> {
        convert(self.plain, self.stored, plain, stored);
        Ok(())
    }

    fn backward(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        convert(self.stored, self.plain, stored, plain);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_golden};
    use super::*;
    use serde_json::json;

    #[test]
    fn converted_cells_are_those_of_numcodecs() {
        let codec = AsType::build(&json!({"name": "astype", "encode_dtype": "i1", "decode_dtype": "f4"})).unwrap();
        check_golden(
            &codec,
            "3333f33f3333f3bf0000ff42cdcc4c3e",
            "01ff7f00",
            "0000803f000080bf0000fe4200000000",
        );
        let codec = AsType::build(&json!({"name": "astype", "encode_dtype": "f2", "decode_dtype": "f8"})).unwrap();
        check_golden(
            &codec,
            "666666666666fe3f48afbc9af2d77abecdccccccfcfdef40000000000002a040",
            "9a3f0280ff7b0068",
            "000000000068fe3f00000000000080be0000000000fcef40000000000000a040",
        );
        let codec = AsType::build(&json!({"name": "astype", "encode_dtype": "u2", "decode_dtype": "i8"})).unwrap();
        check_golden(
            &codec,
            "0500010000000000ffffffffffffffff0700000000000000",
            "0500ffff0700",
            "0500000000000000ffff0000000000000700000000000000",
        );
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        let codec = AsType::build(&json!({"name": "astype", "encode_dtype": "f2", "decode_dtype": "f8"})).unwrap();
        Mutants::from(&codec, 3000, vec![(vec![7; 80], 80), (vec![], 0)]).run();
    }
}
