//! Byte and bit shuffles: cells of `width` bytes taken apart into planes, so that what is alike lies together.
//!
//! Shuffled bytes hold the first byte of every cell, then the second of every cell, and so on. Shuffled bits go on within each of
//! these planes: the lowest bit of every cell's byte, eight cells a byte, the first in the lowest place; then the next bit.

#[cfg_attr(target_arch = "x86_64", path = "avx2.rs")]
#[cfg_attr(not(target_arch = "x86_64"), path = "none.rs")]
mod fast;
mod plain;

/// Where the bytes of a plane lie within shuffled bytes.
#[derive(Clone, Copy)]
struct Planes {
    /// Bytes from one plane to the next.
    stride: usize,
    /// The first cell to work on.
    at: usize,
    /// How many cells to work on.
    cells: usize,
}

/// Takes whole cells apart; bytes after the last whole cell follow as they are. Both slices have one length.
pub fn shuffle(width: usize, source: &[u8], target: &mut [u8]) {
    let cells = whole_cells(width, source, target);
    let mut done = 0;
    if fast::supported() {
        done = fast::shuffle(width, &source[..cells * width], &mut target[..cells * width]);
    }
    let rest = Planes {
        stride: cells,
        at: done,
        cells: cells - done,
    };
    plain::shuffle(width, &source[done * width..cells * width], target, rest);
}

/// The inverse of [`shuffle`].
pub fn unshuffle(width: usize, source: &[u8], target: &mut [u8]) {
    let cells = whole_cells(width, source, target);
    let mut done = 0;
    if fast::supported() {
        let planes = Planes {
            stride: cells,
            at: 0,
            cells,
        };
        done = fast::unshuffle(width, source, planes, &mut target[..cells * width]);
    }
    let rest = Planes {
        stride: cells,
        at: done,
        cells: cells - done,
    };
    plain::unshuffle(width, source, rest, &mut target[done * width..cells * width]);
}

/// As [`shuffle`], down to bits. The number of whole cells must be a multiple of eight, or all is copied as it is.
pub fn shuffle_bits(width: usize, source: &[u8], target: &mut [u8]) {
    let cells = whole_cells(width, source, target);
    if !cells.is_multiple_of(8) {
        target.copy_from_slice(source);
        return;
    }
    let mut done = 0;
    if fast::supported() {
        done = fast::shuffle_bits(width, source, target, cells);
    }
    plain::shuffle_bits(width, source, target, cells, done);
}

/// The inverse of [`shuffle_bits`].
pub fn unshuffle_bits(width: usize, source: &[u8], target: &mut [u8]) {
    let cells = whole_cells(width, source, target);
    if !cells.is_multiple_of(8) {
        target.copy_from_slice(source);
        return;
    }
    let mut done = 0;
    if fast::supported() {
        done = fast::unshuffle_bits(width, source, target, cells);
    }
    plain::unshuffle_bits(width, source, target, cells, done);
}

/// How many whole cells there are; copies the bytes after them.
fn whole_cells(width: usize, source: &[u8], target: &mut [u8]) -> usize {
    let cells = source.len() / width;
    target[cells * width..].copy_from_slice(&source[cells * width..]);
    cells
}

#[cfg(test)]
mod tests {
    use super::super::testing::Xorshift;
    use super::*;

    /// The definition, a bit at a time.
    fn slow_bits(width: usize, source: &[u8]) -> Vec<u8> {
        let cells = source.len() / width;
        let mut target = vec![0; source.len()];
        target[cells * width..].copy_from_slice(&source[cells * width..]);
        if !cells.is_multiple_of(8) {
            return source.to_vec();
        }
        for (cell, byte, bit) in (0..cells).flat_map(|c| (0..width).flat_map(move |j| (0..8).map(move |k| (c, j, k)))) {
            let set = source[cell * width + byte] >> bit & 1;
            target[(byte * 8 + bit) * cells / 8 + cell / 8] |= set << (cell % 8);
        }
        target
    }

    fn slow_bytes(width: usize, source: &[u8]) -> Vec<u8> {
        let cells = source.len() / width;
        let mut target = source.to_vec();
        for (cell, byte) in (0..cells).flat_map(|c| (0..width).map(move |j| (c, j))) {
            target[byte * cells + cell] = source[cell * width + byte];
        }
        target
    }

    #[test]
    fn every_width_and_length_agrees_with_the_definition() {
        let mut random = Xorshift::new(4);
        for width in [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 17, 24, 32, 255] {
            for cells in [0, 1, 7, 8, 31, 32, 33, 64, 256, 511, 512, 520, 1024, 1032, 1600] {
                for extra in [0, width - 1] {
                    let source: Vec<u8> = (0..cells * width + extra).map(|_| random.next() as u8).collect();
                    let (mut there, mut back) = (vec![0xAA; source.len()], vec![0xAA; source.len()]);
                    shuffle(width, &source, &mut there);
                    assert!(there == slow_bytes(width, &source), "bytes {width} {cells} {extra}");
                    unshuffle(width, &there, &mut back);
                    assert!(back == source, "bytes {width} {cells} {extra}");
                    shuffle_bits(width, &source, &mut there);
                    assert!(there == slow_bits(width, &source), "bits {width} {cells} {extra}");
                    back.fill(0xAA);
                    unshuffle_bits(width, &there, &mut back);
                    assert!(back == source, "bits {width} {cells} {extra}");
                }
            }
        }
    }

    #[test]
    fn the_roads_for_every_machine_agree_with_the_fast_ones() {
        let mut random = Xorshift::new(6);
        for (width, cells) in [(1, 1024), (2, 1024), (4, 1000), (8, 520), (12, 96), (16, 1024)] {
            let source: Vec<u8> = (0..cells * width).map(|_| random.next() as u8).collect();
            let (mut there, mut back) = (vec![0; source.len()], vec![0; source.len()]);
            let all = Planes {
                stride: cells,
                at: 0,
                cells,
            };
            plain::shuffle(width, &source, &mut there, all);
            assert!(there == slow_bytes(width, &source));
            plain::unshuffle(width, &there, all, &mut back);
            assert!(back == source);
            plain::shuffle_bits(width, &source, &mut there, cells, 0);
            assert!(there == slow_bits(width, &source));
            back.fill(0);
            plain::unshuffle_bits(width, &there, &mut back, cells, 0);
            assert!(back == source);
        }
    }
}
