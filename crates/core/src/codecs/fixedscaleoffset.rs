//! `fixedscaleoffset`: `(cell - offset) * scale`, rounded to the nearest whole number.

use super::elementwise::{Each, Elementwise, Kind, convert_through, update, with_real};
use super::numbers::Real;
use super::parameters;
use crate::{Context, Error, Result};
use half::f16;
use serde_json::Value;

/// The codec.
pub struct FixedScaleOffset {
    offset: f64,
    scale: f64,
    plain: Kind,
    stored: Kind,
}

impl FixedScaleOffset {
    /// From `{"offset", "scale", "dtype", "astype"}`.
    ///
    /// # Errors
    /// [`Error::Document`] for a type that is no real or whole number.
    pub fn build(entry: &Value) -> Result<Each<Self>> {
        let codec = Self {
            offset: parameters::number(entry, "offset")?,
            scale: parameters::number(entry, "scale")?,
            plain: Kind::read(entry, "dtype")?,
            stored: Kind::read(entry, "astype")?,
        };
        if codec.plain.is_complex() || codec.stored.is_complex() {
            return Err(Error::Document(
                "codec \"fixedscaleoffset\" does not take complex numbers".into(),
            ));
        }
        Ok(Each(codec))
    }
}

fn shrink<R: Real>(cells: &mut [u8], offset: f64, scale: f64) {
    let (offset, scale) = (R::of(offset), R::of(scale));
    update::<R>(cells, |cell| cell.minus(offset).times(scale).round());
}

fn grow<R: Real>(cells: &mut [u8], offset: f64, scale: f64) {
    let (offset, scale) = (R::of(offset), R::of(scale));
    update::<R>(cells, |cell| cell.over(scale).plus(offset));
}

impl Elementwise for FixedScaleOffset {
    const NAME: &'static str = "fixedscaleoffset";

    fn kinds(&self) -> (Kind, Kind) {
        (self.plain, self.stored)
    }

    fn forward(&self, plain: &[u8], stored: &mut [u8], context: &mut Context) {
        let real = self.plain.real();
        convert_through([self.plain, real, self.stored], plain, stored, context, |cells| {
            with_real!(real, R => shrink::<R>(cells, self.offset, self.scale));
        });
    }

    fn backward(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) {
        let real = self.stored.real();
        convert_through([self.stored, real, self.plain], stored, plain, context, |cells| {
            with_real!(real, R => grow::<R>(cells, self.offset, self.scale));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_golden};
    use super::*;
    use serde_json::json;

    #[test]
    fn scaled_cells_are_those_of_numcodecs() {
        let codec = FixedScaleOffset::build(
            &json!({"name": "fixedscaleoffset", "offset": 1000.0, "scale": 10.0, "dtype": "f8", "astype": "u1"}),
        )
        .unwrap();
        check_golden(
            &codec,
            "0000000000408f406666666666408f403333333333418f400000000000428f400000000000488f40",
            "000001020a",
            "0000000000408f400000000000408f40cdcccccccc408f409a99999999418f400000000000488f40",
        );
        let codec = FixedScaleOffset::build(
            &json!({"name": "fixedscaleoffset", "offset": -3.0, "scale": 0.5, "dtype": "f4", "astype": "i2"}),
        )
        .unwrap();
        check_golden(
            &codec,
            "000000000000803f000000400000404000008040",
            "02000200020003000400",
            "0000803f0000803f0000803f000040400000a040",
        );
        let codec = FixedScaleOffset::build(
            &json!({"name": "fixedscaleoffset", "offset": 0.1, "scale": 7.0, "dtype": "f2", "astype": "f2"}),
        )
        .unwrap();
        check_golden(
            &codec,
            "0000003c004100c20044",
            "00bc0046404c80cdc04e",
            "7ca9a83b0e4116c2ea43",
        );
        let codec = FixedScaleOffset::build(
            &json!({"name": "fixedscaleoffset", "offset": 10.0, "scale": 0.3, "dtype": "i2", "astype": "i1"}),
        )
        .unwrap();
        check_golden(&codec, "00000a001400e2ff2800", "fd0003f409", "00000a001400e2ff2800");
    }

    #[test]
    fn complex_numbers_are_refused() {
        let entry = json!({"name": "fixedscaleoffset", "offset": 0, "scale": 1, "dtype": "c8", "astype": "i2"});
        assert!(FixedScaleOffset::build(&entry).is_err());
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        let codec = FixedScaleOffset::build(
            &json!({"name": "fixedscaleoffset", "offset": -3.0, "scale": 0.5, "dtype": "f4", "astype": "i2"}),
        )
        .unwrap();
        Mutants::from(&codec, 3000, vec![(vec![7; 80], 80), (vec![], 0)]).run();
    }
}
