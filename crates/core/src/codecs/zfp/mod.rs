//! `zfp` and `zfpy`: numbers in blocks of 4 along each of 1 to 4 axes, transformed and cut off bit plane by bit plane.
//!
//! Written here, in safe Rust, because the library's bindings need tools that not every machine has. `zfp` stores the blocks alone;
//! `zfpy` has a header before them, which says the type, the shape and the limits once more and is believed.
//!
//! Source: "zfp" of zarr-extensions; the format is that of zfp 1.0, codec version 5.

mod bits;
mod block;
mod cells;
mod floats;
mod header;
mod order;

use super::growing::over_limit;
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use bits::{Reader, Writer};
use block::{LARGEST, Limits, along, block_cells};
use cells::{Cell, Scalar};
use half::{bf16, f16};
use header::Header;
use serde_json::Value;

const MODES: [&str; 5] = [
    "reversible",
    "expert",
    "fixed_accuracy",
    "fixed_rate",
    "fixed_precision",
];
const TYPES: [&str; 12] = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "bf2", "f4", "f8"];
/// Axes of a block.
const MOST_AXES: usize = 4;
/// Bits of a block, at most: four times what the largest block of the widest numbers can need.
const MOST_BITS: i64 = 1 << 16;
/// What may follow the last bit that was read: writers fill up to a whole word.
const WORD: usize = 8;

/// `$body` compiled for the number type that a name means.
macro_rules! with_cell {
    ($kind:expr, $cell:ident => $body:expr) => {
        with_cell!(@arms $kind, $cell, $body, "i1" i8, "u1" u8, "i2" i16, "u2" u16, "i4" i32, "u4" u32, "i8" i64, "u8" u64,
            "f2" f16, "bf2" bf16, "f4" f32; f64)
    };
    (@arms $kind:expr, $cell:ident, $body:expr, $($name:literal $type:ty),*; $last:ty) => {
        match $kind {
            $($name => { type $cell = $type; $body })*
            _ => { type $cell = $last; $body }
        }
    };
}

/// The codec.
pub struct Zfp {
    name: &'static str,
    kind: &'static str,
    /// Cells along each axis, 1 to 4 of them.
    shape: Vec<usize>,
    limits: Limits,
}

impl Zfp {
    /// Blocks alone, from `{"dtype": t, "mode": m}` and what the mode needs: `minbits`, `maxbits`, `maxprec` and `minexp` of mode
    /// "expert", `tolerance`, `rate`, or `precision`.
    ///
    /// # Errors
    /// [`Error::Document`] for parameters of another kind, and for chunks of more than 4 axes.
    pub fn bare(entry: &Value, shape: &[usize]) -> Result<Self> {
        Self::build("zfp", entry, shape)
    }

    /// Blocks behind a header, from the same.
    ///
    /// # Errors
    /// As [`Zfp::bare`].
    pub fn with_header(entry: &Value, shape: &[usize]) -> Result<Self> {
        Self::build("zfpy", entry, shape)
    }

    fn build(name: &'static str, entry: &Value, shape: &[usize]) -> Result<Self> {
        let kind = TYPES[parameters::choice(entry, "dtype", &TYPES)?];
        if shape.len() > MOST_AXES {
            return Err(Error::Document(format!(
                "codec {name:?} has blocks of 1 to {MOST_AXES} axes, and chunks here have {}",
                shape.len()
            )));
        }
        let shape = if shape.is_empty() { vec![1] } else { shape.to_vec() };
        let limits = match MODES[parameters::choice(entry, "mode", &MODES)?] {
            "expert" => Limits {
                min_bits: parameters::integer(entry, "minbits", 0, MOST_BITS)? as u32,
                max_bits: parameters::integer(entry, "maxbits", 1, i64::from(u32::MAX))?.min(MOST_BITS) as u32,
                max_planes: parameters::integer(entry, "maxprec", 1, 64)? as u32,
                min_exponent: parameters::integer(entry, "minexp", -(1 << 20), 1 << 20)? as i32,
            },
            "fixed_accuracy" => header::accuracy(parameters::number(entry, "tolerance")?),
            "fixed_rate" => {
                let rate = parameters::number(entry, "rate")?;
                let bits = (block_cells(shape.len() as u32) as f64 * rate + 0.5).floor();
                if !(1.0..=MOST_BITS as f64).contains(&bits) {
                    return Err(Error::Document(format!(
                        "codec {name:?}: a rate of {rate} bits is not possible in blocks of {} axes",
                        shape.len()
                    )));
                }
                let least = with_cell!(kind, C => <<C as Cell>::Scalar as Scalar>::OVERHEAD_BITS);
                header::rate((bits as u32).max(least))
            }
            "fixed_precision" => header::precision(parameters::integer(entry, "precision", 0, 64)? as u32),
            _ => header::REVERSIBLE,
        };
        if limits.min_bits > limits.max_bits {
            return Err(Error::Document(format!(
                "codec {name:?}: \"minbits\" is above \"maxbits\""
            )));
        }
        Ok(Self {
            name,
            kind,
            shape,
            limits,
        })
    }

    fn has_header(&self) -> bool {
        self.name == "zfpy"
    }

    fn refuse(&self, why: impl Into<String>) -> Error {
        Error::decode(self.name, why)
    }

