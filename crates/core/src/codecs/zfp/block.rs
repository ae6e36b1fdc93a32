//! One block of 4 integers along each of 1 to 4 axes: its coefficients, and the bits they become.

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
    pub fn after(self, bits: u32) -> Self {
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
pub fn pad(writer: &mut Writer, bits: u32, limits: Limits) -> u32 {
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
