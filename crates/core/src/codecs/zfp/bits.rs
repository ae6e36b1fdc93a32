//! A stream of bits, the lowest of each byte first.

/// Reads bits. What is read past the end is zero, and [`Reader::is_overrun`] tells of it afterwards.
pub struct Reader<'a> {
    bytes: &'a [u8],
    /// Bits that were read.
    at: u64,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Eight bytes from the one that holds the next bit, and how many bits of it are read already.
    fn window(&self) -> (u64, u32) {
        let start = usize::try_from(self.at >> 3)
            .unwrap_or(usize::MAX)
            .min(self.bytes.len());
        let rest = &self.bytes[start..];
        let word = if let Some(word) = rest.first_chunk::<8>() {
            u64::from_le_bytes(*word)
        } else {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(word)
        };
        (word, (self.at & 7) as u32)
    }

    #[inline]
    pub fn bit(&mut self) -> bool {
        let byte = self.bytes.get((self.at >> 3) as usize).copied().unwrap_or(0);
        let bit = byte >> (self.at & 7) & 1;
        self.at += 1;
        bit != 0
    }

    /// The next `count` bits, at most 64.
    #[inline]
    pub fn bits(&mut self, count: u32) -> u64 {
        // A window has at least 57 unread bits.
        if count > 56 {
            let low = self.bits(32);
            return low | self.bits(count - 32) << 32;
        }
        let (word, used) = self.window();
        self.at += u64::from(count);
        word >> used & ((1 << count) - 1)
    }

    pub fn skip(&mut self, count: u32) {
        self.at += u64::from(count);
    }

    /// Bits that were read or skipped.
    pub fn told(&self) -> u64 {
        self.at
    }

    /// Whether more bits were read than there are.
    pub fn is_overrun(&self) -> bool {
        self.at > self.bytes.len() as u64 * 8
    }
}

/// Writes bits.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
    word: u64,
    /// Bits in `word`, less than 64.
    held: u32,
}

impl Writer {
    #[inline]
    pub fn bit(&mut self, bit: bool) -> bool {
        self.bits(u64::from(bit), 1);
        bit
    }

    /// The lowest `count` bits of `value`, at most 64.
    #[inline]
    pub fn bits(&mut self, value: u64, count: u32) {
        if count == 0 {
            return;
        }
        let value = if count < 64 { value & ((1 << count) - 1) } else { value };
        self.word |= value << self.held;
        let room = 64 - self.held;
        if count < room {
            self.held += count;
            return;
        }
        self.bytes.extend_from_slice(&self.word.to_le_bytes());
        self.word = if room < 64 { value >> room } else { 0 };
        self.held = count - room;
    }

    pub fn pad(&mut self, mut count: u32) {
        while count > 0 {
            let step = count.min(64);
            self.bits(0, step);
            count -= step;
        }
    }

    /// The bytes, filled up with zeros to words of 8 as the other writers do.
    pub fn finish(mut self) -> Vec<u8> {
        if self.held > 0 {
            self.bytes.extend_from_slice(&self.word.to_le_bytes());
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::Xorshift;
    use super::*;

    #[test]
    fn bits_come_back_whatever_their_number() {
        let mut random = Xorshift::new(4);
        let all: Vec<(u64, u32)> = (0..3000)
            .map(|_| {
                let count = random.below(65) as u32;
                let mask = if count == 64 { u64::MAX } else { (1 << count) - 1 };
                (random.next() & mask, count)
            })
            .collect();
        let mut writer = Writer::default();
        for (value, count) in &all {
            writer.bits(*value, *count);
            writer.bit(value & 1 == 1);
        }
        writer.pad(100);
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        for (value, count) in &all {
            assert_eq!(reader.bits(*count), *value);
            assert_eq!(reader.bit(), value & 1 == 1);
        }
        assert!(!reader.is_overrun());
        reader.skip(200);
        assert!(reader.is_overrun());
        assert_eq!((reader.bits(64), reader.bit()), (0, false));
    }
}
