//! Binary floats of any width up to 64 bits: from their bits to a double, which holds each of them exactly, and back, rounded once.

use half::f16;

/// What a float format does with its last exponents and its negative zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flavour {
    /// The last exponent is for infinities and NaN.
    Ieee,
    /// No infinities; all ones is NaN.
    OneNan,
    /// No infinities, no NaN.
    Finite,
    /// No infinities; what would be the negative zero is the only NaN.
    UnsignedZero,
    /// Powers of two: no sign, no zero, no infinities; all ones is NaN.
    Scale,
}

/// A binary float format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    exponent: u32,
    mantissa: u32,
    bias: i32,
    flavour: Flavour,
}

/// How a number between two of a format becomes one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    NearestEven,
    TowardsZero,
    TowardsPositive,
    TowardsNegative,
    NearestAway,
}

/// A finite number: `whole * 2^power`, with a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    pub negative: bool,
    pub whole: u128,
    pub power: i32,
}

/// On which side of all finite numbers of a format another one lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    Below,
    Above,
}

impl Parts {
    /// The parts of a finite double.
    pub fn of(number: f64) -> Self {
        let bits = number.to_bits();
        let (exponent, mantissa) = ((bits >> 52 & 0x7FF) as i32, bits & ((1 << 52) - 1));
        Self {
            negative: number.is_sign_negative(),
            whole: u128::from(if exponent == 0 { mantissa } else { mantissa | 1 << 52 }),
            power: exponent.max(1) - 1075,
        }
    }

    /// The parts of an integer.
    pub fn of_whole(number: i128) -> Self {
        Self {
            negative: number < 0,
            whole: number.unsigned_abs(),
            power: 0,
        }
    }

    /// To a whole number of units of `2^unit`, in the way of `rounding`.
    fn rounded(self, unit: i32, rounding: Rounding) -> u128 {
        let drop = unit - self.power;
        if drop <= 0 {
            return self.whole << -drop;
        }
        let (kept, rest, half) = if drop < 128 {
            let kept = self.whole >> drop;
            (kept, self.whole - (kept << drop), 1_u128 << (drop - 1))
        } else {
            (0, self.whole, u128::MAX) // far less than half a unit
        };
        let up = rest > 0
            && match rounding {
                Rounding::NearestEven => rest > half || rest == half && kept & 1 == 1,
                Rounding::NearestAway => rest >= half,
                Rounding::TowardsZero => false,
                Rounding::TowardsPositive => !self.negative,
                Rounding::TowardsNegative => self.negative,
            };
        kept + u128::from(up)
    }
}

impl Format {
    /// A format as IEEE 754 lays them out.
    pub const fn ieee(exponent: u32, mantissa: u32, bias: i32) -> Self {
        Self::of(exponent, mantissa, bias, Flavour::Ieee)
    }

    /// Without infinities, and with one NaN of either sign.
    pub const fn one_nan(exponent: u32, mantissa: u32, bias: i32) -> Self {
        Self::of(exponent, mantissa, bias, Flavour::OneNan)
    }

    /// Without infinities and NaN.
    pub const fn finite(exponent: u32, mantissa: u32, bias: i32) -> Self {
        Self::of(exponent, mantissa, bias, Flavour::Finite)
    }

    /// Without infinities and negative zero, whose bits are NaN.
    pub const fn unsigned_zero(exponent: u32, mantissa: u32, bias: i32) -> Self {
        Self::of(exponent, mantissa, bias, Flavour::UnsignedZero)
    }

    /// Powers of two.
    pub const fn scale(exponent: u32, bias: i32) -> Self {
        Self::of(exponent, 0, bias, Flavour::Scale)
    }

    const fn of(exponent: u32, mantissa: u32, bias: i32, flavour: Flavour) -> Self {
        Self {
            exponent,
            mantissa,
            bias,
            flavour,
        }
    }

    /// Bits of a number.
    pub const fn bits(self) -> u32 {
        self.exponent + self.mantissa + !matches!(self.flavour, Flavour::Scale) as u32
    }

    /// Whether this is a double.
    pub fn is_double(self) -> bool {
        self.mantissa == 52
    }

    /// Whether this is a single.
    pub fn is_single(self) -> bool {
        self.mantissa == 23
    }

    /// Whether this is a half.
    pub fn is_half(self) -> bool {
        self.mantissa == 10
    }

    fn sign_bit(self) -> u64 {
        1 << (self.exponent + self.mantissa)
    }

    /// The bits of infinity, where there is one.
    pub fn infinity(self) -> Option<u64> {
        (self.flavour == Flavour::Ieee).then(|| ((1 << self.exponent) - 1) << self.mantissa)
    }