    fn plain_bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * with_cell!(self.kind, C => <C as Cell>::BYTES)
    }

    fn decode_cells<C: Cell>(&self, stored: &[u8], plain: &mut [u8]) -> Result<()> {
        let mut reader = Reader::new(stored);
        let (mut shape, mut limits) = (self.shape.clone(), self.limits);
        if self.has_header() {
            let found = Header::read(&mut reader).map_err(|why| self.refuse(why))?;
            if found.kind != C::Scalar::KIND {
                return Err(self.refuse("the stored numbers are of another type than the chunk's"));
            }
            let cells = found
                .shape
                .iter()
                .try_fold(1_u64, |cells, extent| cells.checked_mul(*extent));
            if cells != Some((plain.len() / C::BYTES) as u64) {
                return Err(self.refuse(format!(
                    "numbers of shape {:?} are stored, and the chunk has {:?}",
                    found.shape, self.shape
                )));
            }
            shape = found.shape.iter().map(|extent| *extent as usize).collect();
            limits = found.limits;
        }
        let axes = shape.len() as u32;
        let mut block = [C::Scalar::default(); LARGEST];
        let block = &mut block[..block_cells(axes)];
        for_blocks(&shape, |place| {
            C::Scalar::read(&mut reader, block, axes, limits);
            if reader.is_overrun() {
                return Err(self.refuse("the blocks are cut short"));
            }
            place.rows(|at, from, count| {
                let row = &mut plain[at * C::BYTES..(at + count) * C::BYTES];
                for (raw, number) in row.chunks_exact_mut(C::BYTES).zip(&block[from..]) {
                    C::store(*number, raw);
                }
                Ok(())
            })
        })?;
        let used = reader.told().div_ceil(8) as usize;
        if stored.len() > used + WORD {
            return Err(self.refuse(format!("{} bytes follow the last block", stored.len() - used)));
        }
        Ok(())
    }

    fn encode_cells<C: Cell>(&self, plain: &[u8]) -> Result<Vec<u8>> {
        let refuse = |why: &str| Error::encode(self.name, why);
        let mut writer = Writer::default();
        if self.has_header() {
            let header = Header {
                kind: C::Scalar::KIND,
                shape: self.shape.iter().map(|extent| *extent as u64).collect(),
                limits: self.limits,
            };
            header
                .write(&mut writer)
                .ok_or_else(|| refuse("an axis of the chunk is too long for the header"))?;
        }
        let axes = self.shape.len() as u32;
        let reversible = self.limits.is_reversible();
        let mut block = [C::Scalar::default(); LARGEST];
        let block = &mut block[..block_cells(axes)];
        for_blocks(&self.shape, |place| {
            place.rows(|at, to, count| {
                let row = &plain[at * C::BYTES..(at + count) * C::BYTES];
                for (raw, number) in row.chunks_exact(C::BYTES).zip(&mut block[to..]) {
                    *number = C::load(raw, reversible).map_err(|what| refuse(&format!("the chunk has {what}")))?;
                }
                Ok(())
            })?;
            for axis in 0..axes {
                match place.extents[MOST_AXES - 1 - axis as usize] {
                    1 => along(block, axis, |[x, ..]| [x; 4]),
                    2 => along(block, axis, |[x, y, ..]| [x, y, y, x]),
                    3 => along(block, axis, |[x, y, z, _]| [x, y, z, x]),
                    _ => {}
                }
            }
            C::Scalar::write(&mut writer, block, axes, self.limits);
            Ok(())
        })?;
        Ok(writer.finish())
    }
}

/// Where a block lies in a chunk, its axes counted from the slowest of four.
struct Place {
    /// The first cell.
    at: usize,
    /// Cells from one to the next along each axis.
    strides: [usize; MOST_AXES],
    /// Cells within the chunk along each axis, at most 4.
    extents: [usize; MOST_AXES],
}

impl Place {
    /// Calls `each` with the place of every row in the chunk and in the block, and its length.
    fn rows(&self, mut each: impl FnMut(usize, usize, usize) -> Result<()>) -> Result<()> {
        for w in 0..self.extents[0] {
            for z in 0..self.extents[1] {
                for y in 0..self.extents[2] {
                    let at = self.at + w * self.strides[0] + z * self.strides[1] + y * self.strides[2];
                    each(at, 64 * w + 16 * z + 4 * y, self.extents[3])?;
                }
            }
        }
        Ok(())
    }
}

/// Every block of a chunk, in the order they are stored.
fn for_blocks(shape: &[usize], mut each: impl FnMut(&Place) -> Result<()>) -> Result<()> {
    let mut all = [1; MOST_AXES];
    all[MOST_AXES - shape.len()..].copy_from_slice(shape);
    let strides = [all[1] * all[2] * all[3], all[2] * all[3], all[3], 1];
    let counts = all.map(|extent: usize| extent.div_ceil(4));
    for number in 0..counts.iter().product::<usize>() {
        let (mut rest, mut at, mut extents) = (number, 0, [1; MOST_AXES]);
        for axis in (0..MOST_AXES).rev() {
            let first = 4 * (rest % counts[axis]);
            rest /= counts[axis];
            at += first * strides[axis];
            extents[axis] = (all[axis] - first).min(4);
        }
        each(&Place { at, strides, extents })?;
    }
    Ok(())
}

impl Codec for Zfp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        if plain.len() != self.plain_bytes() {
            return Err(Error::size("a chunk decoded by zfp", plain.len(), self.plain_bytes()));
        }
        with_cell!(self.kind, C => self.decode_cells::<C>(stored, plain))
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        if self.plain_bytes() > limit {
            return Err(over_limit(self.name, limit));
        }
        let start = plain.len();
        plain.resize(start + self.plain_bytes(), 0);
        self.decode(stored, &mut plain[start..], context)
            .inspect_err(|_| plain.truncate(start))
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        if plain.len() != self.plain_bytes() {
            return Err(Error::encode(self.name, "the cells are not those of a chunk"));
        }
        stored.extend_from_slice(&with_cell!(self.kind, C => self.encode_cells::<C>(plain))?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
