//! Bob Jenkins's lookup3, the hash of HDF5's own blocks: 32 bits over bytes, read as little-endian words.

/// Three words stirred until every bit of one depends on the others.
fn mix([mut a, mut b, mut c]: [u32; 3]) -> [u32; 3] {
    a = a.wrapping_sub(c) ^ c.rotate_left(4);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(6);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(8);
    b = b.wrapping_add(a);
    a = a.wrapping_sub(c) ^ c.rotate_left(16);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(19);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(4);
    b = b.wrapping_add(a);
    [a, b, c]
}

/// The last stirring, of which one word is the hash.
fn finish([mut a, mut b, mut c]: [u32; 3]) -> u32 {
    for (of_c, of_a, of_b) in [(14, 11, 25), (16, 4, 14)] {
        c = (c ^ b).wrapping_sub(b.rotate_left(of_c));
        a = (a ^ c).wrapping_sub(c.rotate_left(of_a));
        b = (b ^ a).wrapping_sub(a.rotate_left(of_b));
    }
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

const BLOCK: usize = 12;

fn add(state: [u32; 3], block: &[u8]) -> [u32; 3] {
    let mut padded = [0; BLOCK];
    padded[..block.len()].copy_from_slice(block);
    let mut words = padded.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
    state.map(|word| word.wrapping_add(words.next().unwrap_or(0)))
}

/// The hash of `prefix` and then `bytes`, seeded with `start`.
pub fn sum(start: u32, prefix: &[u8], bytes: &[u8]) -> u32 {
    if prefix.is_empty() {
        return hash(start, bytes);
    }
    // A prefix is a few bytes; what stands before the first whole block is joined, the rest is read where it lies.
    let mut state = seed(start, prefix.len() + bytes.len());
    let mut held: Vec<u8> = prefix.to_vec();
    let joined = (BLOCK - held.len() % BLOCK).min(bytes.len());
    held.extend_from_slice(&bytes[..joined]);
    let rest = &bytes[joined..];
    let whole = if rest.is_empty() {
        held.len().saturating_sub(1) / BLOCK
    } else {
        held.len() / BLOCK
    };
    for block in held[..whole * BLOCK].chunks(BLOCK) {
        state = mix(add(state, block));
    }
    if rest.is_empty() {
        return end(state, &held[whole * BLOCK..]);
    }
    through(state, rest)
}

fn seed(start: u32, bytes: usize) -> [u32; 3] {
    [0xDEAD_BEEF_u32.wrapping_add(bytes as u32).wrapping_add(start); 3]
}

fn end(state: [u32; 3], last: &[u8]) -> u32 {
    if last.is_empty() {
        state[2]
    } else {
        finish(add(state, last))
    }
}

/// All blocks but the last, which may be a whole one, and then the last.
fn through(mut state: [u32; 3], bytes: &[u8]) -> u32 {
    let whole = bytes.len().saturating_sub(1) / BLOCK * BLOCK;
    for block in bytes[..whole].chunks(BLOCK) {
        state = mix(add(state, block));
    }
    end(state, &bytes[whole..])
}

fn hash(start: u32, bytes: &[u8]) -> u32 {
    through(seed(start, bytes.len()), bytes)
}

#[cfg(test)]
mod tests {
    use super::{hash, sum};

    #[test]
    fn hashes_are_those_of_the_author() {
        assert_eq!(hash(0, b""), 0xDEAD_BEEF);
        assert_eq!(hash(0xDEAD_BEEF, b""), 0xBD5B_7DDE);
        assert_eq!(hash(0, b"Four score and seven years ago"), 0x1777_0551);
        assert_eq!(hash(1, b"Four score and seven years ago"), 0xCD62_8161);
    }

    #[test]
    fn a_prefix_is_as_if_it_stood_before_the_bytes() {
        let bytes: Vec<u8> = (0..100).collect();
        for before in 0..40 {
            for all in before..100 {
                assert_eq!(
                    sum(5, &bytes[..before], &bytes[before..all]),
                    hash(5, &bytes[..all]),
                    "{before} {all}"
                );
            }
        }
    }
}
