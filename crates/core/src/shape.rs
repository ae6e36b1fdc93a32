//! Shapes, strides and the counts that follow from them, checked against overflow.

use crate::{Error, Result};

/// A position or an extent per axis; on the heap only beyond eight axes.
pub type Coords = smallvec::SmallVec<[u64; 8]>;

/// How many cells a shape holds.
///
/// # Errors
/// [`Error::TooLarge`] beyond what memory can address.
pub fn cells(shape: &[usize]) -> Result<usize> {
    shape
        .iter()
        .try_fold(1_usize, |n, &extent| n.checked_mul(extent))
        .filter(|&n| isize::try_from(n).is_ok())
        .ok_or_else(|| {
            Error::TooLarge(format!(
                "a block of shape {shape:?} has more cells than memory can address"
            ))
        })
}

/// How many bytes a shape takes.
///
/// # Errors
/// [`Error::TooLarge`] beyond what memory can address.
pub fn bytes(shape: &[usize], cell_bytes: usize) -> Result<usize> {
    cells(shape)?
        .checked_mul(cell_bytes)
        .filter(|&n| isize::try_from(n).is_ok())
        .ok_or_else(|| {
            Error::TooLarge(format!(
                "a block of shape {shape:?} needs more bytes than memory can address"
            ))
        })
}

/// Strides in bytes of packed cells in C order.
pub fn strides(shape: &[usize], cell_bytes: usize) -> Vec<isize> {
    let mut out = vec![0; shape.len()];
    let mut step = cell_bytes as isize;
    for (stride, &extent) in out.iter_mut().zip(shape).rev() {
        *stride = step;
        step *= extent as isize;
    }
    out
}

/// The index of `coords` among the cells of `counts` in C order.
pub fn ravel(coords: impl IntoIterator<Item = u64>, counts: impl IntoIterator<Item = u64>) -> u64 {
    coords
        .into_iter()
        .zip(counts)
        .fold(0, |at, (index, count)| at * count + index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_overflow_are_refused() {
        assert_eq!(cells(&[3, 0, 5]), Ok(0));
        assert!(cells(&[usize::MAX, 2]).is_err());
        assert!(bytes(&[isize::MAX as usize], 2).is_err());
        assert_eq!(strides(&[2, 3, 4], 2), [24, 8, 2]);
        assert_eq!(ravel([1, 2], [4, 5]), 7);
    }
}
