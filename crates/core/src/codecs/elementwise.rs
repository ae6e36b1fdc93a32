//! What the codecs that work cell by cell share: the number types, conversions between them, and one dispatch over all.

use super::growing::over_limit;
use super::numbers::{Cell, Complex};
use super::{Codec, parameters};
use crate::context::kept;
use crate::{Context, Error, Result};
use half::f16;
use serde_json::Value;

/// A number type, in the byte order of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
    Complex64,
    Complex128,
}

const KINDS: [(&str, Kind); 14] = [
    ("b1", Kind::Bool),
    ("i1", Kind::I8),
    ("i2", Kind::I16),
    ("i4", Kind::I32),
    ("i8", Kind::I64),
    ("u1", Kind::U8),
    ("u2", Kind::U16),
    ("u4", Kind::U32),
    ("u8", Kind::U64),
    ("f2", Kind::F16),
    ("f4", Kind::F32),
    ("f8", Kind::F64),
    ("c8", Kind::Complex64),
    ("c16", Kind::Complex128),
];

/// The one dispatch: `$body` compiled for every number type, `$cell` naming it.
macro_rules! with_cell {
    ($kind:expr, $cell:ident => $body:expr) => {
        with_cell!(@arms $kind, $cell, $body, Bool bool, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64,
            F16 f16, F32 f32, F64 f64, Complex64 Complex<f32>, Complex128 Complex<f64>)
    };
    (@arms $kind:expr, $cell:ident, $body:expr, $($name:ident $type:ty),*) => {
        match $kind { $(Kind::$name => { type $cell = $type; $body })* }
    };
}

/// As [`with_cell`], for real numbers; other types do nothing.
macro_rules! with_real {
    ($kind:expr, $cell:ident => $body:expr) => {
        match $kind {
            Kind::F16 => {
                type $cell = f16;
                $body
            }
            Kind::F32 => {
                type $cell = f32;
                $body
            }
            Kind::F64 => {
                type $cell = f64;
                $body
            }
            _ => {}
        }
    };
}

/// As [`with_cell`], for integers; other types do nothing.
macro_rules! with_whole {
    ($kind:expr, $cell:ident => $body:expr) => {
        with_whole!(@arms $kind, $cell, $body, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64)
    };
    (@arms $kind:expr, $cell:ident, $body:expr, $($name:ident $type:ty),*) => {
        match $kind { $(Kind::$name => { type $cell = $type; $body })* _ => {} }
    };
}

pub(super) use {with_cell, with_real, with_whole};

impl Kind {
    /// The type that a member of a lowered entry names.
    ///
    /// # Errors
    /// [`Error::Document`] when the member is absent or names none.
    pub fn read(entry: &Value, member: &str) -> Result<Self> {
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        Ok(KINDS[parameters::choice(entry, member, &names)?].1)
    }

    pub fn bytes(self) -> usize {
        with_cell!(self, C => C::BYTES)
    }

    pub fn is_real(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }

    pub fn is_complex(self) -> bool {
        matches!(self, Self::Complex64 | Self::Complex128)
    }

    pub fn is_whole(self) -> bool {
        !self.is_real() && !self.is_complex()
    }

    /// The type in which NumPy does arithmetic of this type with a Python float.
    pub fn real(self) -> Self {
        if self.is_whole() { Self::F64 } else { self }
    }

    /// The type in which NumPy adds cells of this type and another one, at least one of them no whole number.
    pub fn common(self, other: Self) -> Self {
        let width = |kind: Self| match kind {
            Self::Bool | Self::I8 | Self::U8 | Self::F16 => 2,
            Self::I16 | Self::U16 | Self::F32 | Self::Complex64 => 4,
            _ => 8,
        };
        match (self.is_complex() || other.is_complex(), width(self).max(width(other))) {
            (true, 8) => Self::Complex128,
            (true, _) => Self::Complex64,
            (false, 8) => Self::F64,
            (false, 4) => Self::F32,
            (false, _) => Self::F16,
        }
    }
}

/// Every cell of `source` through `step` into `target`.
pub fn map<S: Cell, T: Cell>(source: &[u8], target: &mut [u8], step: impl Fn(S) -> T) {
    for (from, to) in source.chunks_exact(S::BYTES).zip(target.chunks_exact_mut(T::BYTES)) {
        step(S::get(from)).put(to);
    }
}

/// Every cell of `cells` through `step`, in place.
pub fn update<C: Cell>(cells: &mut [u8], mut step: impl FnMut(C) -> C) {
    for cell in cells.chunks_exact_mut(C::BYTES) {
        step(C::get(cell)).put(cell);
    }
}

/// As NumPy's `astype`; `target` has room for as many cells as `source` holds.
pub fn convert(from: Kind, to: Kind, source: &[u8], target: &mut [u8]) {
    if from == to {
        target.copy_from_slice(source);
        return;
    }
    with_cell!(from, S => with_cell!(to, T => map::<S, T>(source, target, T::cast)));
}

