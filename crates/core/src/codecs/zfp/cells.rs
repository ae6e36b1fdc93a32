//! The number types of cells, and what zfp has for each of them.

use super::bits::{Reader, Writer};
use super::block::{Limits, read_ints, write_ints};
use super::floats::{Float, read_floats, write_floats};
use half::{bf16, f16};

/// One of the four number types that zfp has.
pub trait Scalar: Copy + Default {
    /// Its number in a header.
    const KIND: u64;
    /// The bits that a block has whatever its numbers are.
    const OVERHEAD_BITS: u32;

    fn write(writer: &mut Writer, block: &mut [Self], axes: u32, limits: Limits);
    fn read(reader: &mut Reader<'_>, block: &mut [Self], axes: u32, limits: Limits);
}

macro_rules! whole {
    ($($type:ty, $kind:literal;)*) => {$(
        impl Scalar for $type {
            const KIND: u64 = $kind;
            const OVERHEAD_BITS: u32 = 0;

            fn write(writer: &mut Writer, block: &mut [Self], axes: u32, limits: Limits) {
                write_ints(writer, block, axes, limits);
            }

            fn read(reader: &mut Reader<'_>, block: &mut [Self], axes: u32, limits: Limits) {
                read_ints(reader, block, axes, limits);
            }
        }
    )*};
}
whole! { i32, 0; i64, 1; }

macro_rules! float {
    ($($type:ty, $kind:literal;)*) => {$(
        impl Scalar for $type {
            const KIND: u64 = $kind;
            const OVERHEAD_BITS: u32 = 1 + <$type as Float>::EXPONENT_BITS;

            fn write(writer: &mut Writer, block: &mut [Self], axes: u32, limits: Limits) {
                write_floats(writer, block, axes, limits);
            }

            fn read(reader: &mut Reader<'_>, block: &mut [Self], axes: u32, limits: Limits) {
                read_floats(reader, block, axes, limits);
            }
        }
    )*};
}
float! { f32, 2; f64, 3; }

/// A number in the bytes of a cell.
pub trait Cell {
    type Scalar: Scalar;
    const BYTES: usize;

    /// The cell as zfp's number; otherwise what it is that zfp does not keep.
    fn load(raw: &[u8], reversible: bool) -> Result<Self::Scalar, &'static str>;
    /// The nearest cell to a number.
    fn store(number: Self::Scalar, raw: &mut [u8]);
}

const TOO_LARGE: &str = "a value above the largest of the signed type of its width, which is all that zfp has";
const NO_ROOM: &str =
    "a value that needs the two highest bits of its type, which zfp computes in unless its mode is 'reversible'";
const NOT_FINITE: &str = "NaN or infinity, which zfp keeps in mode 'reversible' alone";

macro_rules! cell {
    ($($type:ty => $scalar:ty, |$from:ident, $reversible:ident| $load:expr, |$to:ident| $store:expr;)*) => {$(
        impl Cell for $type {
            type Scalar = $scalar;
            const BYTES: usize = size_of::<$type>();

            #[inline]
            fn load(raw: &[u8], $reversible: bool) -> Result<$scalar, &'static str> {
                let mut own = [0; size_of::<$type>()];
                own.copy_from_slice(raw);
                let $from = <$type>::from_ne_bytes(own);
                $load
            }

            #[inline]
            fn store($to: $scalar, raw: &mut [u8]) {
                let cell: $type = $store;
                raw.copy_from_slice(&cell.to_ne_bytes());
            }
        }
    )*};
}

fn fits<T>(number: T, room: bool) -> Result<T, &'static str> {
    if room { Ok(number) } else { Err(NO_ROOM) }
}

const ROOM_32: i32 = 1 << 30;
const ROOM_64: i64 = 1 << 62;

cell! {
    i8 => i32, |cell, _reversible| Ok(i32::from(cell) << 23), |number| (number >> 23).clamp(-0x80, 0x7f) as i8;
    u8 => i32, |cell, _reversible| Ok((i32::from(cell) - 0x80) << 23), |number| ((number >> 23) + 0x80).clamp(0, 0xff) as u8;
    i16 => i32, |cell, _reversible| Ok(i32::from(cell) << 15), |number| (number >> 15).clamp(-0x8000, 0x7fff) as i16;
    u16 => i32, |cell, _reversible| Ok((i32::from(cell) - 0x8000) << 15),
        |number| ((number >> 15) + 0x8000).clamp(0, 0xffff) as u16;
    i32 => i32, |cell, reversible| fits(cell, reversible || (-ROOM_32..ROOM_32).contains(&cell)), |number| number;
    u32 => i32, |cell, reversible| {
        let cell = i32::try_from(cell).map_err(|_| TOO_LARGE)?;
        fits(cell, reversible || cell < ROOM_32)
    }, |number| number.max(0) as u32;
    i64 => i64, |cell, reversible| fits(cell, reversible || (-ROOM_64..ROOM_64).contains(&cell)), |number| number;
    u64 => i64, |cell, reversible| {
        let cell = i64::try_from(cell).map_err(|_| TOO_LARGE)?;
        fits(cell, reversible || cell < ROOM_64)
    }, |number| number.max(0) as u64;
    f16 => f32, |cell, reversible| if reversible || cell.is_finite() { Ok(cell.to_f32()) } else { Err(NOT_FINITE) },
        |number| f16::from_f32(number);
    bf16 => f32, |cell, reversible| if reversible || cell.is_finite() { Ok(cell.to_f32()) } else { Err(NOT_FINITE) },
        |number| bf16::from_f32(number);
    f32 => f32, |cell, reversible| if reversible || cell.is_finite() { Ok(cell) } else { Err(NOT_FINITE) }, |number| number;
    f64 => f64, |cell, reversible| if reversible || cell.is_finite() { Ok(cell) } else { Err(NOT_FINITE) }, |number| number;
}
