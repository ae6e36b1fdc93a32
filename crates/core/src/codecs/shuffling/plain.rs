//! Shuffles for any machine and any width; also the ends of what the fast road does not take.

use super::Planes;

/// Cells worked on together, so that strided bytes stay in the nearest cache.
const TILE: usize = 256;

/// Cells of `source` into the planes of `target`.
pub fn shuffle(width: usize, source: &[u8], target: &mut [u8], planes: Planes) {
    for (tile, cells) in source.chunks(TILE * width).enumerate() {
        let at = planes.at + tile * TILE;
        for byte in 0..width {
            let start = byte * planes.stride + at;
            let plane = &mut target[start..start + cells.len() / width];
            for (to, cell) in plane.iter_mut().zip(cells.chunks_exact(width)) {
                *to = cell[byte];
            }
        }
    }
}

/// The planes of `source` into cells of `target`.
pub fn unshuffle(width: usize, source: &[u8], planes: Planes, target: &mut [u8]) {
    debug_assert_eq!(target.len(), planes.cells * width);
    for (tile, cells) in target.chunks_mut(TILE * width).enumerate() {
        let at = planes.at + tile * TILE;
        for byte in 0..width {
            let start = byte * planes.stride + at;
            let plane = &source[start..start + cells.len() / width];
            for (from, cell) in plane.iter().zip(cells.chunks_exact_mut(width)) {
                cell[byte] = *from;
            }
        }
    }
}

/// Rows and columns of an 8 by 8 square of bits exchanged; byte `r` is row `r`.
fn transposed(square: u64) -> u64 {
    let mut bits = square;
    for (shift, mask) in [
        (7, 0x00AA_00AA_00AA_00AA),
        (14, 0x0000_CCCC_0000_CCCC),
        (28, 0x0000_0000_F0F0_F0F0),
    ] {
        let turn = (bits ^ bits >> shift) & mask;
        bits ^= turn ^ turn << shift;
    }
    bits
}

/// Shuffles the bits of all cells from number `done` on, a multiple of eight.
pub fn shuffle_bits(width: usize, source: &[u8], target: &mut [u8], cells: usize, done: usize) {
    let row_bytes = cells / 8;
    for (group, eight) in source[done * width..cells * width].chunks_exact(8 * width).enumerate() {
        let column = done / 8 + group;
        for byte in 0..width {
            let square = transposed(u64::from_le_bytes(std::array::from_fn(|cell| {
                eight[cell * width + byte]
            })));
            for (bit, row) in square.to_le_bytes().into_iter().enumerate() {
                target[(byte * 8 + bit) * row_bytes + column] = row;
            }
        }
    }
}

/// The inverse of [`shuffle_bits`].
pub fn unshuffle_bits(width: usize, source: &[u8], target: &mut [u8], cells: usize, done: usize) {
    let row_bytes = cells / 8;
    for (group, eight) in target[done * width..cells * width]
        .chunks_exact_mut(8 * width)
        .enumerate()
    {
        let column = done / 8 + group;
        for byte in 0..width {
            let rows = std::array::from_fn(|bit| source[(byte * 8 + bit) * row_bytes + column]);
            for (cell, value) in transposed(u64::from_le_bytes(rows))
                .to_le_bytes()
                .into_iter()
                .enumerate()
            {
                eight[cell * width + byte] = value;
            }
        }
    }
}
