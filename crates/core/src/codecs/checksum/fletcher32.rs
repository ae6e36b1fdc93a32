//! Fletcher's sum of 16-bit words with the byte order of HDF5: the first byte of a word is its high one.

/// Words after which the sums are folded, so that neither runs over.
const WORDS: usize = 360;

fn fold(sum: u32) -> u32 {
    (sum & 0xFFFF) + (sum >> 16)
}

/// The sum; a last byte without its neighbour counts as the high one of a word.
pub fn sum(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (0_u32, 0_u32);
    let (words, rest) = bytes.as_chunks::<2>();
    for block in words.chunks(WORDS) {
        for word in block {
            low += u32::from(u16::from_be_bytes(*word));
            high += low;
        }
        low = fold(low);
        high = fold(high);
    }
    if let [last] = rest {
        low += u32::from(*last) << 8;
        high += low;
        low = fold(low);
        high = fold(high);
    }
    fold(high) << 16 | fold(low)
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn sums_are_those_of_hdf5() {
        // Computed with HDF5's filter.
        assert_eq!(sum(b""), 0);
        let field: Vec<u8> = (0..2001_u32).map(|n| (n * 7 % 251) as u8).collect();
        assert_eq!(sum(&field[..1]), 0);
        assert_eq!(sum(&[0xFF; 4000]), 0xFFFF_FFFF);
        assert_eq!(sum(&[1, 2, 3]), 0x0504_0402);
        assert_eq!(sum(&[1, 2, 3, 4]), 0x0508_0406);
        assert_eq!(sum(&field), 0x1615_87A9);
    }
}