    /// The bits of NaN, where there is one.
    pub fn nan(self) -> Option<u64> {
        match self.flavour {
            Flavour::Ieee => self.infinity().map(|bits| bits | 1 << (self.mantissa - 1)),
            Flavour::OneNan | Flavour::Scale => Some(self.sign_bit() - 1),
            Flavour::UnsignedZero => Some(self.sign_bit()),
            Flavour::Finite => None,
        }
    }

    /// The bits of the greatest finite number.
    fn greatest(self) -> u64 {
        match self.flavour {
            Flavour::Ieee => (((1 << self.exponent) - 1) << self.mantissa) - 1,
            Flavour::OneNan | Flavour::Scale => self.sign_bit() - 2,
            Flavour::Finite | Flavour::UnsignedZero => self.sign_bit() - 1,
        }
    }

    /// The bits of what lies furthest on a side: infinity where there is one, else the last finite number.
    pub fn last(self, side: Outside) -> u64 {
        let above = self.infinity().unwrap_or_else(|| self.greatest());
        match side {
            Outside::Above => above,
            Outside::Below if self.flavour == Flavour::Scale => 0,
            Outside::Below => above | self.sign_bit(),
        }
    }

    /// The number that bits stand for; bits above the format's own are not looked at.
    pub fn decode(self, raw: u64) -> f64 {
        match (self.exponent, self.mantissa) {
            (11, 52) => return f64::from_bits(raw),
            (8, 23) => return f64::from(f32::from_bits(raw as u32)),
            (5, 10) => return f16::from_bits(raw as u16).to_f64(),
            (8, 7) => return f64::from(f32::from_bits((raw as u32) << 16)),
            _ => {}
        }
        let magnitude = raw & (self.sign_bit() - 1);
        let negative = self.flavour != Flavour::Scale && raw & self.sign_bit() != 0;
        let exponent = (magnitude >> self.mantissa) as i32;
        let last = (1 << self.exponent) - 1;
        let mantissa = magnitude & ((1 << self.mantissa) - 1);
        let is_nan = match self.flavour {
            Flavour::Ieee => exponent == last && mantissa != 0,
            Flavour::OneNan | Flavour::Scale => magnitude == self.sign_bit() - 1,
            Flavour::UnsignedZero => negative && magnitude == 0,
            Flavour::Finite => false,
        };
        let number = if is_nan {
            f64::NAN
        } else if self.flavour == Flavour::Ieee && exponent == last {
            f64::INFINITY
        } else if exponent == 0 && self.flavour != Flavour::Scale {
            mantissa as f64 * power_of_two(1 - self.bias - self.mantissa as i32)
        } else {
            (mantissa | 1 << self.mantissa) as f64 * power_of_two(exponent - self.bias - self.mantissa as i32)
        };
        if negative { -number } else { number }
    }

    /// The bits of a finite number, rounded.
    ///
    /// # Errors
    /// The side on which it lies outside, once rounded as if exponents had no end.
    pub fn encode(self, parts: Parts, rounding: Rounding) -> Result<u64, Outside> {
        let is_scale = self.flavour == Flavour::Scale;
        let sign = if parts.negative && self.flavour != Flavour::Scale {
            self.sign_bit()
        } else {
            0
        };
        let zero = if self.flavour == Flavour::UnsignedZero { 0 } else { sign };
        if parts.whole == 0 || is_scale && parts.negative {
            return if is_scale { Err(Outside::Below) } else { Ok(zero) };
        }
        let mantissa = self.mantissa as i32;
        let top = 127 - parts.whole.leading_zeros() as i32 + parts.power;
        let unit = if is_scale { top } else { top.max(1 - self.bias) } - mantissa;
        // With one digit both neighbours are odd; IEEE 754 then takes the larger one, which is the same as calling this one odd.
        let kept = parts.rounded(unit, rounding);
        if kept == 0 {
            return Ok(zero);
        }
        let (kept, unit) = if kept >> (mantissa + 1) == 0 {
            (kept as u64, unit)
        } else {
            ((kept >> 1) as u64, unit + 1)
        };
        let outside = if parts.negative { Outside::Below } else { Outside::Above };
        let magnitude = if kept >> mantissa == 0 {
            kept
        } else {
            let exponent = unit + mantissa + self.bias;
            if exponent < 0 {
                return Err(Outside::Below); // of powers of two alone: all others have numbers down to zero
            }
            if exponent >> self.exponent != 0 {
                return Err(outside);
            }
            (exponent as u64) << mantissa | kept & ((1 << mantissa) - 1)
        };
        if magnitude > self.greatest() {
            return Err(outside);
        }
        Ok(sign | magnitude)
    }
}

