//! Shuffles with 32-byte registers, for machines that have AVX2.
//!
//! All of it is one network: planes in `WIDTH` registers are interleaved byte by byte in log2(`WIDTH`) steps, which leaves whole
//! cells in order within each 16-byte lane. Bits are eight rows interleaved the same way, then squares of 8 by 8 bits transposed.
#![allow(unsafe_code)]

use super::Planes;
use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_loadu_si256, _mm256_packus_epi16, _mm256_permute2x128_si256, _mm256_set1_epi16,
    _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_slli_epi64, _mm256_srli_epi16, _mm256_srli_epi64,
    _mm256_storeu_si256, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8, _mm256_xor_si256,
};

type Register = [u8; 32];

/// Cells whose bits are worked on together: a whole cache line of every row.
const BIT_TILE: usize = 512;

/// Whether this machine has what the rest of this file uses.
pub fn supported() -> bool {
    is_x86_feature_detected!("avx2")
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(from: &Register) -> __m256i {
    // SAFETY: 32 bytes are there, and this load asks for no alignment.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(to: &mut Register, value: __m256i) {
    // SAFETY: 32 bytes are there, and this store asks for no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), value) }
}

/// One byte of each register in turn, within each lane.
#[inline]
#[target_feature(enable = "avx2")]
fn interleave<const WIDTH: usize>(mut planes: [__m256i; WIDTH]) -> [__m256i; WIDTH] {
    for _ in 0..WIDTH.ilog2() {
        let from = planes;
        for at in 0..WIDTH / 2 {
            planes[2 * at] = _mm256_unpacklo_epi8(from[at], from[at + WIDTH / 2]);
            planes[2 * at + 1] = _mm256_unpackhi_epi8(from[at], from[at + WIDTH / 2]);
        }
    }
    planes
}

/// The inverse of [`interleave`].
#[inline]
#[target_feature(enable = "avx2")]
fn separate<const WIDTH: usize>(mut cells: [__m256i; WIDTH]) -> [__m256i; WIDTH] {
    let low = _mm256_set1_epi16(0xFF);
    for _ in 0..WIDTH.ilog2() {
        let from = cells;
        for at in 0..WIDTH / 2 {
            let (one, two) = (from[2 * at], from[2 * at + 1]);
            cells[at] = _mm256_packus_epi16(_mm256_and_si256(one, low), _mm256_and_si256(two, low));
            cells[at + WIDTH / 2] = _mm256_packus_epi16(_mm256_srli_epi16::<8>(one), _mm256_srli_epi16::<8>(two));
        }
    }
    cells
}

/// Exchanges rows and columns in every square of 8 by 8 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(squares: __m256i) -> __m256i {
    macro_rules! turn {
        ($bits:expr, $shift:literal, $mask:literal) => {{
            let moved = _mm256_xor_si256($bits, _mm256_srli_epi64::<$shift>($bits));
            let turn = _mm256_and_si256(moved, _mm256_set1_epi64x($mask));
            _mm256_xor_si256($bits, _mm256_xor_si256(turn, _mm256_slli_epi64::<$shift>(turn)))
        }};
    }
    let bits = turn!(squares, 7, 0x00AA_00AA_00AA_00AA);
    let bits = turn!(bits, 14, 0x0000_CCCC_0000_CCCC);
    turn!(bits, 28, 0x0000_0000_F0F0_F0F0)
}

/// Registers in which cells are in order within lanes, stored so that they are in order altogether.
#[inline]
#[target_feature(enable = "avx2")]
fn store_cells<const WIDTH: usize>(cells: &[__m256i; WIDTH], to: &mut [Register]) {
    let (first, second) = to[..WIDTH].split_at_mut(WIDTH / 2);
    for at in 0..WIDTH / 2 {
        store(
            &mut first[at],
            _mm256_permute2x128_si256::<0x20>(cells[2 * at], cells[2 * at + 1]),
        );
        store(
            &mut second[at],
            _mm256_permute2x128_si256::<0x31>(cells[2 * at], cells[2 * at + 1]),
        );
    }
}

