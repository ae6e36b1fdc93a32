//! `bitround`: real numbers with a shorter mantissa, whole numbers with fewer leading digits; the rest becomes zeros.

use super::elementwise::{Each, Elementwise, Kind};
use super::parameters;
use crate::{Context, Error, Result};
use serde_json::Value;

/// The codec.
pub struct BitRound {
    keep: u32,
    kind: Rounded,
}

/// What is rounded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounded {
    /// A type that NumPy has.
    Kind(Kind),
    /// One or two floats of 16 bits that it has no type for.
    Half { mantissa: u32, parts: usize },
}

impl BitRound {
    /// From `{"keepbits", "dtype"}`.
    ///
    /// # Errors
    /// [`Error::Document`] for booleans.
    pub fn build(entry: &Value) -> Result<Each<Self>> {
        let keep = parameters::integer(entry, "keepbits", 0, 64)? as u32;
        let kind = match entry["dtype"].as_str() {
            Some("bfloat16") => Rounded::Half { mantissa: 7, parts: 1 },
            Some("complex_bfloat16") => Rounded::Half { mantissa: 7, parts: 2 },
            Some("complex_float16") => Rounded::Half { mantissa: 10, parts: 2 },
            _ => Rounded::Kind(Kind::read(entry, "dtype")?),
        };
        if kind == Rounded::Kind(Kind::Bool) {
            return Err(Error::Document("codec \"bitround\" does not take booleans".into()));
        }
        Ok(Each(Self { keep, kind }))
    }
}

/// `bits` with its last `drop` bits rounded away, ties to even.
fn rounded(bits: u64, drop: u32) -> u64 {
    if drop == 0 {
        return bits;
    }
    let half = (1_u64 << (drop - 1)) - 1;
    bits.wrapping_add((bits >> drop & 1) + half) & (u64::MAX << drop)
}

/// A whole number, its leading `keep` bits kept. What would round up beyond `most` is cut off instead.
fn rounded_whole(magnitude: u64, keep: u32, most: u64) -> u64 {
    let drop = (64 - magnitude.leading_zeros()).saturating_sub(keep);
    if drop == 64 {
        return 0;
    }
    let near = rounded(magnitude, drop);
    if near > most || near < magnitude >> drop << drop {
        magnitude >> drop << drop
    } else {
        near
    }
}

macro_rules! reals {
    ($unsigned:ty, $mantissa:expr, $keep:expr, $cells:expr) => {{
        let drop = ($mantissa as u32).saturating_sub($keep);
        let infinity = !(<$unsigned>::MAX << (<$unsigned>::BITS - 1 - $mantissa)) << $mantissa;
        for cell in $cells.as_chunks_mut::<{ size_of::<$unsigned>() }>().0 {
            let bits = <$unsigned>::from_ne_bytes(*cell);
            // The payload of a NaN is not a number that could be rounded.
            if bits & infinity != infinity {
                *cell = (rounded(u64::from(bits), drop) as $unsigned).to_ne_bytes();
            }
        }
    }};
}

macro_rules! wholes {
    ($type:ty, $keep:expr, $cells:expr) => {
        for cell in $cells.as_chunks_mut::<{ size_of::<$type>() }>().0 {
            let number = i128::from(<$type>::from_ne_bytes(*cell));
            let most = if number < 0 {
                -i128::from(<$type>::MIN)
            } else {
                i128::from(<$type>::MAX)
            };
            let near = i128::from(rounded_whole(number.unsigned_abs() as u64, $keep, most as u64));
            *cell = ((if number < 0 { -near } else { near }) as $type).to_ne_bytes();
        }
    };
}

impl Elementwise for BitRound {
    const NAME: &'static str = "bitround";

    fn widths(&self) -> (usize, usize) {
        let bytes = match self.kind {
            Rounded::Kind(kind) => kind.bytes(),
            Rounded::Half { parts, .. } => 2 * parts,
        };
        (bytes, bytes)
    }

