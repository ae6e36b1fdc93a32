//! The records of an archive that is written: headers, directory, end.
//!
//! Objects are stored as they are, headers say all sizes, and numbers have their long form only where they need it. Times are
//! those of no clock, so that the same objects give the same bytes.
//!
//! Source: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.4.

use crate::stores::zip::directory::HEADER_BYTES;

/// Names longer than this have no place in a header.
pub(in crate::stores::zip) const NAME_BYTES: usize = 0xffff;
/// As much as the end of an archive can say of it.
const COMMENT_BYTES: usize = 0xffff;

/// 1 January 1980, where the format's time begins.
const DATE: u16 = 0x21;
/// Made by this version of the format (4.5, which has long numbers), on Unix, as a file that its owner may write.
const MADE_BY: u16 = 45 + 3 * 0x100;
const FILE: u32 = 0o100_644 << 16;
/// The flag of names in UTF-8, and the one of an encrypted object.
const UTF8: u16 = 1 << 11;
const ENCRYPTED: u16 = 1;

/// What the records say of an object.
#[derive(Clone, Copy)]
pub(in crate::stores::zip) struct Said<'a> {
    pub name: &'a str,
    pub bytes: u64,
    pub stored_bytes: u64,
    pub crc: u32,
    /// The flags and the number of the method, of an object that another archive has; zeros for one that is stored.
    pub words: (u16, u16),
}

impl Said<'_> {
    fn is_long(&self) -> bool {
        self.bytes >= u64::from(u32::MAX) || self.stored_bytes >= u64::from(u32::MAX)
    }

    /// Version needed, flags, method, time and date.
    fn words(&self, long: bool) -> [u16; 5] {
        let utf8 = if self.name.is_ascii() { 0 } else { UTF8 };
        let needs = if long { 45 } else { 20 };
        [needs, self.words.0 & ENCRYPTED | utf8, self.words.1, 0, DATE]
    }

    /// Bytes of the header.
    pub fn header_bytes(&self) -> u64 {
        (HEADER_BYTES + self.name.len() + if self.is_long() { 20 } else { 0 }) as u64
    }

    /// The header before the object's bytes.
    pub fn header(&self, into: &mut Vec<u8>) {
        let long = self.is_long();
        into.extend(b"PK\x03\x04");
        words(&self.words(long), into);
        into.extend(self.crc.to_le_bytes());
        for number in [self.stored_bytes, self.bytes] {
            into.extend(shown(number, long).to_le_bytes());
        }
        words(&[self.name.len() as u16, if long { 20 } else { 0 }], into);
        into.extend(self.name.as_bytes());
        if long {
            words(&[1, 16], into);
            into.extend(
                [self.bytes, self.stored_bytes]
                    .iter()
                    .flat_map(|number| number.to_le_bytes()),
            );
        }
    }

    /// The entry of the directory for an object whose header is at `at`.
    pub fn entry(&self, at: u64, into: &mut Vec<u8>) {
        let (long, far) = (self.is_long(), at >= u64::from(u32::MAX));
        into.extend(b"PK\x01\x02");
        words(&[MADE_BY], into);
        words(&self.words(long || far), into);
        into.extend(self.crc.to_le_bytes());
        for number in [self.stored_bytes, self.bytes] {
            into.extend(shown(number, long).to_le_bytes());
        }
        let mut extra = Vec::new();
        if long {
            extra.extend([self.bytes, self.stored_bytes]);
        }
        if far {
            extra.push(at);
        }
        let extra_bytes = if extra.is_empty() {
            0
        } else {
            4 + 8 * extra.len() as u16
        };
        words(&[self.name.len() as u16, extra_bytes, 0, 0, 0], into);
        into.extend(FILE.to_le_bytes());
        into.extend(shown(at, far).to_le_bytes());
        into.extend(self.name.as_bytes());
        if extra_bytes > 0 {
            words(&[1, extra_bytes - 4], into);
            into.extend(extra.iter().flat_map(|number| number.to_le_bytes()));
        }
    }
}

/// The end of an archive: where its directory is, and what the archive says of itself. In the long form where numbers need it
/// or `long` asks for it.
pub(in crate::stores::zip) fn end(
    count: u64,
    directory_at: u64,
    directory_bytes: u64,
    long: bool,
    comment: &[u8],
    into: &mut Vec<u8>,
) {
    let far = directory_at >= u64::from(u32::MAX) || directory_bytes >= u64::from(u32::MAX) || count >= 0xffff;
    if far || long {
        let at = directory_at + directory_bytes;
        into.extend(b"PK\x06\x06");
        into.extend(44_u64.to_le_bytes());
        words(&[MADE_BY, 45, 0, 0, 0, 0], into);
        into.extend(
            [count, count, directory_bytes, directory_at]
                .iter()
                .flat_map(|number| number.to_le_bytes()),
        );
        into.extend(b"PK\x06\x07\0\0\0\0");
        into.extend(at.to_le_bytes());
        into.extend(1_u32.to_le_bytes());
    }
    let comment = &comment[..comment.len().min(COMMENT_BYTES)];
    let count = count.min(0xffff) as u16;
    into.extend(b"PK\x05\x06\0\0\0\0");
    words(&[count, count], into);
    into.extend((directory_bytes.min(u64::from(u32::MAX)) as u32).to_le_bytes());
    into.extend((directory_at.min(u64::from(u32::MAX)) as u32).to_le_bytes());
    words(&[comment.len() as u16], into);
    into.extend(comment);
}

fn shown(number: u64, long: bool) -> u32 {
    if long { u32::MAX } else { number as u32 }
}

fn words(words: &[u16], into: &mut Vec<u8>) {
    into.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}
