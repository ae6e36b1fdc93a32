//! A block of floats: integers that share an exponent, or the bits of the floats themselves.

use super::bits::{Reader, Writer};
use super::block::{Int, LARGEST, Limits, pad, read_ints, write_ints};

/// A float of 32 or 64 bits.
pub trait Float: Copy + Default + PartialOrd {
    type Int: Int;
    /// Bits of the exponent.
    const EXPONENT_BITS: u32;
    const BIAS: i32;

    fn size(self) -> Self;
    /// The exponent `e` of a number in `2**(e-1)..2**e`, that of the least normal number where it is less, minus the bias for 0.
    fn exponent(self) -> i32;
    fn scaled(self, power: i32) -> Self;
    fn of(int: Self::Int) -> Self;
    fn to_int(self) -> Self::Int;
    fn times(self, other: Self) -> Self;
    /// The bits, as an integer that orders as the numbers do.
    fn ordered(self) -> Self::Int;
    fn from_ordered(int: Self::Int) -> Self;
    fn is_same(self, other: Self) -> bool;
    fn one() -> Self;
}

macro_rules! float {
    ($($type:ty, $int:ty, $bits:ty, $exponent_bits:literal, $fraction_bits:literal, $bias:literal;)*) => {$(
        impl Float for $type {
            type Int = $int;
            const EXPONENT_BITS: u32 = $exponent_bits;
            const BIAS: i32 = $bias;

            fn size(self) -> Self {
                self.abs()
            }

            fn exponent(self) -> i32 {
                if self > 0.0 {
                    let exponent = (self.to_bits() >> $fraction_bits) as i32 & ((1 << $exponent_bits) - 1);
                    (exponent - $bias + 1).max(1 - $bias)
                } else {
                    -$bias
                }
            }

            fn scaled(self, power: i32) -> Self {
                // In steps, so that a power beyond the float's own range overflows or vanishes only at the end.
                let (mut number, mut rest) = (self, power);
                while rest != 0 {
                    let step = rest.clamp(1 - $bias, $bias);
                    number *= Self::from_bits(((step + $bias) as $bits) << $fraction_bits);
                    rest -= step;
                }
                number
            }

            fn of(int: Self::Int) -> Self {
                int as $type
            }

            fn to_int(self) -> Self::Int {
                self as $int
            }

            fn times(self, other: Self) -> Self {
                self * other
            }

            fn ordered(self) -> Self::Int {
                let bits = self.to_bits() as $int;
                if bits < 0 { bits ^ <$int>::MAX } else { bits }
            }

            fn from_ordered(int: Self::Int) -> Self {
                Self::from_bits((if int < 0 { int ^ <$int>::MAX } else { int }) as $bits)
            }

            fn is_same(self, other: Self) -> bool {
                self.to_bits() == other.to_bits()
            }

            fn one() -> Self {
                1.0
            }
        }
    )*};
}
float! {
    f32, i32, u32, 8, 23, 127;
    f64, i64, u64, 11, 52, 1023;
}

/// The bit planes that floats of a block need.
fn planes_of(exponent: i32, axes: u32, limits: Limits) -> u32 {
    let above = exponent
        .saturating_sub(limits.min_exponent)
        .saturating_add(2 * axes as i32 + 2);
    limits.max_planes.min(above.max(0) as u32)
}

/// Floats as integers that share one exponent.
fn to_ints<F: Float>(floats: &[F], ints: &mut [F::Int], exponent: i32) {
    let scale = F::one().scaled(F::Int::BITS as i32 - 2 - exponent);
    for (int, float) in ints.iter_mut().zip(floats) {
        *int = scale.times(*float).to_int();
    }
}

fn to_floats<F: Float>(ints: &[F::Int], floats: &mut [F], exponent: i32) {
    let scale = F::one().scaled(exponent - (F::Int::BITS as i32 - 2));
    for (float, int) in floats.iter_mut().zip(ints) {
        *float = scale.times(F::of(*int));
    }
}

fn block_exponent<F: Float>(block: &[F]) -> i32 {
    let largest = block.iter().fold(F::default(), |largest, number| {
        if largest < number.size() {
            number.size()
        } else {
            largest
        }
    });
    largest.exponent()
}

/// Writes a block of floats.
pub fn write_floats<F: Float>(writer: &mut Writer, block: &[F], axes: u32, limits: Limits) {
    let mut ints = [F::Int::default(); LARGEST];
    let ints = &mut ints[..block.len()];
    let exponent = block_exponent(block);
    let mut bits = 1;
    if limits.is_reversible() {
        if exponent != -F::BIAS {
            to_ints(block, ints, exponent);
        }
        let mut again = [F::default(); LARGEST];
        if exponent != -F::BIAS {
            to_floats(ints, &mut again[..block.len()], exponent);
        }
        if block.iter().zip(again).all(|(one, other)| one.is_same(other)) {
            if exponent == -F::BIAS {
                writer.bit(false);
                pad(writer, bits, limits);
                return;
            }
            writer.bits(1, 2);
            writer.bits((exponent + F::BIAS) as u64, F::EXPONENT_BITS);
            bits = 2 + F::EXPONENT_BITS;
        } else {
            for (int, float) in ints.iter_mut().zip(block) {
                *int = float.ordered();
            }
            writer.bits(3, 2);
            bits = 2;
        }
        write_ints(writer, ints, axes, limits.after(bits));
        return;
    }
    let planes = planes_of(exponent, axes, limits);
    let stored = if planes == 0 { 0 } else { (exponent + F::BIAS) as u64 };
    if stored == 0 {
        writer.bit(false);
        pad(writer, bits, limits);
        return;
    }
    writer.bits(2 * stored + 1, 1 + F::EXPONENT_BITS);
    bits += F::EXPONENT_BITS;
    to_ints(block, ints, exponent);
    let limits = Limits {
        max_planes: planes,
        ..limits.after(bits)
    };
    write_ints(writer, ints, axes, limits);
}

/// Reads a block of floats.
pub fn read_floats<F: Float>(reader: &mut Reader<'_>, block: &mut [F], axes: u32, limits: Limits) {
    let mut ints = [F::Int::default(); LARGEST];
    let ints = &mut ints[..block.len()];
    if !reader.bit() {
        block.fill(F::default());
        reader.skip(limits.min_bits.saturating_sub(1));
        return;
    }
    let reversible = limits.is_reversible();
    if reversible && reader.bit() {
        read_ints(reader, ints, axes, limits.after(2));
        for (float, int) in block.iter_mut().zip(ints) {
            *float = F::from_ordered(*int);
        }
        return;
    }
    let exponent = reader.bits(F::EXPONENT_BITS) as i32 - F::BIAS;
    let bits = F::EXPONENT_BITS + if reversible { 2 } else { 1 };
    let planes = if reversible {
        limits.max_planes
    } else {
        planes_of(exponent, axes, limits)
    };
    let limits = Limits {
        max_planes: planes,
        ..limits.after(bits)
    };
    read_ints(reader, ints, axes, limits);
    if reversible && exponent == -F::BIAS {
        block.fill(F::default());
    } else {
        to_floats(ints, block, exponent);
    }
}
