//! Decoding without knowing the size: a guess that grows, never past the limit.

use crate::{Error, Result};

/// What a first guess may take beyond the stored bytes, so that a few bytes cannot claim all memory at once.
const TRUSTED_RATIO: usize = 64;
const SMALLEST_GUESS: usize = 4096;

/// The refusal when more than `limit` bytes would come out.
pub fn over_limit(codec: &'static str, limit: usize) -> Error {
    Error::decode(codec, format!("more than {limit} bytes would come out"))
}

/// The most that a compressor makes of so many bytes: where it cannot shrink them it adds headers, and a writer that appends in
/// small pieces adds many. What claims to be larger is no compressed chunk.
pub fn most_compressed(plain: usize) -> usize {
    plain.saturating_mul(4).saturating_add(1 << 20)
}

/// Appends to `plain` what `attempt` makes, at most `limit` bytes. `attempt` gets room to fill and says how many bytes it filled,
/// or `None` when the room was too small. `hint` is the size that the stored bytes claim; it is believed up to a ratio.
///
/// # Errors
/// What `attempt` says, or a refusal when `limit` bytes are not enough.
pub fn decode_growing(
    codec: &'static str,
    stored_bytes: usize,
    hint: Option<u64>,
    plain: &mut Vec<u8>,
    limit: usize,
    mut attempt: impl FnMut(&mut [u8]) -> Result<Option<usize>>,
) -> Result<()> {
    let trusted = stored_bytes.saturating_mul(TRUSTED_RATIO).max(SMALLEST_GUESS);
    let claimed = match hint {
        Some(claimed) if claimed > limit as u64 => return Err(over_limit(codec, limit)),
        Some(claimed) => claimed as usize,
        None => stored_bytes.saturating_mul(4).max(SMALLEST_GUESS),
    };
    let mut room = claimed.min(trusted).min(limit);
    let start = plain.len();
    loop {
        plain.resize(start + room, 0);
        match attempt(&mut plain[start..]) {
            Ok(Some(filled)) => {
                plain.truncate(start + filled);
                return Ok(());
            }
            Ok(None) if room < limit => room = room.saturating_mul(4).max(SMALLEST_GUESS).min(limit),
            Ok(None) => {
                plain.truncate(start);
                return Err(over_limit(codec, limit));
            }
            Err(error) => {
                plain.truncate(start);
                return Err(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(bytes: usize) -> impl FnMut(&mut [u8]) -> Result<Option<usize>> {
        move |room| Ok((room.len() >= bytes).then(|| room[..bytes].fill(7)).map(|()| bytes))
    }

    #[test]
    fn a_guess_grows_until_it_is_enough_and_stops_at_the_limit() {
        let mut plain = vec![1, 2];
        decode_growing("x", 1, None, &mut plain, 100_000, make(70_000)).unwrap();
        assert_eq!((plain.len(), plain[1], plain[2]), (70_002, 2, 7));
        decode_growing("x", 1, Some(u64::MAX), &mut plain, 100_000, make(1)).unwrap_err();
        decode_growing("x", 1, None, &mut plain, 100, make(101)).unwrap_err();
        assert_eq!(plain.len(), 70_002);
        decode_growing("x", 0, Some(0), &mut plain, 0, make(0)).unwrap();
    }
}
