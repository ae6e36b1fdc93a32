//! `scale_offset`: `(cell - offset) * scale` in the arithmetic of the cell's own type. What the type cannot hold on the way is an
//! error: nothing wraps round, and nothing overflows to infinity.

use super::elementwise::{Each, Elementwise};
use super::number::{BLOCK, Form, Format, Number, Parts, Rounding, limits, value};
use super::parameters;
use crate::{Context, Error, Result};
use serde_json::Value;

const NAME: &str = "scale_offset";

/// The codec.
pub struct ScaleOffset {
    number: &'static Number,
    offset: u64,
    scale: u64,
}

/// Which way cells go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Forward,
    Backward,
}

impl ScaleOffset {
    /// From `{"dtype", "offset", "scale"}`, the last two as cells in hexadecimal.
    ///
    /// # Errors
    /// [`Error::Document`] for a type that is no number, and for a scale that nothing can be divided by.
    pub fn build(entry: &Value) -> Result<Each<Self>> {
        let number = Number::read(entry, "dtype")?;
        let cell = |member: &str| {
            let bytes = parameters::hex(entry, member)?;
            if bytes.len() == number.bytes {
                Ok(number.get(&bytes))
            } else {
                Err(Error::Document(format!(
                    "codec \"scale_offset\": {member} is no cell of type {}",
                    number.name
                )))
            }
        };
        let codec = Self {
            number,
            offset: cell("offset")?,
            scale: cell("scale")?,
        };
        let usable = match number.form {
            Form::Whole { bits, signed } => value(codec.scale, bits, signed) != 0,
            Form::Real(format) => {
                let (offset, scale) = (format.decode(codec.offset), format.decode(codec.scale));
                scale.is_finite() && scale.abs() > 0.0 && offset.is_finite()
            }
        };
        if !usable {
            return Err(Error::Document(format!(
                "codec \"scale_offset\" needs a finite offset and a finite scale that is not zero, not {} and {}",
                number.show(codec.offset),
                number.show(codec.scale)
            )));
        }
        Ok(Each(codec))
    }

    fn run(&self, way: Way, source: &[u8], target: &mut [u8]) -> Result<()> {
        let (mut raw, mut out) = ([0; BLOCK], [0; BLOCK]);
        let size = BLOCK * self.number.bytes;
        for (at, (from, to)) in source.chunks(size).zip(target.chunks_mut(size)).enumerate() {
            let cells = from.len() / self.number.bytes;
            self.number.load(from, &mut raw);
            self.block(way, &raw[..cells], &mut out).map_err(|cell| {
                let (place, held) = (at * BLOCK + cell, self.number.show(raw[cell]));
                let (offset, scale) = (self.number.show(self.offset), self.number.show(self.scale));
                let why = if way == Way::Backward && self.leaves(raw[cell]) {
                    format!("cell {place} holds {held}, and dividing it by scale {scale} leaves a non-zero remainder")
                } else {
                    format!(
                        "cell {place} holds {held}, and what becomes of it with offset {offset} and scale {scale} is \
                         outside the range of dtype {}",
                        self.number.name
                    )
                };
                match way {
                    Way::Forward => Error::encode(NAME, why),
                    Way::Backward => Error::decode(NAME, why),
                }
            })?;
            self.number.store(&out[..cells], to);
        }
        Ok(())
    }

    /// Whether dividing an integer by the scale leaves a remainder.
    fn leaves(&self, raw: u64) -> bool {
        match self.number.form {
            Form::Whole { bits, signed } => value(raw, bits, signed) % value(self.scale, bits, signed) != 0,
            Form::Real(_) => false,
        }
    }