    fn forward(&self, plain: &[u8], stored: &mut [u8], _context: &mut Context) -> Result<()> {
        stored.copy_from_slice(plain);
        let kind = match self.kind {
            Rounded::Kind(kind) => kind,
            Rounded::Half { mantissa, .. } => {
                reals!(u16, mantissa, self.keep, stored);
                return Ok(());
            }
        };
        match kind {
            Kind::Bool => {}
            Kind::F16 => reals!(u16, 10, self.keep, stored),
            Kind::F32 | Kind::Complex64 => reals!(u32, 23, self.keep, stored),
            Kind::F64 | Kind::Complex128 => reals!(u64, 52, self.keep, stored),
            Kind::I8 => wholes!(i8, self.keep, stored),
            Kind::I16 => wholes!(i16, self.keep, stored),
            Kind::I32 => wholes!(i32, self.keep, stored),
            Kind::I64 => wholes!(i64, self.keep, stored),
            Kind::U8 => wholes!(u8, self.keep, stored),
            Kind::U16 => wholes!(u16, self.keep, stored),
            Kind::U32 => wholes!(u32, self.keep, stored),
            Kind::U64 => wholes!(u64, self.keep, stored),
        }
        Ok(())
    }

    fn backward(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        plain.copy_from_slice(stored);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_golden, check_round_trip};
    use super::*;
    use crate::codecs::Codec;
    use serde_json::json;

    #[test]
    fn rounded_cells_are_those_of_numcodecs() {
        let codec = BitRound::build(&json!({"name": "bitround", "keepbits": 3, "dtype": "f2"})).unwrap();
        check_golden(
            &codec,
            "1c2f403cc03c48c2ff7b",
            "002f003c003d80c2007c",
            "002f003c003d80c2007c",
        );
        let codec = BitRound::build(&json!({"name": "bitround", "keepbits": 2, "dtype": "f4"})).unwrap();
        check_golden(
            &codec,
            "6688e33d0000903f0000b03fd00f49c09ec97f7f",
            "0000e03d0000803f0000c03f000040c00000807f",
            "0000e03d0000803f0000c03f000040c00000807f",
        );
        let codec = BitRound::build(&json!({"name": "bitround", "keepbits": 0, "dtype": "f8"})).unwrap();
        check_golden(
            &codec,
            "e2e995b20c71bc3f000000000000f83f00000000000008406e861bf0f92109c0",
            "000000000000c03f0000000000000040000000000000004000000000000010c0",
            "000000000000c03f0000000000000040000000000000004000000000000010c0",
        );
    }

    #[test]
    fn whole_numbers_keep_their_leading_digits() {
        let codec = BitRound::build(&json!({"name": "bitround", "keepbits": 2, "dtype": "i2"})).unwrap();
        let plain = [0_i16, 1, 5, 7, 100, -100, i16::MAX, i16::MIN]
            .map(i16::to_ne_bytes)
            .concat();
        let mut stored = Vec::new();
        codec.encode(&plain, &mut stored, &mut Context::new()).unwrap();
        assert_eq!(
            stored,
            [0_i16, 1, 4, 8, 96, -96, 0x6000, i16::MIN]
                .map(i16::to_ne_bytes)
                .concat()
        );
        let codec = BitRound::build(&json!({"name": "bitround", "keepbits": 0, "dtype": "u8"})).unwrap();
        let mut stored = Vec::new();
        codec.encode(&[0xFF; 16], &mut stored, &mut Context::new()).unwrap();
        assert_eq!(stored, [0; 16]);
    }

    #[test]
    fn bfloats_have_a_mantissa_of_seven_bits() {
        let plain = [1.5_f32, 1.25, -1.875, 3.4e38]
            .map(|x| ((x.to_bits() >> 16) as u16).to_ne_bytes())
            .concat();
        for (name, keep, same) in [
            ("bfloat16", 7, true),
            ("complex_bfloat16", 9, true),
            ("bfloat16", 1, false),
        ] {
            let codec = BitRound::build(&json!({"name": "bitround", "keepbits": keep, "dtype": name})).unwrap();
            let mut stored = Vec::new();
            codec.encode(&plain, &mut stored, &mut Context::new()).unwrap();
            let near = [0x3FC0_u16, 0x3F80, 0xC000, 0x7F80].map(u16::to_ne_bytes).concat();
            assert_eq!(stored, if same { plain.clone() } else { near });
        }
    }

    #[test]
    fn a_nan_stays_what_it_is() {
        let plain = [f32::NAN, f32::from_bits(0x7FFF_FFFF), f32::INFINITY]
            .map(f32::to_ne_bytes)
            .concat();
        let codec = BitRound::build(&json!({"name": "bitround", "keepbits": 0, "dtype": "f4"})).unwrap();
        check_round_trip(&codec, &plain, &mut Context::new());
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        let codec = BitRound::build(&json!({"name": "bitround", "keepbits": 2, "dtype": "f4"})).unwrap();
        Mutants::from(&codec, 3000, vec![(vec![7; 80], 80), (vec![], 0)]).run();
    }
}
