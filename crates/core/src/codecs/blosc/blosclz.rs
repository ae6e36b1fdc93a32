//! `blosclz`: runs of literals and matches, byte by byte.
//!
//! A byte below 32 starts a run of one literal more than it says. Any other is a match: its upper three bits hold the length less
//! two, with seven standing for nine and more, whose rest follows in bytes that go on while they are 255; its lower five bits are
//! the high part of the distance less one, a byte with the low part follows. All of these bits set mean a far match: two bytes
//! follow with the distance beyond the near ones, the high byte first. The first run is one of literals, and so is the last.

const LITERALS: usize = 32;
const LONG: usize = 7;
/// The shortest match that is written at all, and what the length bits hold less than the length.
const SHORTEST: usize = 4;
const LENGTH_BIAS: usize = 2;
/// The farthest near match, and the farthest of all.
const NEAR: usize = 8191;
const FAR: usize = NEAR + 65535;
/// At the end there are always literals.
const TAIL: usize = 12;
const HASH_BITS: u32 = 14;

/// Where four bytes of each hash were last seen.
pub type Matches = Vec<u32>;

/// Bytes that are copied at once where there is room, even when fewer are wanted.
const STRIDE: usize = 32;

/// Fills `plain` from the start; how many bytes that were, or `None` when the stream is damaged or does not fit.
pub fn decode(stream: &[u8], plain: &mut [u8]) -> Option<usize> {
    let Some(first) = stream.first() else {
        return Some(0);
    };
    let (mut control, mut rest) = (usize::from(first & 31), &stream[1..]);
    let mut filled = 0;
    loop {
        if control < LITERALS {
            let run = control + 1;
            if let (Some(from), Some(to)) = (
                rest.first_chunk::<STRIDE>(),
                plain[filled..].first_chunk_mut::<STRIDE>(),
            ) {
                *to = *from;
            } else {
                plain.get_mut(filled..filled + run)?.copy_from_slice(rest.get(..run)?);
            }
            rest = &rest[run..];
            filled += run;
        } else {
            let mut length = (control >> 5) + LENGTH_BIAS;
            if control >> 5 == LONG {
                loop {
                    let (more, after) = rest.split_first()?;
                    rest = after;
                    length += usize::from(*more);
                    if *more != 255 {
                        break;
                    }
                }
            }
            let (low, after) = rest.split_first()?;
            rest = after;
            let mut distance = (control & 31) * 256 + usize::from(*low) + 1;
            if distance == NEAR + 1 {
                let (far, after) = rest.split_first_chunk()?;
                rest = after;
                distance += usize::from(u16::from_be_bytes(*far));
            }
            repeat(plain, filled, distance, length)?;
            filled += length;
        }
        let Some((next, after)) = rest.split_first() else {
            return Some(filled);
        };
        (control, rest) = (usize::from(*next), after);
    }
}

/// Fills `length` bytes from `at` on with what lies `distance` before.
fn repeat(plain: &mut [u8], at: usize, distance: usize, length: usize) -> Option<()> {
    let from = at.checked_sub(distance)?;
    if length <= STRIDE && distance >= STRIDE && plain.len() - at >= STRIDE {
        plain.copy_within(from..from + STRIDE, at);
        return Some(());
    }
    let room = plain.get_mut(from..at.checked_add(length)?)?;
    if distance == 1 {
        let byte = room[0];
        room[1..].fill(byte);
        return Some(());
    }
    // What was copied once is copied again with it: the pieces double.
    let mut there = distance;
    while there < room.len() {
        let piece = there.min(room.len() - there);
        room.copy_within(..piece, there);
        there += piece;
    }
    Some(())
}

/// A writer that stops at the end of its room.
struct Writer<'a> {
    room: &'a mut [u8],
    written: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.written + bytes.len();
        self.room.get_mut(self.written..end)?.copy_from_slice(bytes);
        self.written = end;
        Some(())
    }

    fn literals(&mut self, bytes: &[u8]) -> Option<()> {
        bytes.chunks(LITERALS).try_for_each(|run| {
            self.put(&[(run.len() - 1) as u8])?;
            self.put(run)
        })
    }

    fn repeat(&mut self, distance: usize, length: usize) -> Option<()> {
        let (near, far) = if distance <= NEAR {
            (distance - 1, None)
        } else {
            (NEAR, Some(distance - NEAR - 1))
        };
        let short = (length - LENGTH_BIAS).min(LONG);
        self.put(&[(short << 5 | near >> 8) as u8])?;
        if short == LONG {
            let mut rest = length - LENGTH_BIAS - LONG;
            while rest >= 255 {
                self.put(&[255])?;
                rest -= 255;
            }
            self.put(&[rest as u8])?;
        }
        self.put(&[near as u8])?;
        far.map_or(Some(()), |far| self.put(&(far as u16).to_be_bytes()))
    }
}

