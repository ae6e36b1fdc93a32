//! The header that `zfpy` puts before the blocks, and the limits that each way to compress stands for.

use super::bits::{Reader, Writer};
use super::block::{LEAST_EXPONENT, Limits};

const MAGIC: u64 = u32::from_le_bytes(*b"zfp\x05") as u64;
const META_BITS: u32 = 52;
const SHORT_BITS: u32 = 12;
const LONG_MARK: u64 = 0xfff;
const MOST_BITS: u32 = 16_658;
const MOST_PLANES: u32 = 64;

/// Nothing is limited.
const ALL: Limits = Limits {
    min_bits: 1,
    max_bits: MOST_BITS,
    max_planes: MOST_PLANES,
    min_exponent: LEAST_EXPONENT,
};

/// Every bit comes back.
pub const REVERSIBLE: Limits = Limits {
    min_exponent: LEAST_EXPONENT - 1,
    ..ALL
};

/// Floats are off by no more than `tolerance`.
pub fn accuracy(tolerance: f64) -> Limits {
    let mut min_exponent = LEAST_EXPONENT;
    if tolerance > 0.0 {
        let (mut number, mut extra) = (tolerance, 0);
        if number < f64::MIN_POSITIVE {
            (number, extra) = (number * 2_f64.powi(64), 64);
        }
        min_exponent = (number.to_bits() >> 52) as i32 - 1023 - extra;
    }
    Limits { min_exponent, ..ALL }
}

/// Every block has the same number of bits.
pub fn rate(bits: u32) -> Limits {
    Limits {
        min_bits: bits,
        max_bits: bits,
        ..ALL
    }
}

/// So many bit planes, 0 for all.
pub fn precision(planes: u32) -> Limits {
    let max_planes = if planes == 0 {
        MOST_PLANES
    } else {
        planes.min(MOST_PLANES)
    };
    Limits { max_planes, ..ALL }
}

/// What the header says of the numbers: their type (0 to 3: i32, i64, f32, f64) and how many there are along each axis, slowest
/// first.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: u64,
    pub shape: Vec<u64>,
    pub limits: Limits,
}

fn axis_bits(axes: usize) -> u32 {
    48 / axes as u32
}

impl Header {
    /// Writes it; `None` when an axis is too long for it.
    pub fn write(&self, writer: &mut Writer) -> Option<()> {
        let axes = self.shape.len();
        let mut meta = 0;
        for extent in &self.shape {
            let last = extent.checked_sub(1)?;
            if last >> axis_bits(axes) != 0 {
                return None;
            }
            meta = meta << axis_bits(axes) | last;
        }
        meta = (meta << 2 | (axes as u64 - 1)) << 2 | self.kind;
        writer.bits(MAGIC, 32);
        writer.bits(meta, META_BITS);
        let limits = self.limits;
        let short = if limits.min_bits == limits.max_bits && limits.max_bits <= 2048 {
            Some(u64::from(limits.max_bits - 1))
        } else if (limits.min_bits, limits.max_bits) != (ALL.min_bits, ALL.max_bits) {
            None
        } else if limits == REVERSIBLE {
            Some(2176)
        } else if limits.min_exponent == LEAST_EXPONENT && limits.max_planes < MOST_PLANES {
            Some(2048 + u64::from(limits.max_planes - 1))
        } else if limits.max_planes == MOST_PLANES && (LEAST_EXPONENT + 1..=843).contains(&limits.min_exponent) {
            Some(2177 + (limits.min_exponent - LEAST_EXPONENT) as u64)
        } else {
            None
        };
        if let Some(short) = short {
            writer.bits(short, SHORT_BITS);
        } else {
            let field = |number: u32, bits: u32| u64::from(number.clamp(1, 1 << bits) - 1);
            let exponent = (limits.min_exponent + 16_495).clamp(0, 0x7fff) as u64;
            let mode = exponent << 7 | field(limits.max_planes, 7);
            let mode = (mode << 15 | field(limits.max_bits, 15)) << 15 | field(limits.min_bits, 15);
            writer.bits(mode << SHORT_BITS | LONG_MARK, 64);
        }
        Some(())
    }

    /// Reads it; otherwise what is wrong with it.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, &'static str> {
        if reader.bits(32) != MAGIC {
            return Err("the stored bytes do not begin as zfp's do");
        }
        let meta = reader.bits(META_BITS);
        let axes = (meta >> 2 & 3) as usize + 1;
        let mask = (1 << axis_bits(axes)) - 1;
        let extent = |axis: usize| (meta >> (4 + axis_bits(axes) * axis as u32) & mask) + 1;
        let limits = match reader.bits(SHORT_BITS) {
            LONG_MARK => {
                let planes = |shift: u32, mask: u64, mode: u64| (mode >> shift & mask) as u32 + 1;
                let mode = reader.bits(64 - SHORT_BITS);
                Limits {
                    min_bits: planes(0, 0x7fff, mode),
                    max_bits: planes(15, 0x7fff, mode),
                    max_planes: planes(30, 0x7f, mode),
                    min_exponent: (mode >> 37 & 0x7fff) as i32 - 16_495,
                }
            }
            mode @ 0..2048 => rate(mode as u32 + 1),
            mode @ 2048..2176 => Limits {
                max_planes: mode as u32 - 2047,
                ..ALL
            },
            2176 => REVERSIBLE,
            mode => Limits {
                min_exponent: mode as i32 - 2177 + LEAST_EXPONENT,
                ..ALL
            },
        };
        if limits.min_bits > limits.max_bits || limits.max_planes > MOST_PLANES {
            return Err("its header bounds the blocks by what cannot be");
        }
        if reader.is_overrun() {
            return Err("its header is cut short");
        }
        Ok(Self {
            kind: meta & 3,
            shape: (0..axes).rev().map(extent).collect(),
            limits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_whatever_the_limits() {
        let expert = Limits {
            min_bits: 30,
            max_bits: 4000,
            max_planes: 20,
            min_exponent: -40,
        };
        for limits in [
            REVERSIBLE,
            ALL,
            accuracy(0.01),
            accuracy(1e300),
            accuracy(5e-324),
            rate(9),
            rate(5000),
            precision(13),
            precision(0),
            expert,
        ] {
            for shape in [
                vec![7],
                vec![1 << 40],
                vec![3, 1 << 24],
                vec![1, 65_536, 2],
                vec![4096, 1, 2, 3],
            ] {
                let header = Header { kind: 2, shape, limits };
                let mut writer = Writer::default();
                header.write(&mut writer).unwrap();
                assert_eq!(Header::read(&mut Reader::new(&writer.finish())).unwrap(), header);
            }
        }
        let header = Header {
            kind: 0,
            shape: vec![1, (1 << 24) + 1],
            limits: REVERSIBLE,
        };
        assert!(header.write(&mut Writer::default()).is_none());
    }

    #[test]
    fn the_tolerance_is_rounded_down_to_a_power_of_two() {
        for (tolerance, exponent) in [
            (1.0, 0),
            (0.75, -1),
            (0.01, -7),
            (3.0, 1),
            (5e-324, -1074),
            (1e-310, -1030),
            (0.0, -1074),
        ] {
            assert_eq!(accuracy(tolerance).min_exponent, exponent);
        }
    }
}