    /// A block of cells; the place of the first that cannot go.
    fn block(&self, way: Way, raw: &[u64], out: &mut [u64; BLOCK]) -> std::result::Result<(), usize> {
        macro_rules! each {
            ($decode:expr, $forward:expr, $backward:expr, $put:expr) => {
                for (cell, (&raw, out)) in raw.iter().zip(out).enumerate() {
                    let number = $decode(raw);
                    let made = if way == Way::Forward {
                        $forward(number)
                    } else {
                        $backward(number)
                    };
                    *out = $put(made.ok_or(cell)?);
                }
            };
        }
        match self.number.form {
            Form::Whole { bits, signed } => {
                let (least, most) = limits(bits, signed);
                let held = |number: i128| (least..=most).contains(&number).then_some(number);
                let (offset, scale) = (value(self.offset, bits, signed), value(self.scale, bits, signed));
                each!(
                    |raw| value(raw, bits, signed),
                    |cell: i128| held(cell - offset).and_then(|near| held(near * scale)),
                    |cell: i128| (cell % scale == 0)
                        .then(|| cell / scale)
                        .and_then(held)
                        .and_then(|near| held(near + offset)),
                    |made| made as u64
                );
            }
            Form::Real(format) if format.is_double() => {
                let (offset, scale) = (f64::from_bits(self.offset), f64::from_bits(self.scale));
                each!(
                    f64::from_bits,
                    |cell: f64| still(cell, (cell - offset) * scale),
                    |cell: f64| still(cell, cell / scale + offset),
                    f64::to_bits
                );
            }
            Form::Real(format) if format.is_single() => {
                let (offset, scale) = (f32::from_bits(self.offset as u32), f32::from_bits(self.scale as u32));
                each!(
                    |raw| f32::from_bits(raw as u32),
                    |cell: f32| {
                        let made = (cell - offset) * scale;
                        (made.is_finite() || !cell.is_finite()).then_some(made)
                    },
                    |cell: f32| {
                        let made = cell / scale + offset;
                        (made.is_finite() || !cell.is_finite()).then_some(made)
                    },
                    |made: f32| u64::from(made.to_bits())
                );
            }
            Form::Real(format) => {
                let (offset, scale) = (format.decode(self.offset), format.decode(self.scale));
                // A double has more than twice the digits of these, so that rounding twice is rounding once.
                each!(
                    |raw| format.decode(raw),
                    |cell| held(format, cell - offset).and_then(|near| held(format, near * scale)),
                    |cell| held(format, cell / scale).and_then(|near| held(format, near + offset)),
                    |made| bits(format, made).unwrap_or_default()
                );
            }
        }
        Ok(())
    }
}

/// What was made of a number, unless it was finite and no longer is.
fn still(before: f64, made: f64) -> Option<f64> {
    (made.is_finite() || !before.is_finite()).then_some(made)
}

/// The bits of a number that a format may not have.
fn bits(format: Format, number: f64) -> Option<u64> {
    if number.is_nan() {
        format.nan()
    } else if number.is_infinite() {
        let sign = u64::from(number.is_sign_negative()) << (format.bits() - 1);
        format.infinity().map(|bits| bits | sign)
    } else {
        format.encode(Parts::of(number), Rounding::NearestEven).ok()
    }
}

/// The number of a format that is nearest.
fn held(format: Format, number: f64) -> Option<f64> {
    bits(format, number).map(|bits| format.decode(bits))
}

impl Elementwise for ScaleOffset {
    const NAME: &'static str = NAME;

    fn widths(&self) -> (usize, usize) {
        (self.number.bytes, self.number.bytes)
    }

    fn forward(&self, plain: &[u8], stored: &mut [u8], _context: &mut Context) -> Result<()> {
        self.run(Way::Forward, plain, stored)
    }

    fn backward(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        self.run(Way::Backward, stored, plain)
    }

