//! The number types of cells, with the arithmetic and the conversions that NumPy gives them.

use half::f16;

/// A number in the bytes of a cell.
pub trait Cell: Copy {
    const BYTES: usize;
    /// Whether its conversion to a whole number cuts off a fraction.
    const BROKEN: bool;

    fn get(raw: &[u8]) -> Self;
    fn put(self, raw: &mut [u8]);
    /// Sum, wrapping round where the type does.
    fn plus(self, other: Self) -> Self;
    /// Difference, wrapping round where the type does.
    fn minus(self, other: Self) -> Self;

    /// The value as a whole number: its low 64 bits, or cut towards zero.
    fn whole(self) -> i64;
    fn single(self) -> f32;
    fn double(self) -> f64;
    fn imaginary(self) -> f64 {
        0.0
    }
    fn truth(self) -> bool;
    /// The value converted, as a C cast would.
    fn cast<S: Cell>(source: S) -> Self;
}

/// A real number, with the operations of the filters that scale.
pub trait Real: Cell {
    fn of(number: f64) -> Self;
    fn times(self, other: Self) -> Self;
    fn over(self, other: Self) -> Self;
    /// To the nearest whole number, ties to even.
    fn round(self) -> Self;
}

/// Cut towards zero; what no `i64` can hold becomes its least value, as on x86.
fn cut(number: f64) -> i64 {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    if (-EDGE..EDGE).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}

/// As [`cut`] within 32 bits, the way that narrower types are reached.
fn cut_narrow(number: f64) -> i32 {
    const EDGE: f64 = 2_147_483_648.0;
    if number > -EDGE - 1.0 && number < EDGE {
        number as i32
    } else {
        i32::MIN
    }
}

/// As [`cut`]; from the number that no `i64` can hold on, counted from there.
fn cut_u64(number: f64) -> u64 {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    if number >= EDGE {
        cut(number - EDGE) as u64 ^ 1 << 63
    } else {
        cut(number) as u64
    }
}

/// As [`cut_narrow`]; from the number that no `i32` can hold on, counted from there.
fn cut_u32(number: f64) -> u32 {
    const EDGE: f64 = 2_147_483_648.0;
    if number < EDGE {
        cut_narrow(number) as u32
    } else {
        cut_narrow(number - EDGE) as u32 ^ 1 << 31
    }
}

/// To half precision, rounded once: by way of a single that keeps in its last bit that something was cut off.
pub fn half(number: f64) -> f16 {
    let near = number as f32;
    if f64::from(near).to_bits() == number.to_bits() || number.is_nan() {
        return f16::from_f32(near);
    }
    let below = near.to_bits() - u32::from(f64::from(near).abs() > number.abs());
    f16::from_f32(f32::from_bits(below | 1))
}

macro_rules! bytes {
    ($type:ty) => {
        const BYTES: usize = size_of::<$type>();

        fn get(raw: &[u8]) -> Self {
            let mut own = [0; size_of::<$type>()];
            own.copy_from_slice(raw);
            Self::from_ne_bytes(own)
        }

        fn put(self, raw: &mut [u8]) {
            raw.copy_from_slice(&self.to_ne_bytes());
        }
    };
}

macro_rules! whole {
    ($($type:ty, $cut:expr;)*) => {$(
        impl Cell for $type {
            bytes!($type);
            const BROKEN: bool = false;

            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[allow(clippy::cast_lossless)]
            fn whole(self) -> i64 {
                self as i64
            }

            #[allow(clippy::cast_lossless)]
            fn single(self) -> f32 {
                self as f32
            }

            #[allow(clippy::cast_lossless)]
            fn double(self) -> f64 {
                self as f64
            }

            fn truth(self) -> bool {
                self != 0
            }

            fn cast<S: Cell>(source: S) -> Self {
                if S::BROKEN { $cut(source.double()) } else { source.whole() as $type }
            }
        }
    )*};
}

whole! {
    i8, |x| cut_narrow(x) as i8;
    i16, |x| cut_narrow(x) as i16;
    i32, cut_narrow;
    i64, cut;
    u8, |x| cut_narrow(x) as u8;
    u16, |x| cut_narrow(x) as u16;
    u32, cut_u32;
    u64, cut_u64;
}

macro_rules! real {
    ($($type:ty, $from:expr, $of:expr, $round:expr;)*) => {$(
        impl Cell for $type {
            bytes!($type);
            const BROKEN: bool = true;

            fn plus(self, other: Self) -> Self {
                self + other
            }

            fn minus(self, other: Self) -> Self {
                self - other
            }

            fn whole(self) -> i64 {
                cut(self.double())
            }

            fn single(self) -> f32 {
                self.double() as f32
            }

            fn double(self) -> f64 {
                f64::from(self)
            }

            fn truth(self) -> bool {
                self.double() != 0.0
            }

            fn cast<S: Cell>(source: S) -> Self {
                $from(source)
            }
        }

        impl Real for $type {
            fn of(number: f64) -> Self {
                $of(number)
            }

            fn times(self, other: Self) -> Self {
                self * other
            }

            fn over(self, other: Self) -> Self {
                self / other
            }

            fn round(self) -> Self {
                $round(self)
            }
        }
    )*};
}