/// The inverse of [`store_cells`].
#[inline]
#[target_feature(enable = "avx2")]
fn load_cells<const WIDTH: usize>(from: &[Register]) -> [__m256i; WIDTH] {
    let mut cells = [_mm256_setzero_si256(); WIDTH];
    let (first, second) = from[..WIDTH].split_at(WIDTH / 2);
    for at in 0..WIDTH / 2 {
        let (one, two) = (load(&first[at]), load(&second[at]));
        cells[2 * at] = _mm256_permute2x128_si256::<0x20>(one, two);
        cells[2 * at + 1] = _mm256_permute2x128_si256::<0x31>(one, two);
    }
    cells
}

#[target_feature(enable = "avx2")]
fn unshuffle_cells<const WIDTH: usize>(source: &[u8], planes: Planes, target: &mut [u8]) -> usize {
    let rounds = planes.cells / 32;
    let lines: [&[Register]; WIDTH] = std::array::from_fn(|byte| {
        let start = byte * planes.stride + planes.at;
        &source[start..start + rounds * 32].as_chunks().0[..rounds]
    });
    let target = target[..rounds * 32 * WIDTH].as_chunks_mut().0;
    for (round, to) in target.chunks_exact_mut(WIDTH).enumerate() {
        let mut registers = [_mm256_setzero_si256(); WIDTH];
        for (register, line) in registers.iter_mut().zip(&lines) {
            *register = load(&line[round]);
        }
        store_cells(&interleave(registers), to);
    }
    rounds * 32
}

#[target_feature(enable = "avx2")]
fn shuffle_cells<const WIDTH: usize>(source: &[u8], target: &mut [u8], stride: usize) -> usize {
    let rounds = source.len() / WIDTH / 32;
    let source = source[..rounds * 32 * WIDTH].as_chunks().0;
    for (round, from) in source.chunks_exact(WIDTH).enumerate() {
        let planes = separate(load_cells::<WIDTH>(from));
        for (byte, plane) in planes.into_iter().enumerate() {
            let start = byte * stride + round * 32;
            if let Some(to) = target[start..].first_chunk_mut() {
                store(to, plane);
            }
        }
    }
    rounds * 32
}

/// Eight rows of 32 bytes, `stride` bytes apart, to 256 bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn join_bits(rows: &[u8], stride: usize, to: &mut [Register]) {
    let mut registers = [_mm256_setzero_si256(); 8];
    for (bit, register) in registers.iter_mut().enumerate() {
        if let Some(row) = rows[bit * stride..].first_chunk() {
            *register = load(row);
        }
    }
    let mut squares = interleave(registers);
    for square in &mut squares {
        *square = transpose(*square);
    }
    store_cells(&squares, to);
}

/// The inverse of [`join_bits`].
#[inline]
#[target_feature(enable = "avx2")]
fn split_bits(from: &[Register], rows: &mut [u8], stride: usize) {
    let mut squares = load_cells::<8>(from);
    for square in &mut squares {
        *square = transpose(*square);
    }
    for (bit, value) in separate(squares).into_iter().enumerate() {
        if let Some(row) = rows[bit * stride..].first_chunk_mut() {
            store(row, value);
        }
    }
}

/// A tile of cells, one plane after the other.
type Tile = [[Register; BIT_TILE / 32]];

#[target_feature(enable = "avx2")]
fn join_tile(width: usize, source: &[u8], row_bytes: usize, column: usize, tile: &mut Tile) {
    for (byte, plane) in tile[..width].iter_mut().enumerate() {
        for (part, to) in plane.chunks_exact_mut(8).enumerate() {
            join_bits(&source[byte * 8 * row_bytes + column + part * 32..], row_bytes, to);
        }
    }
}

