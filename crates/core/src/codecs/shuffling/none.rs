//! In place of the fast road on machines that have none: it takes no cell.

use super::Planes;

pub fn supported() -> bool {
    false
}

pub fn shuffle(_width: usize, _source: &[u8], _target: &mut [u8]) -> usize {
    0
}

pub fn unshuffle(_width: usize, _source: &[u8], _planes: Planes, _target: &mut [u8]) -> usize {
    0
}

pub fn shuffle_bits(_width: usize, _source: &[u8], _target: &mut [u8], _cells: usize) -> usize {
    0
}

pub fn unshuffle_bits(_width: usize, _source: &[u8], _target: &mut [u8], _cells: usize) -> usize {
    0
}