/// Converts, works on the cells in place in the type `middle`, and converts again.
pub fn convert_through(
    [from, middle, to]: [Kind; 3],
    source: &[u8],
    target: &mut [u8],
    context: &mut Context,
    work: impl FnOnce(&mut [u8]),
) {
    if middle == to {
        convert(from, to, source, target);
        work(target);
        return;
    }
    let mut scratch = std::mem::take(&mut context.scratch);
    scratch.resize(source.len() / from.bytes() * middle.bytes(), 0);
    convert(from, middle, source, &mut scratch);
    work(&mut scratch);
    convert(middle, to, &scratch, target);
    context.scratch = kept(scratch);
}

/// A codec that makes one cell of one cell.
pub trait Elementwise: Send + Sync {
    /// The name in the metadata.
    const NAME: &'static str;
    /// Whether a cell depends on itself alone.
    const LOCAL: bool = true;

    /// Bytes of a cell on the plain and on the stored side.
    fn widths(&self) -> (usize, usize);

    /// Plain cells to stored ones; both slices hold as many cells.
    ///
    /// # Errors
    /// A cell that has no form on the stored side.
    fn forward(&self, plain: &[u8], stored: &mut [u8], context: &mut Context) -> Result<()>;

    /// Stored cells to plain ones; both slices hold as many cells.
    ///
    /// # Errors
    /// A cell that has no form on the plain side.
    fn backward(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()>;

    /// The fill value on the stored side, from the one on the plain side.
    ///
    /// # Errors
    /// A fill value that cannot take this step.
    fn fill(&self, plain: &[u8], context: &mut Context) -> Result<Vec<u8>> {
        let mut stored = vec![0; self.widths().1];
        self.forward(plain, &mut stored, context)?;
        Ok(stored)
    }
}

/// An [`Elementwise`] codec as a step of the chain.
pub struct Each<E>(pub E);

impl<E: Elementwise> Each<E> {
    fn whole_cells(bytes: usize, cell: usize, refuse: fn(&'static str, String) -> Error) -> Result<usize> {
        if bytes.is_multiple_of(cell) {
            Ok(bytes / cell)
        } else {
            Err(refuse(
                E::NAME,
                format!("{bytes} bytes are no whole number of cells of {cell}"),
            ))
        }
    }
}

impl<E: Elementwise> Codec for Each<E> {
    fn name(&self) -> &str {
        E::NAME
    }

    fn stored_bytes(&self, plain: usize) -> Option<usize> {
        let (from, to) = self.0.widths();
        (plain / from).checked_mul(to)
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        let (to, from) = self.0.widths();
        let cells = Self::whole_cells(stored.len(), from, Error::decode)?;
        if plain.len() != cells * to {
            return Err(Error::size("a chunk decoded by a filter", plain.len(), cells * to));
        }
        self.0.backward(stored, plain, context)
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        let (to, from) = self.0.widths();
        let bytes = Self::whole_cells(stored.len(), from, Error::decode)? * to;
        if bytes > limit {
            return Err(over_limit(E::NAME, limit));
        }
        let start = plain.len();
        plain.resize(start + bytes, 0);
        self.0.backward(stored, &mut plain[start..], context)
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()> {
        let (from, to) = self.0.widths();
        let cells = Self::whole_cells(plain.len(), from, Error::encode)?;
        let start = stored.len();
        stored.resize(start + cells * to, 0);
        self.0.forward(plain, &mut stored[start..], context)
    }

    fn decode_range(&self, stored: &[u8], start: usize, plain: &mut [u8], context: &mut Context) -> Result<bool> {
        let (to, from) = self.0.widths();
        if !E::LOCAL || !start.is_multiple_of(to) || !plain.len().is_multiple_of(to) {
            return Ok(false);
        }
        let place = |bytes: usize| bytes / to * from;
        let range = place(start)..place(start + plain.len());
        let part = stored
            .get(range)
            .ok_or_else(|| Error::decode(E::NAME, "the chunk is too short"))?;
        self.0.backward(part, plain, context)?;
        Ok(true)
    }

    fn encode_fill(&self, fill: &[u8], context: &mut Context) -> Option<Result<Vec<u8>>> {
        (fill.len() == self.0.widths().0).then(|| self.0.fill(fill, context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_converts_to_every_type_and_small_numbers_survive() {
        for (_, from) in KINDS {
            for (_, to) in KINDS {
                let mut cells = vec![0; 3 * from.bytes()];
                convert(Kind::I8, from, &[0, 1, 1], &mut cells);
                let mut there = vec![0; 3 * to.bytes()];
                convert(from, to, &cells, &mut there);
                let mut back = [9; 3];
                convert(to, Kind::I8, &there, &mut back);
                assert_eq!(back, [0, 1, 1], "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn types_meet_where_numpy_lets_them_meet() {
        for (one, other, both) in [
            (Kind::I8, Kind::F16, Kind::F16),
            (Kind::U16, Kind::F16, Kind::F32),
            (Kind::I32, Kind::F32, Kind::F64),
            (Kind::Bool, Kind::F32, Kind::F32),
            (Kind::I16, Kind::Complex64, Kind::Complex64),
            (Kind::F64, Kind::Complex64, Kind::Complex128),
        ] {
            assert_eq!((one.common(other), other.common(one)), (both, both));
        }
    }
}
