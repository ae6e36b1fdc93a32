//! Strided copies between memory: the one place of this crate that touches raw memory, checked before it does.
#![allow(unsafe_code)]

use crate::{Error, Result};

/// Memory that a request may touch: a caller's array or a chunk.
///
/// Offsets are counted from `base`, which is where the cell of index zero lies; strides may be negative.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    base: *mut u8,
    /// Offsets `low..high` belong to it.
    low: isize,
    high: isize,
}

// SAFETY: who makes a `Memory` promises that it stays valid; pieces of one request write disjoint cells.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// The memory of an array.
    ///
    /// # Safety
    /// Every cell of `shape` at `strides` (in bytes) from `base` is valid for reads (and for writes where it is used as a
    /// destination) as long as the value is used, and nobody else writes there meanwhile.
    pub unsafe fn array(base: *mut u8, shape: &[usize], strides: &[isize], cell_bytes: usize) -> Self {
        let (mut low, mut high) = (0, cell_bytes as isize);
        if shape.contains(&0) {
            high = 0;
        } else {
            for (&extent, &stride) in shape.iter().zip(strides) {
                let reach = (extent as isize - 1) * stride;
                if reach < 0 { low += reach } else { high += reach }
            }
        }
        Self { base, low, high }
    }

    /// Memory to copy from.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            base: bytes.as_ptr().cast_mut(),
            low: 0,
            high: bytes.len() as isize,
        }
    }

    /// Memory to copy to.
    pub fn of_mut(bytes: &mut [u8]) -> Self {
        Self {
            base: bytes.as_mut_ptr(),
            low: 0,
            high: bytes.len() as isize,
        }
    }

    /// The bytes at `offset..offset + n`.
    ///
    /// # Safety
    /// Nobody writes there while the slice lives.
    pub unsafe fn bytes<'a>(&self, offset: isize, n: usize) -> Option<&'a [u8]> {
        // SAFETY: inside what `array` was promised.
        self.holds(offset, n)
            .then(|| unsafe { std::slice::from_raw_parts(self.base.offset(offset), n) })
    }

    /// The bytes at `offset..offset + n`, to write.
    ///
    /// # Safety
    /// Nobody else reads or writes there while the slice lives.
    pub unsafe fn bytes_mut<'a>(&self, offset: isize, n: usize) -> Option<&'a mut [u8]> {
        // SAFETY: inside what `array` was promised.
        self.holds(offset, n)
            .then(|| unsafe { std::slice::from_raw_parts_mut(self.base.offset(offset), n) })
    }

    fn holds(&self, offset: isize, n: usize) -> bool {
        offset >= self.low
            && isize::try_from(n).is_ok_and(|n| offset.checked_add(n).is_some_and(|end| end <= self.high))
    }
}

/// One axis of a copy.
#[derive(Debug, Clone)]
pub enum CopyAxis {
    /// `count` cells, strides in bytes.
    Stride {
        /// Cells along the axis.
        count: usize,
        /// Bytes from one to the next in the source.
        from: isize,
        /// Bytes from one to the next in the destination.
        to: isize,
    },
    /// Byte offsets in source and destination.
    List(Vec<(isize, isize)>),
}

impl CopyAxis {
    fn count(&self) -> usize {
        match self {
            Self::Stride { count, .. } => *count,
            Self::List(pairs) => pairs.len(),
        }
    }

    /// The lowest and highest offset, of source and of destination.
    fn reach(&self) -> [(isize, isize); 2] {
        match self {
            Self::Stride { count, from, to } => {
                let span = |stride: isize| {
                    let last = (*count as isize - 1) * stride;
                    (last.min(0), last.max(0))
                };
                [span(*from), span(*to)]
            }
            Self::List(pairs) => {
                let mut out = [(isize::MAX, isize::MIN); 2];
                for &(from, to) in pairs {
                    out[0] = (out[0].0.min(from), out[0].1.max(from));
                    out[1] = (out[1].0.min(to), out[1].1.max(to));
                }
                out
            }
        }
    }
}

/// What is copied: where each side starts (byte offsets) and the axes between.
#[derive(Debug, Clone, Default)]
pub struct Copy {
    /// Offset of the first cell in the source.
    pub from: isize,
    /// Offset of the first cell in the destination.
    pub to: isize,
    /// The axes, outermost first.
    pub axes: smallvec::SmallVec<[CopyAxis; 8]>,
}

