//! One block of 4 numbers along each of 1 to 4 axes: its coefficients, and the bits they become.

use super::bits::{Reader, Writer};
use super::order::{ORDER_1, ORDER_2, ORDER_3, ORDER_4};
use std::ops::{BitOr, BitXor};

/// Numbers of the largest block.
pub const LARGEST: usize = 256;

/// What bounds the bits of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bits a block has at least.
    pub min_bits: u32,
    /// Bits a block has at most.
    pub max_bits: u32,
    /// Bit planes a block has at most.
    pub max_planes: u32,
    /// The power of two below which floats are not kept; less than any float has means that nothing is lost.
    pub min_exponent: i32,
}

/// The least power of two in a float.
pub const LEAST_EXPONENT: i32 = -1074;

impl Limits {
    /// Whether every bit comes back.
    pub fn is_reversible(&self) -> bool {
        self.min_exponent < LEAST_EXPONENT
    }

    /// Without the bits that were used already. More bits than there may be leave no limit: older writers did so where a rate was
    /// too low for an exponent, and their blocks are read like that.
    fn after(self, bits: u32) -> Self {
        Self {
            min_bits: self.min_bits.saturating_sub(bits),
            max_bits: self.max_bits.wrapping_sub(bits),
            ..self
        }
    }
}

/// A signed integer of 32 or 64 bits, in whose width the transforms wrap round.
pub trait Int: Copy + Default + BitOr<Output = Self> + BitXor<Output = Self> + PartialEq {
    /// Bits of the number.
    const BITS: u32;
    /// Bits that say how many bit planes a reversible block has.
    const PLANES_BITS: u32;

    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn half(self) -> Self;
    fn double(self) -> Self;
    /// In base minus two, as an unsigned number.
    fn to_negabinary(self) -> u64;
    fn from_negabinary(digits: u64) -> Self;
}

macro_rules! int {
    ($($type:ty, $unsigned:ty, $planes_bits:literal, $mask:literal;)*) => {$(
        impl Int for $type {
            const BITS: u32 = <$type>::BITS;
            const PLANES_BITS: u32 = $planes_bits;

            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            fn half(self) -> Self {
                self >> 1
            }

            fn double(self) -> Self {
                self << 1
            }

            #[allow(clippy::cast_lossless)]
            fn to_negabinary(self) -> u64 {
                ((self as $unsigned).wrapping_add($mask) ^ $mask) as u64
            }

            fn from_negabinary(digits: u64) -> Self {
                (digits as $unsigned ^ $mask).wrapping_sub($mask) as $type
            }
        }
    )*};
}
int! {
    i32, u32, 5, 0xaaaa_aaaa;
    i64, u64, 6, 0xaaaa_aaaa_aaaa_aaaa;
}

/// Numbers of a block with so many axes.
pub fn block_cells(axes: u32) -> usize {
    1 << (2 * axes)
}

fn order(axes: u32) -> &'static [u8] {
    match axes {
        1 => &ORDER_1,
        2 => &ORDER_2,
        3 => &ORDER_3,
        _ => &ORDER_4,
    }
}

/// Runs a step of four numbers over every line of a block along one axis.
pub fn along<I: Copy>(block: &mut [I], axis: u32, step: impl Fn([I; 4]) -> [I; 4]) {
    let stride = 1_usize << (2 * axis);
    for outer in block.chunks_exact_mut(4 * stride) {
        for at in 0..stride {
            let line = [0, 1, 2, 3].map(|place| outer[at + place * stride]);
            for (place, number) in step(line).into_iter().enumerate() {
                outer[at + place * stride] = number;
            }
        }
    }
}

/// The decorrelating transform, whose last bits are rounded away.
fn lift<I: Int>([x, y, z, w]: [I; 4]) -> [I; 4] {
    let x = x.plus(w).half();
    let w = w.minus(x);
    let z = z.plus(y).half();
    let y = y.minus(z);
    let x = x.plus(z).half();
    let z = z.minus(x);
    let w = w.plus(y).half();
    let y = y.minus(w);
    let w = w.plus(y.half());
    let y = y.minus(w.half());
    [x, y, z, w]
}

fn unlift<I: Int>([x, y, z, w]: [I; 4]) -> [I; 4] {
    let y = y.plus(w.half());
    let w = w.minus(y.half());
    let y = y.plus(w);
    let w = w.double().minus(y);
    let z = z.plus(x);
    let x = x.double().minus(z);
    let y = y.plus(z);
    let z = z.double().minus(y);
    let w = w.plus(x);
    let x = x.double().minus(w);
    [x, y, z, w]
}

/// Differences of differences, which lose nothing.
fn differ<I: Int>([x, y, z, w]: [I; 4]) -> [I; 4] {
    let (w, z, y) = (w.minus(z), z.minus(y), y.minus(x));
    let (w, z) = (w.minus(z), z.minus(y));
    [x, y, z, w.minus(z)]
}

