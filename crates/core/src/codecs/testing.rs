//! What the tests of every codec share.

use super::Codec;
use crate::Context;

/// A small generator of numbers that look random.
pub struct Xorshift(u64);

impl Xorshift {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 11) as usize % bound.max(1)
    }
}

/// Bytes like those of a smooth field of 4-byte numbers: compressible, not trivial.
pub fn sample(bytes: usize) -> Vec<u8> {
    let mut random = Xorshift::new(bytes as u64 + 77);
    let cells = (0..=bytes / 4).flat_map(|at| {
        let value = (1000.0 * (at as f32 / 50.0).sin()) as i32 * 4 + (random.below(3) as i32);
        value.to_le_bytes()
    });
    cells.take(bytes).collect()
}

/// Plain bytes of several sizes and kinds come back through every door, and encoding is deterministic.
pub fn check_round_trips(codec: &dyn Codec) {
    let mut context = Context::new();
    let mut random = Xorshift::new(5);
    let noise: Vec<u8> = (0..100_000).map(|_| random.next() as u8).collect();
    let zeros = vec![0; 70_000];
    let field = sample(300_000);
    for bytes in [
        0, 1, 2, 7, 8, 15, 16, 17, 100, 127, 128, 129, 1000, 1024, 4096, 65_536, 70_000, 100_000, 300_000,
    ] {
        for source in [&field, &noise, &zeros] {
            let plain = &source[..bytes.min(source.len())];
            check_round_trip(codec, plain, &mut context);
        }
    }
}

/// One piece of plain bytes through every door.
pub fn check_round_trip(codec: &dyn Codec, plain: &[u8], context: &mut Context) {
    let mut stored = vec![1, 2, 3];
    codec.encode(plain, &mut stored, context).unwrap();
    let mut again = Vec::new();
    codec.encode(plain, &mut again, &mut Context::new()).unwrap();
    assert_eq!(stored[..3], [1, 2, 3]);
    let stored = &stored[3..];
    assert!(stored == again, "{} is not deterministic", codec.name());
    if let Some(bytes) = codec.stored_bytes(plain.len()) {
        assert_eq!(bytes, stored.len());
    }
    let mut back = vec![0xAA; plain.len()];
    codec.decode(stored, &mut back, context).unwrap();
    assert!(back == plain, "{} of {} bytes", codec.name(), plain.len());
    let mut back = vec![9];
    codec.decode_unsized(stored, &mut back, plain.len(), context).unwrap();
    assert!(
        back[0] == 9 && back[1..] == *plain,
        "{} of {} bytes",
        codec.name(),
        plain.len()
    );
    if !plain.is_empty() {
        codec
            .decode_unsized(stored, &mut back, plain.len() - 1, context)
            .unwrap_err();
        codec
            .decode(stored, &mut vec![0; plain.len() - 1], context)
            .unwrap_err();
    }
    codec
        .decode(stored, &mut vec![0; plain.len() + 1], context)
        .unwrap_err();
    if let Some(inside) = codec.decode_in_place(stored) {
        assert!(inside.unwrap() == plain);
    }
    let (start, end) = (plain.len() / 3, plain.len() / 3 + plain.len() / 2);
    let mut part = vec![0xAA; end - start];
    if codec.decode_range(stored, start, &mut part, context).unwrap() {
        assert!(
            part == plain[start..end],
            "{} range {start}..{end} of {}",
            codec.name(),
            plain.len()
        );
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// Plain bytes, what another writer stored for them, and what it read back (all in hexadecimal, little endian).
pub fn check_golden(codec: &dyn Codec, plain: &str, stored: &str, back: &str) {
    let mut context = Context::new();
    let mut ours = Vec::new();
    codec.encode(&unhex(plain), &mut ours, &mut context).unwrap();
    assert_eq!(ours, unhex(stored));
    let mut read = vec![0xAA; back.len() / 2];
    codec.decode(&ours, &mut read, &mut context).unwrap();
    assert_eq!(read, unhex(back));
}

/// Damaged stored bytes, thrown at every door of a decoder. Nothing is asked of the answers but that they come.
pub struct Mutants<'a> {
    codec: &'a dyn Codec,
    rounds: usize,
    seeds: Vec<(Vec<u8>, usize)>,
}

impl<'a> Mutants<'a> {
    /// Mutants of what `codec` itself writes.
    pub fn of(codec: &'a dyn Codec, rounds: usize) -> Self {
        let mut context = Context::new();
        let seeds = [0, 1, 64, 1000, 20_000].map(|bytes| {
            let mut stored = Vec::new();
            codec.encode(&sample(bytes), &mut stored, &mut context).unwrap();
            (stored, bytes)
        });
        Self {
            codec,
            rounds,
            seeds: seeds.into(),
        }
    }

    /// Mutants of the given stored bytes, each with the size of its plain side.
    pub fn from(codec: &'a dyn Codec, rounds: usize, seeds: Vec<(Vec<u8>, usize)>) -> Self {
        Self { codec, rounds, seeds }
    }

    pub fn run(&self) {
        let mut random = Xorshift::new(99);
        let mut context = Context::new();
        for round in 0..self.rounds {
            let (seed, plain) = &self.seeds[round % self.seeds.len()];
            let mut stored = seed.clone();
            for _ in 0..random.below(4) {
                let at = random.below(stored.len());
                // Headers hold the dangerous numbers: half of the damage is done there.
                let at = if random.below(2) == 0 {
                    at.min(random.below(32))
                } else {
                    at
                };
                match random.below(8) {
                    0 => stored.truncate(at),
                    1 => stored.extend((0..random.below(40)).map(|_| 0x5A)),
                    2 => stored = (0..random.below(200)).map(|_| random.next() as u8).collect(),
                    3 if at < stored.len() => drop(stored.remove(at)),
                    4 if at < stored.len() => stored[at] = [0, 0xFF, 0x7F, 0x80][random.below(4)],
                    _ if at < stored.len() => stored[at] ^= 1 << random.below(8),
                    _ => {}
                }
            }
            let bytes = [*plain, *plain, *plain, plain + 1, plain / 2, 0][random.below(6)];
            let mut back = vec![0; bytes];
            let _ = self.codec.decode(&stored, &mut back, &mut context);
            let mut grown = Vec::new();
            let done = self.codec.decode_unsized(&stored, &mut grown, bytes, &mut context);
            assert!(done.is_err() || grown.len() <= bytes);
            let _ = self.codec.decode_in_place(&stored);
            let start = random.below(*plain + 2);
            let mut part = vec![0; random.below(*plain + 2 - start)];
            let _ = self.codec.decode_range(&stored, start, &mut part, &mut context);
            context.arena.clear();
        }
    }
}