impl Copy {
    /// Runs the copy, source to destination.
    ///
    /// # Errors
    /// [`Error::Document`] when it would leave either memory: a defect caught before it does harm.
    pub fn run(&self, source: &Memory, target: &Memory, cell_bytes: usize) -> Result<()> {
        if self.axes.iter().any(|axis| axis.count() == 0) {
            return Ok(());
        }
        let (mut low, mut high) = ([self.from, self.to], [self.from, self.to]);
        for axis in &self.axes {
            for (side, (least, most)) in axis.reach().into_iter().enumerate() {
                low[side] += least;
                high[side] += most;
            }
        }
        for (side, memory) in [source, target].into_iter().enumerate() {
            let bytes = (high[side] - low[side]) as usize + cell_bytes;
            if !memory.holds(low[side], bytes) {
                return Err(Error::Document("a copy would leave its memory".into()));
            }
        }
        let (row, axes) = self.simplified(cell_bytes);
        // SAFETY: every offset the walk visits lies between `low` and `high`, which both memories hold.
        unsafe { walk(source.base.offset(self.from), target.base.offset(self.to), &axes, row) };
        Ok(())
    }

    /// The axes in the order that reads and writes memory best: the destination runs along the last, and the source, where it
    /// runs along another, along the one before, so that the two can be walked in squares.
    fn ordered(&self) -> smallvec::SmallVec<[CopyAxis; 8]> {
        let strides = |axis: &CopyAxis| match axis {
            CopyAxis::Stride { from, to, .. } => Some((from.unsigned_abs(), to.unsigned_abs())),
            CopyAxis::List(_) => None,
        };
        let mut axes: smallvec::SmallVec<[CopyAxis; 8]> = self
            .axes
            .iter()
            .filter(|axis| !matches!(axis, CopyAxis::Stride { count: 1, .. }))
            .cloned()
            .collect();
        if axes.len() < 2 || axes.iter().any(|axis| strides(axis).is_none()) {
            return axes;
        }
        if !axes.is_sorted_by_key(|axis| std::cmp::Reverse(strides(axis).map(|(_, to)| to))) {
            axes.sort_by_key(|axis| std::cmp::Reverse(strides(axis).map(|(_, to)| to)));
        }
        let last = axes.len() - 1;
        if let Some(fastest) = (0..axes.len()).min_by_key(|&at| strides(&axes[at]).map(|(from, _)| from))
            && fastest + 1 < last
        {
            axes[fastest..last].rotate_left(1);
        }
        axes
    }

    /// The same copy with as few axes as possible, and the bytes that lie together at its heart.
    fn simplified(&self, cell_bytes: usize) -> (usize, smallvec::SmallVec<[CopyAxis; 8]>) {
        let mut axes: smallvec::SmallVec<[CopyAxis; 8]> = smallvec::SmallVec::new();
        for axis in &self.ordered() {
            match (axes.last_mut(), axis) {
                (
                    Some(CopyAxis::Stride {
                        count: outer,
                        from: outer_from,
                        to: outer_to,
                    }),
                    CopyAxis::Stride { count, from, to },
                ) if *outer_from == *from * *count as isize && *outer_to == *to * *count as isize => {
                    *outer *= count;
                    (*outer_from, *outer_to) = (*from, *to);
                }
                _ => axes.push(axis.clone()),
            }
        }
        let cell = cell_bytes as isize;
        match axes.last() {
            Some(&CopyAxis::Stride { count, from, to }) if from == cell && to == cell => {
                axes.pop();
                (count * cell_bytes, axes)
            }
            _ => (cell_bytes, axes),
        }
    }
}

