//! `cast_value`: numbers as numbers of another type, each by the first rule that fits it: the map, an exact form, rounding and the
//! rule for what lies out of range. Reading follows the same rules the other way.

mod scalar_map;

use self::scalar_map::ScalarMap;
use super::elementwise::{Each, Elementwise};
use super::number::{BLOCK, Form, Format, Number, Outside, Parts, Rounding, limits, value};
use super::numbers::half;
use super::parameters;
use crate::{Context, Error, Result};
use serde_json::Value;

const NAME: &str = "cast_value";

/// What becomes of a number that the other type does not reach.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Range {
    Refuse,
    Clamp,
    Wrap,
}

/// Why a number has no form on the other side.
#[derive(Clone, Copy)]
enum Why {
    Nan,
    Infinite,
    Outside,
}

/// One direction.
struct Cast {
    from: &'static Number,
    to: &'static Number,
    rounding: Rounding,
    range: Range,
    map: ScalarMap,
}

/// The codec.
pub struct CastValue {
    encode: Cast,
    decode: Cast,
}

impl CastValue {
    /// From `{"dtype", "data_type", "rounding", "out_of_range", "encode", "decode"}`; the last two are lists of cells in hexadecimal:
    /// what is found, what it becomes, and whether any NaN counts as the first.
    ///
    /// # Errors
    /// [`Error::Document`] for types that are no numbers, for rules that nobody defined, and for wrapping round in floats.
    pub fn build(entry: &Value) -> Result<Each<Self>> {
        let (plain, stored) = (Number::read(entry, "dtype")?, Number::read(entry, "data_type")?);
        let ways = [
            "nearest-even",
            "towards-zero",
            "towards-positive",
            "towards-negative",
            "nearest-away",
        ];
        let rounding = [
            Rounding::NearestEven,
            Rounding::TowardsZero,
            Rounding::TowardsPositive,
            Rounding::TowardsNegative,
            Rounding::NearestAway,
        ][parameters::choice(entry, "rounding", &ways)?];
        let range = [Range::Refuse, Range::Clamp, Range::Wrap]
            [parameters::choice(entry, "out_of_range", &["error", "clamp", "wrap"])?];
        if range == Range::Wrap && matches!(stored.form, Form::Real(_)) {
            return Err(Error::Document(format!(
                "codec \"cast_value\": only integers wrap round, not {}",
                stored.name
            )));
        }
        let encode = Cast {
            from: plain,
            to: stored,
            rounding,
            range,
            map: ScalarMap::read(entry, "encode", plain, stored)?,
        };
        let decode = Cast {
            from: stored,
            to: plain,
            rounding,
            // What is read into floats does not wrap; there is no such rule for them.
            range: if range == Range::Wrap && matches!(plain.form, Form::Real(_)) {
                Range::Refuse
            } else {
                range
            },
            map: ScalarMap::read(entry, "decode", stored, plain)?,
        };
        Ok(Each(Self { encode, decode }))
    }
}