    fn fill(&self, plain: &[u8], context: &mut Context) -> Result<Vec<u8>> {
        let mut stored = vec![0; self.number.bytes];
        self.forward(plain, &mut stored, context)
            .map_err(|error| Error::Document(format!("the fill value cannot take the step 'scale_offset': {error}")))?;
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Codec;
    use super::super::testing::{Mutants, check_round_trip};
    use super::*;
    use serde_json::json;

    fn codec(dtype: &str, offset: &[u8], scale: &[u8]) -> Result<Each<ScaleOffset>> {
        let hex = |cell: &[u8]| {
            cell.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>()
                .concat()
        };
        let entry = json!({"name": "scale_offset", "dtype": dtype, "offset": hex(offset), "scale": hex(scale)});
        ScaleOffset::build(&entry)
    }

    #[test]
    fn integers_neither_wrap_nor_lose_a_remainder() {
        let codec = codec("uint8", &[10], &[2]).unwrap();
        let mut context = Context::new();
        check_round_trip(&codec, &[10, 11, 137], &mut context);
        for bad in [9, 138] {
            let why = codec
                .encode(&[bad], &mut Vec::new(), &mut context)
                .unwrap_err()
                .to_string();
            assert!(
                why.contains(&format!("cell 0 holds {bad}")) && why.contains("uint8"),
                "{why}"
            );
        }
        for bad in [3, 250, 255] {
            assert_eq!(
                codec.decode(&[bad], &mut [0], &mut context).is_err(),
                bad != 250,
                "{bad}"
            );
        }
        let codec = super::tests::codec("int4", &[0], &[0xFE]).unwrap();
        check_round_trip(&codec, &[3, 0xFD, 0], &mut context);
        assert!(codec.encode(&[4], &mut Vec::new(), &mut context).is_ok());
        assert!(codec.encode(&[5], &mut Vec::new(), &mut context).is_err());
        let codec = super::tests::codec("int64", &i64::MIN.to_ne_bytes(), &1_i64.to_ne_bytes()).unwrap();
        assert!(
            codec
                .encode(&i64::MAX.to_ne_bytes(), &mut Vec::new(), &mut context)
                .is_err()
        );
    }

    #[test]
    fn floats_compute_in_their_own_type_and_do_not_become_infinite() {
        let mut context = Context::new();
        let single = codec("float32", &5_f32.to_ne_bytes(), &0.1_f32.to_ne_bytes()).unwrap();
        let mut stored = Vec::new();
        single
            .encode(&1.7_f32.to_ne_bytes(), &mut stored, &mut context)
            .unwrap();
        assert_eq!(stored, ((1.7_f32 - 5.0) * 0.1).to_ne_bytes());
        let large = codec("float32", &0_f32.to_ne_bytes(), &10_f32.to_ne_bytes()).unwrap();
        assert!(
            large
                .encode(&f32::MAX.to_ne_bytes(), &mut Vec::new(), &mut context)
                .is_err()
        );
        assert!(
            large
                .encode(&f32::INFINITY.to_ne_bytes(), &mut Vec::new(), &mut context)
                .is_ok()
        );
        let half = |number: f32| half::f16::from_f32(number).to_ne_bytes();
        let small = codec("float16", &half(0.1), &half(3.0)).unwrap();
        let mut stored = Vec::new();
        small.encode(&half(7.3), &mut stored, &mut context).unwrap();
        let near = (half::f16::from_f32(7.3) - half::f16::from_f32(0.1)) * half::f16::from_f32(3.0);
        assert_eq!(stored, near.to_ne_bytes());
        assert!(small.encode(&half(60000.0), &mut Vec::new(), &mut context).is_err());
    }

    #[test]
    fn what_nothing_can_be_divided_by_is_refused() {
        assert!(codec("int8", &[1], &[0]).is_err());
        assert!(codec("float32", &[0; 4], &(-0_f32).to_ne_bytes()).is_err());
        assert!(codec("float32", &f32::NAN.to_ne_bytes(), &1_f32.to_ne_bytes()).is_err());
        assert!(codec("float32", &[0; 3], &[0; 4]).is_err());
        assert!(codec("bool", &[0], &[1]).is_err());
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        for (dtype, one) in [
            ("int16", 1_i16.to_ne_bytes().to_vec()),
            ("float64", 3_f64.to_ne_bytes().to_vec()),
        ] {
            let codec = codec(dtype, &one, &one).unwrap();
            Mutants::from(&codec, 2000, vec![(vec![7; 80], 80), (vec![], 0)]).run();
        }
    }
}