/// Walks all but the last two axes, copying rows of `row` bytes.
unsafe fn walk(source: *const u8, target: *mut u8, axes: &[CopyAxis], row: usize) {
    // SAFETY: the caller checked every offset below these axes.
    unsafe {
        match axes {
            [] => std::ptr::copy_nonoverlapping(source, target, row),
            [CopyAxis::Stride { count, from, to }] => line(source, target, *count, *from, *to, row),
            [
                CopyAxis::Stride {
                    count: n,
                    from: f,
                    to: t,
                },
                CopyAxis::Stride { count, from, to },
            ] => {
                if row <= 16 && *n >= 8 && *count >= 8 && from.unsigned_abs() > f.unsigned_abs() {
                    // The source runs along the outer axis: squares that fit the cache, so that both sides are read whole lines.
                    tiled(source, target, (*n, *f, *t), (*count, *from, *to), row);
                } else {
                    for i in 0..*n as isize {
                        line(source.offset(i * f), target.offset(i * t), *count, *from, *to, row);
                    }
                }
            }
            [CopyAxis::Stride { count, from, to }, rest @ ..] => {
                for i in 0..*count as isize {
                    walk(source.offset(i * from), target.offset(i * to), rest, row);
                }
            }
            [CopyAxis::List(pairs), rest @ ..] => {
                if rest.is_empty() {
                    listed(source, target, pairs, row);
                } else {
                    for &(from, to) in pairs {
                        walk(source.offset(from), target.offset(to), rest, row);
                    }
                }
            }
        }
    }
}

unsafe fn tiled(
    source: *const u8,
    target: *mut u8,
    (lines, down_from, down_to): (usize, isize, isize),
    (count, from, to): (usize, isize, isize),
    row: usize,
) {
    const SIDE: usize = 32;
    // SAFETY: squares partition the checked box.
    unsafe {
        for i in (0..lines).step_by(SIDE) {
            for j in (0..count).step_by(SIDE) {
                for k in i..lines.min(i + SIDE) {
                    let (k, j) = (k as isize, j as isize);
                    let width = (count - j as usize).min(SIDE);
                    let (source, target) = (
                        source.offset(k * down_from + j * from),
                        target.offset(k * down_to + j * to),
                    );
                    line(source, target, width, from, to, row);
                }
            }
        }
    }
}

/// One strided line of rows; the length of a row is a constant where it is a common one, so that a row is a move and not a call.
unsafe fn line(source: *const u8, target: *mut u8, count: usize, from: isize, to: isize, row: usize) {
    macro_rules! rows {
        ($($bytes:literal)*) => {
            match row {
                $($bytes => for i in 0..count as isize {
                    // SAFETY: inside the checked box; constant sizes become plain moves.
                    unsafe { std::ptr::copy_nonoverlapping(source.offset(i * from), target.offset(i * to), $bytes) }
                },)*
                _ => for i in 0..count as isize {
                    // SAFETY: inside the checked box.
                    unsafe { std::ptr::copy_nonoverlapping(source.offset(i * from), target.offset(i * to), row) }
                },
            }
        };
    }
    rows!(1 2 4 8 16 32 64 128);
}

unsafe fn listed(source: *const u8, target: *mut u8, pairs: &[(isize, isize)], row: usize) {
    macro_rules! rows {
        ($($bytes:literal)*) => {
            match row {
                $($bytes => for &(from, to) in pairs {
                    // SAFETY: inside the checked box.
                    unsafe { std::ptr::copy_nonoverlapping(source.offset(from), target.offset(to), $bytes) }
                },)*
                _ => for &(from, to) in pairs {
                    // SAFETY: inside the checked box.
                    unsafe { std::ptr::copy_nonoverlapping(source.offset(from), target.offset(to), row) }
                },
            }
        };
    }
    rows!(1 2 4 8 16 32 64);
}

/// Fills a whole slice with copies of one cell.
///
/// # Panics
/// When `cell` is empty and `target` is not.
pub fn fill(target: &mut [u8], cell: &[u8]) {
    if target.is_empty() {
        return;
    }
    if cell.iter().all(|&byte| byte == cell[0]) {
        target.fill(cell[0]);
        return;
    }
    let mut done = cell.len().min(target.len());
    target[..done].copy_from_slice(&cell[..done]);
    while done < target.len() {
        let n = done.min(target.len() - done);
        let (before, after) = target.split_at_mut(done);
        after[..n].copy_from_slice(&before[..n]);
        done += n;
    }
}