impl Cast {
    /// Casts every cell of `source`.
    fn run(&self, source: &[u8], target: &mut [u8], refuse: fn(&'static str, String) -> Error) -> Result<()> {
        let (mut raw, mut out) = ([0; BLOCK], [0; BLOCK]);
        let blocks = source
            .chunks(BLOCK * self.from.bytes)
            .zip(target.chunks_mut(BLOCK * self.to.bytes));
        for (at, (from, to)) in blocks.enumerate() {
            let cells = from.len() / self.from.bytes;
            self.from.load(from, &mut raw);
            let done = if self.map.is_empty() {
                self.block::<false>(&raw[..cells], &mut out)
            } else {
                self.block::<true>(&raw[..cells], &mut out)
            };
            done.map_err(|(cell, why)| refuse(NAME, self.refusal(at * BLOCK + cell, raw[cell], why)))?;
            self.to.store(&out[..cells], to);
        }
        Ok(())
    }

    fn block<const MAPPED: bool>(&self, raw: &[u64], out: &mut [u64; BLOCK]) -> std::result::Result<(), (usize, Why)> {
        macro_rules! each {
            (|$raw:ident| $cast:expr) => {
                for (cell, (&$raw, out)) in raw.iter().zip(out).enumerate() {
                    let mapped = if MAPPED { self.map.get($raw) } else { None };
                    *out = match mapped {
                        Some(mapped) => mapped,
                        None => $cast.map_err(|why| (cell, why))?,
                    };
                }
            };
        }
        match (self.from.form, self.to.form) {
            (
                Form::Whole { bits, signed },
                Form::Whole {
                    bits: wide,
                    signed: sign,
                },
            ) => {
                let bounds = limits(wide, sign);
                each!(|raw| self.whole(value(raw, bits, signed), bounds, wide));
            }
            (
                Form::Real(format),
                Form::Whole {
                    bits: wide,
                    signed: sign,
                },
            ) => {
                let bounds = limits(wide, sign);
                match self.rounding {
                    Rounding::NearestEven => {
                        each!(|raw| self.cut(format.decode(raw).round_ties_even(), bounds, wide));
                    }
                    Rounding::TowardsZero => each!(|raw| self.cut(format.decode(raw).trunc(), bounds, wide)),
                    Rounding::TowardsPositive => each!(|raw| self.cut(format.decode(raw).ceil(), bounds, wide)),
                    Rounding::TowardsNegative => each!(|raw| self.cut(format.decode(raw).floor(), bounds, wide)),
                    Rounding::NearestAway => each!(|raw| self.cut(format.decode(raw).round(), bounds, wide)),
                }
            }
            (Form::Whole { bits, signed }, Form::Real(to)) => {
                each!(|raw| self.near(Parts::of_whole(value(raw, bits, signed)), to));
            }
            (Form::Real(from), Form::Real(to)) if from == to => each!(|raw| Ok(raw)),
            (Form::Real(from), Form::Real(to)) if to.is_double() => each!(|raw| Ok(from.decode(raw).to_bits())),
            (Form::Real(from), Form::Real(to)) if to.is_single() && self.rounding == Rounding::NearestEven => {
                each!(|raw| {
                    let number = from.decode(raw);
                    let near = number as f32;
                    if near.is_infinite() && number.is_finite() && self.range == Range::Refuse {
                        Err(Why::Outside)
                    } else {
                        Ok(u64::from(near.to_bits()))
                    }
                });
            }
            (Form::Real(from), Form::Real(to)) if to.is_half() && self.rounding == Rounding::NearestEven => {
                each!(|raw| {
                    let number = from.decode(raw);
                    let near = half(number);
                    if near.is_infinite() && number.is_finite() && self.range == Range::Refuse {
                        Err(Why::Outside)
                    } else {
                        Ok(u64::from(near.to_bits()))
                    }
                });
            }
            (Form::Real(from), Form::Real(to)) => each!(|raw| self.real(from.decode(raw), to)),
        }
        Ok(())
    }

    /// An integer in the limits of another type.
    fn whole(&self, number: i128, (least, most): (i128, i128), bits: u32) -> std::result::Result<u64, Why> {
        if (least..=most).contains(&number) {
            return Ok(number as u64);
        }
        match self.range {
            Range::Refuse => Err(Why::Outside),
            Range::Clamp => Ok(number.clamp(least, most) as u64),
            Range::Wrap => Ok(value(number as u64, bits, least < 0) as u64),
        }
    }

    /// A rounded float as an integer.
    fn cut(&self, number: f64, bounds: (i128, i128), bits: u32) -> std::result::Result<u64, Why> {
        const EDGE: f64 = (1_u128 << 126) as f64;
        if number.abs() < EDGE {
            return self.whole(number as i128, bounds, bits);
        }
        if number.is_nan() {
            return Err(Why::Nan);
        }
        if number.is_infinite() {
            return Err(Why::Infinite);
        }
        match self.range {
            // Doubles as large as these are multiples of every power of two that integers wrap round at.
            Range::Wrap => Ok(0),
            _ => self.whole(if number > 0.0 { i128::MAX } else { i128::MIN }, bounds, bits),
        }
    }

    fn real(&self, number: f64, to: Format) -> std::result::Result<u64, Why> {
        if number.is_nan() {
            return to.nan().ok_or(Why::Nan);
        }
        if number.is_infinite() {
            let side = if number > 0.0 { Outside::Above } else { Outside::Below };
            return to.infinity().map(|_| to.last(side)).ok_or(Why::Infinite);
        }
        self.near(Parts::of(number), to)
    }

    fn near(&self, parts: Parts, to: Format) -> std::result::Result<u64, Why> {
        to.encode(parts, self.rounding).or_else(|side| match self.range {
            Range::Clamp => Ok(to.last(side)),
            _ => Err(Why::Outside),
        })
    }

    fn refusal(&self, cell: usize, raw: u64, why: Why) -> String {
        let (found, to) = (self.from.show(raw), self.to.name);
        match why {
            Why::Nan | Why::Infinite => {
                format!("cell {cell} holds {found}, which {to} has no form for; give scalar_map an entry for it")
            }
            Why::Outside => format!(
                "cell {cell} holds {found}, which lies out of range for {to}; set out_of_range, or give scalar_map an entry for it"
            ),
        }
    }
}

impl Elementwise for CastValue {
    const NAME: &'static str = NAME;