fn sum<I: Int>([x, y, z, w]: [I; 4]) -> [I; 4] {
    let w = w.plus(z);
    let z = z.plus(y);
    let w = w.plus(z);
    let y = y.plus(x);
    let z = z.plus(y);
    [x, y, z, w.plus(z)]
}

/// Writes bit planes from the highest down, within the limits.
fn write_planes(writer: &mut Writer, coefficients: &[u64], width: u32, planes: u32, max_bits: u32) -> u32 {
    let last = coefficients.len() - 1;
    let mut bits = max_bits;
    // Coefficients that had a one in a higher plane: so many are written as they are, the rest by where their ones lie.
    let mut known = 0;
    for plane in (width.saturating_sub(planes)..width).rev() {
        if bits == 0 {
            break;
        }
        let is_one = |at: usize| coefficients[at] >> plane & 1 != 0;
        let plain = known.min(bits as usize);
        for at in 0..plain {
            writer.bit(is_one(at));
        }
        bits -= plain as u32;
        let mut ones = (plain..=last).filter(|&at| is_one(at)).count();
        while bits > 0 && known <= last {
            bits -= 1;
            if !writer.bit(ones > 0) {
                break;
            }
            ones -= 1;
            while bits > 0 && known < last {
                bits -= 1;
                if writer.bit(is_one(known)) {
                    break;
                }
                known += 1;
            }
            known += 1;
        }
    }
    max_bits - bits
}

/// Reads what [`write_planes`] writes.
fn read_planes(reader: &mut Reader<'_>, coefficients: &mut [u64], width: u32, planes: u32, max_bits: u32) -> u32 {
    let last = coefficients.len() - 1;
    coefficients.fill(0);
    let mut bits = max_bits;
    let mut known = 0;
    for plane in (width.saturating_sub(planes)..width).rev() {
        if bits == 0 {
            break;
        }
        let one = 1_u64 << plane;
        let plain = known.min(bits as usize);
        for group in (0..plain).step_by(64) {
            let count = (plain - group).min(64);
            let mut ones = reader.bits(count as u32);
            while ones != 0 {
                coefficients[group + ones.trailing_zeros() as usize] |= one;
                ones &= ones - 1;
            }
        }
        bits -= plain as u32;
        while bits > 0 && known <= last {
            bits -= 1;
            if !reader.bit() {
                break;
            }
            while bits > 0 && known < last {
                bits -= 1;
                if reader.bit() {
                    break;
                }
                known += 1;
            }
            coefficients[known] |= one;
            known += 1;
        }
    }
    max_bits - bits
}

/// Writes a block of integers, which become its coefficients on the way.
pub fn write_ints<I: Int>(writer: &mut Writer, block: &mut [I], axes: u32, limits: Limits) -> u32 {
    let mut coefficients = [0; LARGEST];
    let coefficients = &mut coefficients[..block.len()];
    let reversible = limits.is_reversible();
    for axis in 0..axes {
        if reversible {
            along(block, axis, differ);
        } else {
            along(block, axis, lift);
        }
    }
    for (to, from) in coefficients.iter_mut().zip(order(axes)) {
        *to = block[usize::from(*from)].to_negabinary();
    }
    let mut bits = 0;
    let mut planes = limits.max_planes;
    if reversible {
        let all = coefficients.iter().fold(0, |all, one| all | one);
        let needed = if all == 0 { 0 } else { I::BITS - all.trailing_zeros() };
        planes = needed.min(planes).max(1);
        writer.bits(u64::from(planes - 1), I::PLANES_BITS);
        bits = I::PLANES_BITS;
    }
    bits += write_planes(writer, coefficients, I::BITS, planes, limits.after(bits).max_bits);
    pad(writer, bits, limits)
}

/// Fills a block's bits up to the least it must have.
fn pad(writer: &mut Writer, bits: u32, limits: Limits) -> u32 {
    if bits < limits.min_bits {
        writer.pad(limits.min_bits - bits);
    }
    bits.max(limits.min_bits)
}

/// Reads a block of integers.
pub fn read_ints<I: Int>(reader: &mut Reader<'_>, block: &mut [I], axes: u32, limits: Limits) {
    let mut coefficients = [0; LARGEST];
    let coefficients = &mut coefficients[..block.len()];
    let reversible = limits.is_reversible();
    let mut bits = 0;
    let mut planes = limits.max_planes;
    if reversible {
        planes = reader.bits(I::PLANES_BITS) as u32 + 1;
        bits = I::PLANES_BITS;
    }
    bits += read_planes(reader, coefficients, I::BITS, planes, limits.after(bits).max_bits);
    reader.skip(limits.min_bits.saturating_sub(bits));
    for (from, to) in coefficients.iter().zip(order(axes)) {
        block[usize::from(*to)] = I::from_negabinary(*from);
    }
    for axis in (0..axes).rev() {
        if reversible {
            along(block, axis, sum);
        } else {
            along(block, axis, unlift);
        }
    }
}

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
