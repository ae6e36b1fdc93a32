//! `fixedscaleoffset`: `(cell - offset) * scale`, rounded to the nearest whole number, in the arithmetic that NumPy chooses: floats
//! compute in their own type, integers in doubles as soon as a parameter has a point, and wrapping round as long as none has.

use super::elementwise::{Each, Elementwise, Kind, convert, convert_through, update, with_real, with_whole};
use super::numbers::Real;
use super::parameters;
use crate::{Context, Error, Result};
use half::f16;
use serde_json::Value;

/// The codec.
pub struct FixedScaleOffset {
    offset: Parameter,
    scale: Parameter,
    plain: Kind,
    stored: Kind,
}

/// A parameter as the document has it.
#[derive(Clone, Copy)]
enum Parameter {
    Whole(i64),
    Real(f64),
}

impl Parameter {
    fn read(entry: &Value, member: &str) -> Result<Self> {
        match entry[member].as_i64() {
            Some(number) => Ok(Self::Whole(number)),
            None => parameters::number(entry, member).map(Self::Real),
        }
    }

    fn real(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Real(number) => number,
        }
    }
}

impl FixedScaleOffset {
    /// From `{"offset", "scale", "dtype", "astype"}`.
    ///
    /// # Errors
    /// [`Error::Document`] for a type that is no real or whole number.
    pub fn build(entry: &Value) -> Result<Each<Self>> {
        let codec = Self {
            offset: Parameter::read(entry, "offset")?,
            scale: Parameter::read(entry, "scale")?,
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

    fn widths(&self) -> (usize, usize) {
        (self.plain.bytes(), self.stored.bytes())
    }

    fn forward(&self, plain: &[u8], stored: &mut [u8], context: &mut Context) -> Result<()> {
        // Booleans become 64-bit integers, other integers stay what they are.
        let whole = if self.plain == Kind::Bool {
            Kind::I64
        } else {
            self.plain
        };
        if let (true, Parameter::Whole(offset)) = (self.plain.is_whole(), self.offset) {
            match self.scale {
                Parameter::Whole(scale) => {
                    convert_through([self.plain, whole, self.stored], plain, stored, context, |cells| {
                        with_whole!(whole, W => update::<W>(cells, |cell| {
                            cell.wrapping_sub(offset as W).wrapping_mul(scale as W)
                        }));
                    });
                }
                Parameter::Real(scale) => {
                    let mut differences = vec![0; plain.len() / self.plain.bytes() * whole.bytes()];
                    convert(self.plain, whole, plain, &mut differences);
                    with_whole!(whole, W => update::<W>(&mut differences, |cell| cell.wrapping_sub(offset as W)));
                    convert_through(
                        [whole, Kind::F64, self.stored],
                        &differences,
                        stored,
                        context,
                        |cells| {
                            shrink::<f64>(cells, 0.0, scale);
                        },
                    );
                }
            }
            return Ok(());
        }
        let real = self.plain.real();
        convert_through([self.plain, real, self.stored], plain, stored, context, |cells| {
            with_real!(real, R => shrink::<R>(cells, self.offset.real(), self.scale.real()));
        });
        Ok(())
    }

    fn backward(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        let real = self.stored.real();
        convert_through([self.stored, real, self.plain], stored, plain, context, |cells| {
            with_real!(real, R => grow::<R>(cells, self.offset.real(), self.scale.real()));
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Codec;
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
    fn integers_wrap_round_as_long_as_no_parameter_has_a_point() {
        let whole = |offset: Value, scale: Value| {
            let entry =
                json!({"name": "fixedscaleoffset", "offset": offset, "scale": scale, "dtype": "u1", "astype": "u1"});
            let mut stored = Vec::new();
            let codec = FixedScaleOffset::build(&entry).unwrap();
            codec
                .encode(&[10, 5], &mut stored, &mut Context::new())
                .map(|()| stored)
        };
        assert_eq!(whole(json!(8), json!(2)), Ok(vec![4, 250]));
        assert_eq!(whole(json!(8), json!(0.5)), Ok(vec![1, 126]));
        assert_eq!(whole(json!(5.0), json!(2)), Ok(vec![10, 0]));
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