    fn widths(&self) -> (usize, usize) {
        (self.encode.from.bytes, self.encode.to.bytes)
    }

    fn forward(&self, plain: &[u8], stored: &mut [u8], _context: &mut Context) -> Result<()> {
        self.encode.run(plain, stored, Error::encode)
    }

    fn backward(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        self.decode.run(stored, plain, Error::decode)
    }

    /// What is not stored must read as the fill value at every step, so that it must come back as it was.
    fn fill(&self, plain: &[u8], context: &mut Context) -> Result<Vec<u8>> {
        let mut stored = vec![0; self.encode.to.bytes];
        let mut back = vec![0; self.encode.from.bytes];
        let there = self.forward(plain, &mut stored, context);
        there
            .and_then(|()| self.backward(&stored, &mut back, context))
            .map_err(|error| Error::Document(format!("the fill value cannot take the step 'cast_value': {error}")))?;
        let number = self.encode.from;
        let (was, is) = (number.get(plain), number.get(&back));
        let same = match number.form {
            Form::Whole { bits, signed } => value(was, bits, signed) == value(is, bits, signed),
            Form::Real(format) => {
                let (was, is) = (format.decode(was), format.decode(is));
                was.partial_cmp(&is)
                    .map_or(was.is_nan() && is.is_nan(), std::cmp::Ordering::is_eq)
            }
        };
        if same {
            return Ok(stored);
        }
        Err(Error::Document(format!(
            "codec \"cast_value\" makes {} of the fill value {}, by way of {}; choose one that comes back as it was, or map it",
            number.show(is),
            number.show(was),
            self.encode.to.name
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Codec;
    use super::super::testing::Mutants;
    use super::*;
    use serde_json::json;

    fn cast(dtype: &str, data_type: &str, rounding: &str, range: &str, encode: &Value) -> Each<CastValue> {
        let entry = json!({"name": "cast_value", "dtype": dtype, "data_type": data_type, "rounding": rounding,
            "out_of_range": range, "encode": encode, "decode": []});
        CastValue::build(&entry).unwrap()
    }

    fn floats(cells: &[f32]) -> Vec<u8> {
        cells.iter().flat_map(|cell| cell.to_ne_bytes()).collect()
    }

    fn encoded(codec: &dyn Codec, cells: &[f32]) -> Result<Vec<u8>> {
        let mut stored = Vec::new();
        codec
            .encode(&floats(cells), &mut stored, &mut Context::new())
            .map(|()| stored)
    }

    #[test]
    fn each_rounding_rounds_as_it_is_called() {
        let cells = [2.5, 3.5, -2.5, 2.4, -2.6, 126.5];
        for (rounding, expected) in [
            ("nearest-even", [2, 4, -2, 2, -3, 126]),
            ("towards-zero", [2, 3, -2, 2, -2, 126]),
            ("towards-positive", [3, 4, -2, 3, -2, 127]),
            ("towards-negative", [2, 3, -3, 2, -3, 126]),
            ("nearest-away", [3, 4, -3, 2, -3, 127]),
        ] {
            let codec = cast("float32", "int8", rounding, "error", &json!([]));
            assert_eq!(
                encoded(&codec, &cells).unwrap(),
                expected.map(|n: i8| n.cast_unsigned()),
                "{rounding}"
            );
        }
    }

    #[test]
    fn what_lies_out_of_range_is_refused_clamped_or_wrapped_and_the_value_named() {
        let codec = cast("float32", "int8", "nearest-even", "error", &json!([]));
        let why = encoded(&codec, &[1.0, 128.0]).unwrap_err().to_string();
        assert!(
            why.contains("cell 1 holds 128.0") && why.contains("int8") && why.contains("out_of_range"),
            "{why}"
        );
        let why = encoded(&codec, &[f32::NAN]).unwrap_err().to_string();
        assert!(why.contains("NaN") && why.contains("scalar_map"), "{why}");
        let codec = cast("float32", "int8", "nearest-even", "clamp", &json!([]));
        assert_eq!(encoded(&codec, &[128.0, -1e30]).unwrap(), [127, 0x80]);
        assert!(encoded(&codec, &[f32::INFINITY]).is_err());
        let codec = cast("float32", "int8", "nearest-even", "wrap", &json!([]));
        assert_eq!(
            encoded(&codec, &[128.0, 300.0, -129.0, 1e38]).unwrap(),
            [0x80, 44, 127, 0]
        );
        let codec = cast("float32", "float16", "nearest-even", "clamp", &json!([]));
        assert_eq!(encoded(&codec, &[1e6, f32::NEG_INFINITY]).unwrap(), [0, 0x7C, 0, 0xFC]);
        let codec = cast("float32", "float8_e4m3fn", "nearest-even", "clamp", &json!([]));
        assert_eq!(
            encoded(&codec, &[1e6, -1e6, f32::NAN, -0.0]).unwrap(),
            [0x7E, 0xFE, 0x7F, 0x80]
        );
    }

    #[test]
    fn the_map_comes_first_and_its_first_entry_counts() {
        let nan = format!("{:08x}", f32::NAN.to_bits().to_be());
        let one = format!("{:08x}", 1_f32.to_bits().to_be());
        let map = json!([[nan, "07", true], [one, "63", false], [one, "64", false]]);
        let codec = cast("float32", "uint8", "nearest-even", "error", &map);
        assert_eq!(
            encoded(&codec, &[f32::NAN, -f32::NAN, 1.0, 2.0]).unwrap(),
            [7, 7, 0x63, 2]
        );
        let map = json!([[nan, "07", false]]);
        let codec = cast("float32", "uint8", "nearest-even", "error", &map);
        assert!(encoded(&codec, &[f32::from_bits(0x7FC0_0001)]).is_err());
    }

    #[test]
    fn a_fill_value_that_does_not_come_back_is_refused() {
        let codec = cast("float32", "uint8", "nearest-even", "error", &json!([]));
        let mut context = Context::new();
        assert_eq!(codec.encode_fill(&floats(&[3.0]), &mut context), Some(Ok(vec![3])));
        for fill in [0.5, 300.0, f32::NAN] {
            assert!(codec.encode_fill(&floats(&[fill]), &mut context).unwrap().is_err());
        }
    }

    #[test]
    fn documents_that_make_no_sense_are_refused() {
        for change in [
            json!({"data_type": "bool"}),
            json!({"out_of_range": "wrap", "data_type": "float32"}),
            json!({"rounding": "up"}),
            json!({"encode": [["00", "00"]]}),
            json!({"encode": 3}),
        ] {
            let mut entry = json!({"name": "cast_value", "dtype": "float32", "data_type": "int8", "rounding": "nearest-even",
                "out_of_range": "error", "encode": [], "decode": []});
            for (key, value) in change.as_object().unwrap() {
                entry[key] = value.clone();
            }
            assert!(matches!(CastValue::build(&entry), Err(Error::Document(_))), "{entry}");
        }
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        for (dtype, data_type) in [("int64", "float8_e8m0fnu"), ("uint8", "float64"), ("float16", "int2")] {
            let codec = cast(dtype, data_type, "towards-positive", "clamp", &json!([]));
            Mutants::from(&codec, 2000, vec![(vec![7; 80], 80), (vec![], 0)]).run();
        }
    }
}
