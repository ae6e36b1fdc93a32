//! The numbers of the registered data types, by their names: how wide they are, and what their bits mean.
//!
//! `elementwise` has the types that NumPy computes with; here are those too that it has no arithmetic for, such as integers of four
//! bits and floats of eight. Cells go through in blocks, so that the type is looked at once for many.

mod format;

pub use format::{Format, Outside, Parts, Rounding};

use super::parameters;
use crate::Result;
use serde_json::Value;

/// What the bits of a number mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// An integer of so many bits, in two's complement where it has a sign.
    Whole { bits: u32, signed: bool },
    /// A float.
    Real(Format),
}

/// A data type: numbers of one form, each in a whole number of bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// The name in documents.
    pub name: &'static str,
    /// Bytes of a cell; the bits that a number does not need are the upper ones.
    pub bytes: usize,
    /// What the bits mean.
    pub form: Form,
}

const fn whole(name: &'static str, bits: u32, signed: bool) -> Number {
    Number {
        name,
        bytes: bits.div_ceil(8) as usize,
        form: Form::Whole { bits, signed },
    }
}

const fn real(name: &'static str, format: Format) -> Number {
    Number {
        name,
        bytes: format.bits().div_ceil(8) as usize,
        form: Form::Real(format),
    }
}

/// Every data type of numbers that has arithmetic.
pub const NUMBERS: &[Number] = &[
    whole("int2", 2, true),
    whole("int4", 4, true),
    whole("int8", 8, true),
    whole("int16", 16, true),
    whole("int32", 32, true),
    whole("int64", 64, true),
    whole("uint2", 2, false),
    whole("uint4", 4, false),
    whole("uint8", 8, false),
    whole("uint16", 16, false),
    whole("uint32", 32, false),
    whole("uint64", 64, false),
    real("float4_e2m1fn", Format::finite(2, 1, 1)),
    real("float6_e2m3fn", Format::finite(2, 3, 1)),
    real("float6_e3m2fn", Format::finite(3, 2, 3)),
    real("float8_e3m4", Format::ieee(3, 4, 3)),
    real("float8_e4m3", Format::ieee(4, 3, 7)),
    real("float8_e4m3fn", Format::one_nan(4, 3, 7)),
    real("float8_e4m3b11fnuz", Format::unsigned_zero(4, 3, 11)),
    real("float8_e4m3fnuz", Format::unsigned_zero(4, 3, 8)),
    real("float8_e5m2", Format::ieee(5, 2, 15)),
    real("float8_e5m2fnuz", Format::unsigned_zero(5, 2, 16)),
    real("float8_e8m0fnu", Format::scale(8, 127)),
    real("bfloat16", Format::ieee(8, 7, 127)),
    real("float16", Format::ieee(5, 10, 15)),
    real("float32", Format::ieee(8, 23, 127)),
    real("float64", Format::ieee(11, 52, 1023)),
];

/// Cells that go through at once.
pub const BLOCK: usize = 256;

impl Number {
    /// The type that a member of a lowered entry names.
    ///
    /// # Errors
    /// [`crate::Error::Document`] when the member is absent or names none.
    pub fn read(entry: &Value, member: &str) -> Result<&'static Self> {
        let names: Vec<&str> = NUMBERS.iter().map(|number| number.name).collect();
        Ok(&NUMBERS[parameters::choice(entry, member, &names)?])
    }

    /// The bits of one cell, in the byte order of this machine.
    pub fn get(&self, cell: &[u8]) -> u64 {
        let mut raw = [0];
        self.load(cell, &mut raw);
        raw[0]
    }

    /// The bits of cells, at most as many as `raw` has room for.
    pub fn load(&self, cells: &[u8], raw: &mut [u64]) {
        macro_rules! each {
            ($type:ty) => {
                for (raw, cell) in raw.iter_mut().zip(cells.as_chunks().0) {
                    *raw = u64::from(<$type>::from_ne_bytes(*cell));
                }
            };
        }
        match self.bytes {
            1 => each!(u8),
            2 => each!(u16),
            4 => each!(u32),
            _ => each!(u64),
        }
    }

    /// Writes bits into cells; what a number does not need of a byte must hold its sign or zero already.
    pub fn store(&self, raw: &[u64], cells: &mut [u8]) {
        macro_rules! each {
            ($type:ty) => {
                for (raw, cell) in raw.iter().zip(cells.as_chunks_mut().0) {
                    *cell = (*raw as $type).to_ne_bytes();
                }
            };
        }
        match self.bytes {
            1 => each!(u8),
            2 => each!(u16),
            4 => each!(u32),
            _ => each!(u64),
        }
    }

    /// One cell as a person reads it.
    pub fn show(&self, raw: u64) -> String {
        match self.form {
            Form::Whole { bits, signed } => value(raw, bits, signed).to_string(),
            Form::Real(format) => format!("{:?}", format.decode(raw)),
        }
    }
}

/// The integer in the low bits of a cell.
pub fn value(raw: u64, bits: u32, signed: bool) -> i128 {
    let above = 64 - bits;
    if signed {
        i128::from((raw << above).cast_signed() >> above)
    } else {
        i128::from(raw << above >> above)
    }
}

/// The least and the greatest integer of a form.
pub fn limits(bits: u32, signed: bool) -> (i128, i128) {
    if signed {
        (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    } else {
        (0, (1 << bits) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_keep_their_bits_and_integers_their_signs() {
        for number in NUMBERS {
            let cells: Vec<u8> = (0..number.bytes as u8 * 3).map(|byte| byte + 0x80).collect();
            let mut raw = [0; 3];
            number.load(&cells, &mut raw);
            let mut back = vec![0; cells.len()];
            number.store(&raw, &mut back);
            assert_eq!(back, cells, "{}", number.name);
            assert_eq!(number.get(&cells[number.bytes..]), raw[1]);
        }
        assert_eq!(value(0xF9, 4, true), -7);
        assert_eq!(value(0xF9, 4, false), 9);
        assert_eq!(value(u64::MAX, 64, false), i128::from(u64::MAX));
        assert_eq!(limits(2, true), (-2, 1));
        assert_eq!(limits(64, false), (0, i128::from(u64::MAX)));
        assert_eq!(NUMBERS[0].show(3), "-1");
    }
}