#[target_feature(enable = "avx2")]
fn split_tile(width: usize, tile: &Tile, target: &mut [u8], row_bytes: usize, column: usize) {
    for (byte, plane) in tile[..width].iter().enumerate() {
        for (part, from) in plane.chunks_exact(8).enumerate() {
            split_bits(
                from,
                &mut target[byte * 8 * row_bytes + column + part * 32..],
                row_bytes,
            );
        }
    }
}

/// Takes apart what it can, from the first cell on; how many cells that were.
pub fn shuffle(width: usize, source: &[u8], target: &mut [u8]) -> usize {
    let stride = source.len() / width;
    shuffle_into(width, source, target, stride)
}

fn shuffle_into(width: usize, source: &[u8], target: &mut [u8], stride: usize) -> usize {
    debug_assert!(supported());
    // SAFETY: only called where AVX2 is supported.
    unsafe {
        match width {
            2 => shuffle_cells::<2>(source, target, stride),
            4 => shuffle_cells::<4>(source, target, stride),
            8 => shuffle_cells::<8>(source, target, stride),
            16 => shuffle_cells::<16>(source, target, stride),
            _ => 0,
        }
    }
}

/// Puts together what it can, from the first cell on; how many cells that were.
pub fn unshuffle(width: usize, source: &[u8], planes: Planes, target: &mut [u8]) -> usize {
    debug_assert!(supported());
    // SAFETY: only called where AVX2 is supported.
    unsafe {
        match width {
            2 => unshuffle_cells::<2>(source, planes, target),
            4 => unshuffle_cells::<4>(source, planes, target),
            8 => unshuffle_cells::<8>(source, planes, target),
            16 => unshuffle_cells::<16>(source, planes, target),
            _ => 0,
        }
    }
}

/// The widest cell whose tiles fit on the stack.
const WIDEST: usize = 16;

/// Takes apart what it can, from the first of `cells` on; how many cells that were.
pub fn shuffle_bits(width: usize, source: &[u8], target: &mut [u8], cells: usize) -> usize {
    if width > WIDEST {
        return 0;
    }
    let mut tile = [[[0; 32]; BIT_TILE / 32]; WIDEST];
    let tiles = source[..cells * width].chunks_exact(BIT_TILE * width);
    let done = tiles.len() * BIT_TILE;
    for (at, from) in tiles.enumerate() {
        let planes = tile.as_flattened_mut().as_flattened_mut();
        if width == 1 {
            planes[..BIT_TILE].copy_from_slice(from);
        } else if shuffle_into(width, from, planes, BIT_TILE) == 0 {
            super::plain::shuffle(
                width,
                from,
                planes,
                Planes {
                    stride: BIT_TILE,
                    at: 0,
                    cells: BIT_TILE,
                },
            );
        }
        // SAFETY: only called where AVX2 is supported.
        unsafe { split_tile(width, &tile, target, cells / 8, at * BIT_TILE / 8) };
    }
    done
}

/// Puts together what it can, from the first of `cells` on; how many cells that were.
pub fn unshuffle_bits(width: usize, source: &[u8], target: &mut [u8], cells: usize) -> usize {
    if width > WIDEST {
        return 0;
    }
    let mut tile = [[[0; 32]; BIT_TILE / 32]; WIDEST];
    let all = Planes {
        stride: BIT_TILE,
        at: 0,
        cells: BIT_TILE,
    };
    let tiles = target[..cells * width].chunks_exact_mut(BIT_TILE * width);
    let done = tiles.len() * BIT_TILE;
    for (at, to) in tiles.enumerate() {
        // SAFETY: only called where AVX2 is supported.
        unsafe { join_tile(width, source, cells / 8, at * BIT_TILE / 8, &mut tile) };
        let planes = tile.as_flattened().as_flattened();
        if width == 1 {
            to.copy_from_slice(&planes[..BIT_TILE]);
        } else if unshuffle(width, planes, all, to) == 0 {
            super::plain::unshuffle(width, planes, all, to);
        }
    }
    done
}
