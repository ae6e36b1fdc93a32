//! `quantize`: real numbers rounded to a number of decimal digits, by way of a power of two.

use super::elementwise::{Each, Elementwise, Kind, convert, convert_through, update, with_real};
use super::numbers::Real;
use super::parameters;
use crate::{Context, Error, Result};
use half::f16;
use serde_json::Value;

/// The codec.
pub struct Quantize {
    scale: f64,
    plain: Kind,
    stored: Kind,
}

impl Quantize {
    /// From `{"digits", "dtype", "astype"}`.
    ///
    /// # Errors
    /// [`Error::Document`] for a type that is no real number.
    pub fn build(entry: &Value) -> Result<Each<Self>> {
        let digits = parameters::integer(entry, "digits", -300, 300)? as i32;
        let (plain, stored) = (Kind::read(entry, "dtype")?, Kind::read(entry, "astype")?);
        if !plain.is_real() || !stored.is_real() {
            return Err(Error::Document("codec \"quantize\" takes real numbers only".into()));
        }
        Ok(Each(Self {
            scale: scale(digits),
            plain,
            stored,
        }))
    }
}

/// The least power of two that keeps so many digits apart.
fn scale(digits: i32) -> f64 {
    let exponent = 10_f64.powf(f64::from(-digits)).log10();
    let exponent = if exponent < 0.0 {
        exponent.floor()
    } else {
        exponent.ceil()
    };
    10_f64.powf(-exponent).log2().ceil().exp2()
}

fn quantize<R: Real>(cells: &mut [u8], scale: f64) {
    let scale = R::of(scale);
    update::<R>(cells, |cell| scale.times(cell).round().over(scale));
}

impl Elementwise for Quantize {
    const NAME: &'static str = "quantize";

    fn widths(&self) -> (usize, usize) {
        (self.plain.bytes(), self.stored.bytes())
    }

    fn forward(&self, plain: &[u8], stored: &mut [u8], context: &mut Context) -> Result<()> {
        convert_through([self.plain, self.plain, self.stored], plain, stored, context, |cells| {
            with_real!(self.plain, R => quantize::<R>(cells, self.scale));
        });
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
    fn quantized_cells_are_those_of_numcodecs() {
        let codec = Quantize::build(&json!({"name": "quantize", "digits": 1, "dtype": "f8", "astype": "f4"})).unwrap();
        check_golden(
            &codec,
            "e2e995b20c71bc3f000000000000e83f6e861bf0f92109c00000000065cdcd41",
            "0000003e0000403f000048c0286b6e4e",
            "000000000000c03f000000000000e83f00000000000009c00000000065cdcd41",
        );
        let codec = Quantize::build(&json!({"name": "quantize", "digits": 3, "dtype": "f4", "astype": "f4"})).unwrap();
        check_golden(
            &codec,
            "6688e33d0000403fd00f49c0286b6e4e",
            "0000e43d0000403f001049c0286b6e4e",
            "0000e43d0000403f001049c0286b6e4e",
        );
    }

    #[test]
    fn digits_become_the_power_of_two_that_keeps_them() {
        assert_eq!(
            [0, 1, 2, 3, -1].map(|digits| scale(digits).log2() as i32),
            [0, 4, 7, 10, -3]
        );
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        let codec = Quantize::build(&json!({"name": "quantize", "digits": 3, "dtype": "f4", "astype": "f4"})).unwrap();
        Mutants::from(&codec, 3000, vec![(vec![7; 80], 80), (vec![], 0)]).run();
    }
}