/// Whether a slice is nothing but copies of one cell, bit by bit.
pub fn is_filled(bytes: &[u8], cell: &[u8]) -> bool {
    let n = cell.len();
    if n == 0 || bytes.len() < n {
        return bytes.is_empty();
    }
    // Every cell equals the one before it, and the first equals `cell`: two comparisons of memory, each as fast as it gets,
    // taken in blocks so that the first difference ends it.
    if &bytes[..n] != cell {
        return false;
    }
    let (ahead, behind) = (&bytes[n..], &bytes[..bytes.len() - n]);
    ahead.chunks(4096).zip(behind.chunks(4096)).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_every_shape_equal_the_cell_by_cell_one() {
        let mut seed = 99_u64;
        let mut random = move |n: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % n as u64) as usize
        };
        for round in 0..2000 {
            let cell = [1, 2, 3, 4, 8, 16][random(6)];
            let ndim = random(4);
            let counts: Vec<usize> = (0..ndim)
                .map(|_| random(if round % 50 == 0 { 40 } else { 6 }))
                .collect();
            let mut order: Vec<usize> = (0..ndim).collect();
            if random(2) == 0 {
                order.reverse();
            }
            // destination packed in C order, source packed in `order`, each with a gap now and then
            let mut to = vec![0_isize; ndim];
            let mut step = cell as isize;
            for axis in (0..ndim).rev() {
                to[axis] = step;
                step *= counts[axis] as isize + isize::from(random(4) == 0);
            }
            let target_bytes = step.max(cell as isize) as usize;
            let mut from = vec![0_isize; ndim];
            step = cell as isize;
            for &axis in order.iter().rev() {
                from[axis] = step;
                step *= counts[axis] as isize + isize::from(random(4) == 0);
            }
            let source: Vec<u8> = (0..step.max(cell as isize)).map(|i| (i * 7 + 3) as u8).collect();
            let mut axes = smallvec::SmallVec::new();
            for axis in 0..ndim {
                axes.push(if random(4) == 0 {
                    CopyAxis::List(
                        (0..counts[axis] as isize)
                            .map(|i| (i * from[axis], i * to[axis]))
                            .collect(),
                    )
                } else {
                    CopyAxis::Stride {
                        count: counts[axis],
                        from: from[axis],
                        to: to[axis],
                    }
                });
            }
            let copy = Copy { from: 0, to: 0, axes };
            let (mut fast, mut slow) = (vec![0; target_bytes], vec![0; target_bytes]);
            copy.run(&Memory::of(&source), &Memory::of_mut(&mut fast), cell)
                .expect("inside");
            let total: usize = counts.iter().product();
            for mut at in 0..total {
                let (mut f, mut t) = (0, 0);
                for axis in (0..ndim).rev() {
                    f += (at % counts[axis]) * from[axis] as usize;
                    t += (at % counts[axis]) * to[axis] as usize;
                    at /= counts[axis];
                }
                slow[t..t + cell].copy_from_slice(&source[f..f + cell]);
            }
            assert_eq!(fast, slow);
        }
    }

    #[test]
    fn a_copy_that_would_leave_its_memory_is_refused() {
        let mut target = [0_u8; 8];
        let copy = Copy {
            from: 0,
            to: 0,
            axes: smallvec::smallvec![CopyAxis::Stride {
                count: 3,
                from: 4,
                to: 4
            }],
        };
        assert!(
            copy.run(&Memory::of(&[0; 12]), &Memory::of_mut(&mut target), 4)
                .is_err()
        );
        assert!(
            copy.run(&Memory::of(&[0; 11]), &Memory::of_mut(&mut [0; 12]), 4)
                .is_err()
        );
        let back = Copy {
            from: 8,
            to: 0,
            axes: smallvec::smallvec![CopyAxis::Stride {
                count: 3,
                from: -4,
                to: 4
            }],
        };
        assert!(
            back.run(&Memory::of(&[0; 12]), &Memory::of_mut(&mut [0; 12]), 4)
                .is_ok()
        );
    }

    #[test]
    fn filling_and_its_test_agree() {
        for cell in [&[0_u8][..], &[1, 2], &[7, 7, 7, 7], &[1, 2, 3]] {
            let mut target = vec![9; cell.len() * 3001];
            fill(&mut target, cell);
            assert!(is_filled(&target, cell));
            *target.last_mut().expect("not empty") ^= 1;
            assert!(!is_filled(&target, cell));
        }
        assert!(is_filled(&[], &[1, 2]));
    }
}