fn four(plain: &[u8], at: usize) -> u32 {
    plain[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// How many bytes from `one` and from `two` on are the same; `two` is the later one, and stops at `end`.
fn same(plain: &[u8], one: usize, two: usize, end: usize) -> usize {
    let pairs = plain[one..].chunks_exact(8).zip(plain[two..end].chunks_exact(8));
    let mut length = 0;
    for (left, right) in pairs {
        let eight = |bytes: &[u8]| bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let differ = eight(left) ^ eight(right);
        if differ != 0 {
            return length + differ.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length
        + plain[one + length..]
            .iter()
            .zip(&plain[two + length..end])
            .take_while(|(left, right)| left == right)
            .count()
}

/// Writes a stream into `room`; how long it is, or `None` when it does not fit.
pub fn encode(level: i32, plain: &[u8], room: &mut [u8], matches: &mut Matches) -> Option<usize> {
    matches.clear();
    matches.resize(1 << HASH_BITS, u32::MAX);
    let mut writer = Writer { room, written: 0 };
    let end = plain.len().saturating_sub(TAIL);
    let (mut at, mut literals) = (1, 0);
    // Where nothing repeats, ever longer steps are taken; less so at higher levels.
    let (mut missed, patience) = (0, 4 + level as usize / 3);
    while at < end {
        let bytes = four(plain, at);
        let slot = &mut matches[(bytes.wrapping_mul(2_654_435_761) >> (32 - HASH_BITS)) as usize];
        let seen = *slot as usize;
        *slot = at as u32;
        if seen >= at || at - seen > FAR || four(plain, seen) != bytes {
            missed += 1;
            at += 1 + (missed >> patience);
            continue;
        }
        missed = 0;
        let length = SHORTEST + same(plain, seen + SHORTEST, at + SHORTEST, end.max(at + SHORTEST));
        // A far match must gain more than it costs.
        if at - seen > NEAR && length <= SHORTEST {
            at += 1;
            continue;
        }
        writer.literals(&plain[literals..at])?;
        writer.repeat(at - seen, length)?;
        at += length;
        literals = at;
    }
    writer.literals(&plain[literals..])?;
    Some(writer.written)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Xorshift, sample};
    use super::*;

    fn check(plain: &[u8]) {
        for level in [1, 5, 9] {
            let mut room = vec![0; plain.len() * 2 + 64];
            let written = encode(level, plain, &mut room, &mut Matches::new()).unwrap();
            let mut back = vec![0xAA; plain.len()];
            assert_eq!(decode(&room[..written], &mut back), Some(plain.len()));
            assert!(back == plain);
            assert_eq!(
                encode(
                    level,
                    plain,
                    &mut room[..written.saturating_sub(1)],
                    &mut Matches::new()
                )
                .is_some(),
                written == 0
            );
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut random = Xorshift::new(2);
        for bytes in [0, 1, 4, 12, 13, 17, 32, 33, 100, 10_000, 100_000] {
            check(&sample(bytes));
            check(&vec![7; bytes]);
            check(&(0..bytes).map(|_| random.next() as u8).collect::<Vec<_>>());
            check(&(0..bytes).map(|_| random.below(2) as u8).collect::<Vec<_>>());
        }
        // Matches at every distance where the form changes.
        let noise: Vec<u8> = (0..100_000).map(|_| random.next() as u8).collect();
        for distance in [NEAR - 1, NEAR, NEAR + 1, NEAR + 2, FAR - 1, FAR, FAR + 1] {
            check(&[&noise[..distance], &noise[..300]].concat());
        }
    }

    #[test]
    fn damaged_streams_give_nothing_or_something_but_no_panic() {
        let plain = sample(3000);
        let mut room = vec![0; 4000];
        let written = encode(5, &plain, &mut room, &mut Matches::new()).unwrap();
        let mut random = Xorshift::new(9);
        for _ in 0..5000 {
            let mut stream = room[..random.below(written + 1)].to_vec();
            for _ in 0..random.below(5) {
                let at = random.below(stream.len());
                if let Some(byte) = stream.get_mut(at) {
                    *byte = random.next() as u8;
                }
            }
            let mut back = vec![0; random.below(3100)];
            assert!(decode(&stream, &mut back).is_none_or(|filled| filled <= back.len()));
        }
    }
}