/// `2^power`, for powers that a double has in full.
fn power_of_two(power: i32) -> f64 {
    f64::from_bits(((power + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::super::{Form, NUMBERS};
    use super::*;

    fn formats() -> impl Iterator<Item = (&'static str, Format)> {
        NUMBERS.iter().filter_map(|number| match number.form {
            Form::Real(format) => Some((number.name, format)),
            Form::Whole { .. } => None,
        })
    }

    fn named(name: &str) -> Format {
        formats().find(|(own, _)| *own == name).unwrap().1
    }

    #[test]
    fn every_number_of_every_small_format_comes_back_however_it_is_rounded() {
        for (name, format) in formats().filter(|(_, format)| format.bits() <= 16) {
            for raw in 0..1_u64 << format.bits() {
                let number = format.decode(raw);
                if !number.is_finite() {
                    continue;
                }
                for rounding in [Rounding::NearestEven, Rounding::TowardsNegative, Rounding::NearestAway] {
                    assert_eq!(format.encode(Parts::of(number), rounding), Ok(raw), "{name} {raw:x}");
                }
            }
        }
    }

    #[test]
    fn neighbours_are_chosen_as_the_rounding_says() {
        use Rounding::{NearestAway, NearestEven, TowardsNegative, TowardsPositive, TowardsZero};
        let format = named("float8_e4m3");
        for (number, expected) in [
            (1.0625, [1.0, 1.0, 1.125, 1.0, 1.125]),
            (-1.0625, [-1.0, -1.0, -1.0, -1.125, -1.125]),
            (1.1, [1.125, 1.0, 1.125, 1.0, 1.125]),
            (1e-9, [0.0, 0.0, 0.001_953_125, 0.0, 0.0]),
        ] {
            for (rounding, expected) in [NearestEven, TowardsZero, TowardsPositive, TowardsNegative, NearestAway]
                .into_iter()
                .zip(expected)
            {
                let raw = format.encode(Parts::of(number), rounding).unwrap();
                assert_eq!(
                    format.decode(raw).to_bits(),
                    f64::to_bits(expected),
                    "{number} {rounding:?}"
                );
            }
        }
        assert_eq!(named("float8_e8m0fnu").encode(Parts::of(1.5), NearestEven), Ok(128));
        assert_eq!(named("float8_e8m0fnu").encode(Parts::of(3.0), NearestEven), Ok(129));
        assert_eq!(
            named("float8_e8m0fnu").encode(Parts::of(0.0), NearestEven),
            Err(Outside::Below)
        );
        assert_eq!(
            named("float8_e8m0fnu").encode(Parts::of(1e-300), NearestEven),
            Err(Outside::Below)
        );
        assert_eq!(named("float16").encode(Parts::of(65_519.9), NearestEven), Ok(0x7BFF));
        assert_eq!(
            named("float16").encode(Parts::of(-65_520.0), NearestEven),
            Err(Outside::Below)
        );
        assert_eq!(
            named("float32").encode(Parts::of_whole(i128::MIN), TowardsZero),
            Ok(0xFF00_0000)
        );
        assert_eq!(named("float64").encode(Parts::of(5e-324), NearestEven), Ok(1));
        assert_eq!(named("float8_e4m3fnuz").encode(Parts::of(-1e-300), NearestEven), Ok(0));
    }

    #[test]
    fn what_is_no_number_has_the_bits_that_were_registered() {
        for (name, nan, infinity) in [
            ("float8_e3m4", 0x78, true),
            ("float8_e4m3", 0x7C, true),
            ("float8_e4m3fn", 0x7F, false),
            ("float8_e4m3b11fnuz", 0x80, false),
            ("float8_e5m2", 0x7E, true),
            ("float8_e5m2fnuz", 0x80, false),
            ("float8_e8m0fnu", 0xFF, false),
            ("bfloat16", 0x7FC0, true),
            ("float16", 0x7E00, true),
        ] {
            let format = named(name);
            assert_eq!(format.nan(), Some(nan), "{name}");
            assert!(format.decode(nan).is_nan());
            assert_eq!(format.infinity().is_some(), infinity);
            if let Some(raw) = format.infinity() {
                assert!(format.decode(raw) > 1e4_f64.min(format.decode(format.greatest())));
            }
        }
        assert_eq!(named("float4_e2m1fn").nan(), None);
        assert_eq!(named("float8_e4m3fn").decode(0x7E).to_bits(), 448_f64.to_bits());
        assert_eq!(named("float6_e3m2fn").decode(0xDF).to_bits(), 28_f64.to_bits());
    }
}