real! {
    f64, |source: S| source.double(), |x| x, f64::round_ties_even;
    f32, |source: S| source.single(), |x| x as f32, f32::round_ties_even;
    f16, |source: S| if S::BROKEN { half(source.double()) } else { f16::from_f32(source.single()) }, half,
        |x: f16| f16::from_f32(x.to_f32().round_ties_even());
}

impl Cell for bool {
    const BYTES: usize = 1;
    const BROKEN: bool = false;

    fn get(raw: &[u8]) -> Self {
        raw[0] != 0
    }

    fn put(self, raw: &mut [u8]) {
        raw[0] = u8::from(self);
    }

    /// The inverse of `minus`, so that what was taken apart comes together again.
    fn plus(self, other: Self) -> Self {
        self ^ other
    }

    fn minus(self, other: Self) -> Self {
        self ^ other
    }

    fn whole(self) -> i64 {
        i64::from(self)
    }

    fn single(self) -> f32 {
        f32::from(self)
    }

    fn double(self) -> f64 {
        f64::from(self)
    }

    fn truth(self) -> bool {
        self
    }

    fn cast<S: Cell>(source: S) -> Self {
        source.truth()
    }
}

/// A complex number: its real and its imaginary part.
#[derive(Clone, Copy)]
pub struct Complex<R>(R, R);

impl<R: Real> Cell for Complex<R> {
    const BYTES: usize = 2 * R::BYTES;
    const BROKEN: bool = true;

    fn get(raw: &[u8]) -> Self {
        Self(R::get(&raw[..R::BYTES]), R::get(&raw[R::BYTES..]))
    }

    fn put(self, raw: &mut [u8]) {
        self.0.put(&mut raw[..R::BYTES]);
        self.1.put(&mut raw[R::BYTES..]);
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0.plus(other.0), self.1.plus(other.1))
    }

    fn minus(self, other: Self) -> Self {
        Self(self.0.minus(other.0), self.1.minus(other.1))
    }

    fn whole(self) -> i64 {
        self.0.whole()
    }

    fn single(self) -> f32 {
        self.0.single()
    }

    fn double(self) -> f64 {
        self.0.double()
    }

    fn imaginary(self) -> f64 {
        self.1.double()
    }

    fn truth(self) -> bool {
        self.0.truth() || self.1.truth()
    }

    fn cast<S: Cell>(source: S) -> Self {
        Self(<R as Cell>::cast(source), R::of(source.imaginary()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_once() {
        // One and a half steps of a half at 1.0, and a little more or less: a single cannot tell the three apart.
        let tie = 1.0 + 1.5 / 1024.0;
        for (number, steps) in [(tie - 1e-12, 1), (tie, 2), (tie + 1e-12, 2)] {
            assert_eq!(half(number).to_bits() - half(1.0).to_bits(), steps);
            assert_eq!(half(-number).to_bits() - half(-1.0).to_bits(), steps);
        }
        assert_eq!(half(65_519.999_999), f16::MAX);
        assert_eq!(half(65_520.0), f16::INFINITY);
        assert_eq!(half(1e300), f16::INFINITY);
        assert_eq!(half(2_f64.powi(-25) * 1.000_000_001).to_bits(), 1);
        assert_eq!(half(2_f64.powi(-25)).to_bits(), 0);
        assert!(half(f64::NAN).is_nan());
    }

    #[test]
    fn fractions_are_cut_and_what_fits_nowhere_becomes_the_least() {
        assert_eq!(<i32 as Cell>::cast(-2.9_f64), -2);
        assert_eq!(<i32 as Cell>::cast(3e9_f64), i32::MIN);
        assert_eq!(<i32 as Cell>::cast(-2_147_483_648.5_f64), i32::MIN);
        assert_eq!(<u8 as Cell>::cast(300.7_f32), 44);
        assert_eq!(<u8 as Cell>::cast(-1.0_f32), 255);
        assert_eq!(<i64 as Cell>::cast(f64::NAN), i64::MIN);
        assert_eq!(<u64 as Cell>::cast(1e19_f64), 10_000_000_000_000_000_000);
        assert_eq!(<i16 as Cell>::cast(65_535_u32), -1);
        assert_eq!(<f32 as Cell>::cast(u64::MAX).to_bits(), 2_f32.powi(64).to_bits());
        assert!(<bool as Cell>::cast(Complex(0.0_f32, 0.5)));
    }
}
