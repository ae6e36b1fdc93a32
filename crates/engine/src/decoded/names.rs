//! What objects and chunks are called here, and how often this process wrote them.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::Ordering;

use super::{Decoded, WRITES};

/// Names one object for the cache, and says how often this process had written it when the name was made: make it before reading.
pub struct Name {
    pub(super) digests: [u64; 2],
    pub(super) counter: usize,
    pub(super) writes: u64,
}

/// Names one chunk.
pub struct Spot {
    pub(super) digests: [u64; 2],
    pub(super) counter: usize,
    pub(super) writes: u64,
}

impl Decoded {
    /// Names an object, as it is decoded by a program.
    pub fn name(&self, identity: &str, key: &str, program: u64) -> Name {
        let digests = self.digests(identity, key);
        let counter = digests[0] as usize % WRITES;
        Name {
            digests: digests.map(|digest| fold(digest, program)),
            counter,
            writes: self.writes_of(counter),
        }
    }

    /// Names the chunk at a place of the grid, which lies in an object.
    pub fn spot(&self, name: &Name, place: &[u64]) -> Spot {
        let digest = |name| place.iter().fold(name, |digest, &index| fold(digest, index));
        Spot {
            digests: name.digests.map(digest),
            counter: name.counter,
            writes: name.writes,
        }
    }

    fn digests(&self, identity: &str, key: &str) -> [u64; 2] {
        self.seeds.each_ref().map(|seed| {
            let mut hasher = seed.build_hasher();
            // One name for one object, whichever store leads to it.
            for part in [identity, "/", key] {
                hasher.write(part.as_bytes());
            }
            hasher.finish()
        })
    }

    pub(super) fn writes_of(&self, counter: usize) -> u64 {
        self.writes[counter].load(Ordering::Acquire) + self.writes_of_all.load(Ordering::Acquire)
    }

    /// Notes that this process wrote or deleted an object: nothing read before is used again.
    pub fn forget(&self, identity: &str, key: &str) {
        let counter = self.digests(identity, key)[0] as usize % WRITES;
        self.writes[counter].fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that this process changed objects of which it does not know the names.
    pub fn forget_all(&self) {
        self.writes_of_all.fetch_add(1, Ordering::AcqRel);
    }
}

/// One number of two, of which the first is not to be guessed.
fn fold(digest: u64, number: u64) -> u64 {
    let mixed = u128::from(digest ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) * 0xD6E8_FEB8_6659_FD93_u128;
    ((mixed >> 64) as u64 ^ mixed as u64).rotate_left(23)
}
