//! Packs archives of every kind, for tests.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Form {
    #[default]
    Short,
    Long,
    /// Long, and at the end once more short.
    Both,
}

impl Form {
    pub(super) fn of(short: bool, both: bool) -> Self {
        if short {
            return Self::Short;
        }
        if both { Self::Both } else { Self::Long }
    }
}

/// How an archive is packed.
#[derive(Clone, Copy, Default)]
pub(super) struct Packing {
    pub(super) deflated: bool,
    /// Sizes come after the bytes, and the header before them has zeros.
    pub(super) descriptors: bool,
    /// The form numbers are written in.
    pub(super) numbers: Form,
    /// Something else comes first.
    pub(super) before: &'static [u8],
    pub(super) comment: &'static [u8],
}

pub(super) fn checksum(value: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(value);
    crc.sum()
}

fn numbers(words: &[u16], into: &mut Vec<u8>) {
    into.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

fn longs(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// An archive of these objects; a name with a slash at its end is a folder.
pub(super) fn pack(objects: &[(&str, &[u8])], packing: Packing) -> Vec<u8> {
    let (mut archive, mut directory) = (packing.before.to_vec(), Vec::new());
    for (name, value) in objects {
        let header = (archive.len() - packing.before.len()) as u32;
        let stored = if packing.deflated {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(value).expect("an encoder in memory");
            encoder.finish().expect("an encoder in memory")
        } else {
            value.to_vec()
        };
        let (flags, method) = (
            if packing.descriptors { 8 } else { 0 },
            if packing.deflated { 8 } else { 0 },
        );
        let sizes = [checksum(value), stored.len() as u32, value.len() as u32];
        let sizes_before = if packing.descriptors { [0; 3] } else { sizes };
        archive.extend(b"PK\x03\x04");
        numbers(&[20, flags, method, 0, 0], &mut archive);
        archive.extend(sizes_before.iter().flat_map(|size| size.to_le_bytes()));
        // An extra field that the directory does not have: only the header knows where the bytes begin.
        numbers(&[name.len() as u16, 7], &mut archive);
        archive.extend(name.as_bytes());
        archive.extend(b"xx\x03\0abc");
        archive.extend(&stored);
        if packing.descriptors {
            archive.extend(b"PK\x07\x08");
            archive.extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
        }
        let long = packing.numbers != Form::Short;
        let extra = if long {
            [
                &b"zz\x01\0!\x01\0\x18\0"[..],
                &longs(&[value.len() as u64, stored.len() as u64, header.into()]),
            ]
            .concat()
        } else {
            Vec::new()
        };
        let shown = |number: u32| if long { u32::MAX } else { number }.to_le_bytes();
        directory.extend(b"PK\x01\x02");
        numbers(&[20, 20, flags, method, 0, 0], &mut directory);
        directory.extend(sizes[0].to_le_bytes());
        directory.extend(shown(sizes[1]));
        directory.extend(shown(sizes[2]));
        numbers(&[name.len() as u16, extra.len() as u16, 2, 0, 0, 0, 0], &mut directory);
        directory.extend(shown(header));
        directory.extend(name.as_bytes());
        directory.extend(&extra);
        directory.extend(b"??");
    }
    let start = (archive.len() - packing.before.len()) as u64;
    let (count, bytes) = (objects.len() as u64, directory.len() as u64);
    archive.extend(&directory);
    if packing.numbers != Form::Short {
        let at = (archive.len() - packing.before.len()) as u64;
        archive.extend(b"PK\x06\x06");
        archive.extend(longs(&[44]));
        numbers(&[45, 45, 0, 0, 0, 0], &mut archive);
        archive.extend(longs(&[count, count, bytes, start]));
        archive.extend(b"PK\x06\x07\0\0\0\0");
        archive.extend(longs(&[at]));
        archive.extend(1_u32.to_le_bytes());
    }
    archive.extend(b"PK\x05\x06\0\0\0\0");
    let (count, bytes, start) = if packing.numbers == Form::Long {
        (u16::MAX, u32::MAX, u32::MAX)
    } else {
        (count as u16, bytes as u32, start as u32)
    };
    numbers(&[count, count], &mut archive);
    archive.extend(bytes.to_le_bytes());
    archive.extend(start.to_le_bytes());
    numbers(&[packing.comment.len() as u16], &mut archive);
    archive.extend(packing.comment);
    archive
}
