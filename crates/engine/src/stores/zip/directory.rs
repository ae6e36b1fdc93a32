//! The directory at the end of a zip archive. Nothing in it is believed: an archive may come from anybody.
//!
//! Memory and work are bounded by the bytes the file really has. What points outside the file, or at another entry's
//! bytes, or promises more bytes than deflate can give, makes the archive as a whole damaged.
//!
//! Source: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.4.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Crc;

use crate::store::{Error, Object, Result};
use crate::stores::keys::{check_key, is_reserved};

/// Bytes of the header before each object, without its name.
pub(super) const HEADER_BYTES: usize = 30;

/// Bytes of an entry of the directory, without its name.
const ENTRY_BYTES: usize = 46;
/// Bytes of the record at the end of the archive, without its comment.
const END_BYTES: usize = 22;
/// Bytes of the record that leads to the long form of that record, and of that.
const LOCATOR_BYTES: usize = 20;
const LONG_END_BYTES: usize = 56;
/// The end of an archive is within so many bytes of the end of its file.
pub(super) const TAIL_BYTES: u64 = (END_BYTES + 0xffff) as u64;
/// No directory is read that is larger: it would have some ten million names.
const DIRECTORY_BYTES: u64 = 1 << 30;
/// Deflate makes of one byte no more than this many.
const DEFLATE_RATIO: u64 = 1032;
/// And other ways, of which the objects are listed and not read: sums of their sizes still fit in a number.
const OTHER_RATIO: u64 = 1 << 20;

/// Extra fields of a header rarely have more bytes than this.
const EXTRA_BYTES: u64 = 512;

/// Extra fields: numbers that did not fit in 32 bits, and a name in Unicode.
const LONG_NUMBERS: u16 = 0x0001;
const UNICODE_NAME: u16 = 0x7075;

const HEADER_MARK: &[u8] = b"PK\x03\x04";
const ENTRY_MARK: &[u8] = b"PK\x01\x02";
const END_MARK: &[u8] = b"PK\x05\x06";
const LONG_END_MARK: &[u8] = b"PK\x06\x06";
const LOCATOR_MARK: &[u8] = b"PK\x06\x07";

/// How the bytes of an object are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
    /// A way that is not read, and why.
    Other(Unread),
}

/// Why an entry is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    Encrypted,
    Method(u16),
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Encrypted => f.write_str("it is encrypted in the archive"),
            Self::Method(number) => {
                write!(
                    f,
                    "it is compressed with method {number} of the zip format; stored (0) and deflated (8) are read"
                )
            }
        }
    }
}

/// One object of the archive.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where its header is.
    pub header: u64,
    /// Bytes it takes in the archive.
    pub stored_bytes: u64,
    /// Bytes it has.
    pub bytes: u64,
    pub crc: u32,
    pub method: Method,
    /// The flags and the number of the method, as the archive has them.
    pub words: (u16, u16),
    /// Bytes of its name in the archive, which may be in an old code page.
    name_bytes: u16,
    /// Where the next header, or the directory, is: the entry's bytes end before it.
    pub room_end: u64,
    /// Where its bytes begin; zero as long as nobody has looked.
    pub begin: AtomicU64,
}

impl Entry {
    /// Where its bytes begin at the earliest.
    fn earliest(&self) -> u64 {
        self.header + HEADER_BYTES as u64 + u64::from(self.name_bytes)
    }

    /// Whether there is room for its bytes and for nothing else: then they begin right behind the name.
    pub fn is_tight(&self) -> bool {
        self.room_end - self.earliest() == self.stored_bytes
    }

    /// Whether the archive has the name in just these bytes.
    pub fn name_is(&self, name: &str) -> bool {
        usize::from(self.name_bytes) == name.len()
    }

    /// Where its bytes begin, where that is known without a look at its header.
    pub fn begin_known(&self) -> Option<u64> {
        let known = self.begin.load(Ordering::Relaxed);
        if known > 0 {
            return Some(known);
        }
        self.is_tight().then(|| self.earliest())
    }

    /// Where a read from its header on may stop that is to have its bytes, whatever fields its header has.
    pub fn reach(&self) -> u64 {
        self.room_end.min(self.earliest() + self.stored_bytes + EXTRA_BYTES)
    }
}

/// Where an object's bytes begin, as its header says; `None` when that is no header.
pub(super) fn begin(header: &[u8], at: u64) -> Option<u64> {
    if !header.starts_with(HEADER_MARK) {
        return None;
    }
    at.checked_add((HEADER_BYTES + usize::from(u16_at(header, 26)?) + usize::from(u16_at(header, 28)?)) as u64)
}

/// What the directory says.
#[derive(Debug)]
pub(super) struct Directory {
    pub entries: BTreeMap<String, Entry>,
    /// Where the objects end.
    pub objects_end: u64,
    /// What the archive says of itself at its very end.
    pub comment: Vec<u8>,
}

/// Where the directory lies and how many entries it should have.
struct Place {
    entries: u64,
    bytes: u64,
    offset: u64,
    /// Where the directory must end at the latest.
    end: u64,
    long: bool,
    comment: Vec<u8>,
}

/// Reads the directory of an archive.
pub(super) fn read(archive: &dyn Object, url: &str) -> Result<Directory> {
    let place = find(archive, url)?;
    let damaged = |why: &str| Error::corrupt(url, format!("the archive is damaged: {why}"));
    if place.bytes > place.end || place.bytes > DIRECTORY_BYTES {
        return Err(damaged("its directory is larger than the file, or than is read"));
    }
    // Archives may begin with something else, such as a program that unpacks them; all places then count from behind it.
    let start = place.end - place.bytes;
    let shift = start
        .checked_sub(place.offset)
        .ok_or_else(|| damaged("its directory lies behind the end of the file"))?;
    let mut bytes = Vec::new();
    archive.append_at(start, place.bytes, &mut bytes)?;

    let mut directory = Directory {
        entries: BTreeMap::new(),
        objects_end: start,
        comment: place.comment,
    };
    let (mut spans, mut count) = (Vec::new(), 0_u64);
    let mut left = &bytes[..];
    while !left.is_empty() {
        let (name, entry, rest) = parse_entry(left, shift).ok_or_else(|| damaged("its directory cannot be read"))?;
        (left, count) = (rest, count + 1);
        let end = entry
            .header
            .checked_add(HEADER_BYTES as u64 + u64::from(entry.name_bytes))
            .and_then(|begin| begin.checked_add(entry.stored_bytes));
        let Some(end) = end.filter(|end| *end <= start) else {
            return Err(damaged(&format!("{name:?} lies outside the file")));
        };
        let plausible = match entry.method {
            Method::Stored => entry.bytes == entry.stored_bytes,
            Method::Deflated => entry.bytes <= entry.stored_bytes.saturating_mul(DEFLATE_RATIO),
            Method::Other(_) => entry.bytes <= entry.stored_bytes.saturating_mul(OTHER_RATIO),
        };
        if !plausible {
            return Err(damaged(&format!("{name:?} cannot have {} bytes", entry.bytes)));
        }
        spans.push((entry.header, end));
        // A name with a slash at its end is a folder and no object; what was half written when it was packed is none either.
        if name.ends_with('/') || name.rsplit('/').next().is_some_and(is_reserved) {
            continue;
        }
        if name.contains('\\') {
            return Err(Error::refused(
                name,
                format!("{url} separates names by backslashes, which is not what zip says"),
            ));
        }
        check_key(&name)?;
        // Of two entries with one name the later one is meant: archives that were added to have both.
        directory.entries.insert(name, entry);
    }
    let counted = if place.long { count } else { count & 0xffff };
    if counted != place.entries {
        return Err(damaged(&format!(
            "its directory has {count} entries and should have {}",
            place.entries
        )));
    }
    spans.sort_unstable();
    if spans.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        return Err(damaged("two of its entries share bytes"));
    }
    for entry in directory.entries.values_mut() {
        let next = spans.partition_point(|span| span.0 <= entry.header);
        entry.room_end = spans.get(next).map_or(start, |span| span.0);
    }
    Ok(directory)
}

/// Finds the record at the end of the archive, and its long form where numbers did not fit.
fn find(archive: &dyn Object, url: &str) -> Result<Place> {
    let no_archive = || Error::corrupt(url, "it is no zip archive, or its end is missing");
    let tail_start = archive.bytes().saturating_sub(TAIL_BYTES);
    let mut tail = Vec::new();
    archive.append_at(tail_start, archive.bytes() - tail_start, &mut tail)?;
    let at = (0..=tail.len().checked_sub(END_BYTES).ok_or_else(no_archive)?)
        .rev()
        .find(|&at| {
            // The comment goes up to the end of the file.
            let comment = u16_at(&tail, at + 20).map(usize::from);
            tail[at..].starts_with(END_MARK) && comment == Some(tail.len() - at - END_BYTES)
        })
        .ok_or_else(no_archive)?;
    let end = &tail[at..];
    let place = Place {
        entries: u16_at(end, 10).ok_or_else(no_archive)?.into(),
        bytes: u32_at(end, 12).ok_or_else(no_archive)?.into(),
        offset: u32_at(end, 16).ok_or_else(no_archive)?.into(),
        end: tail_start + at as u64,
        long: false,
        comment: end[END_BYTES..].to_vec(),
    };
    // The long form is what counts where there is one, also when all numbers would have fit.
    if let Some(long) = find_long(archive, url, &place)? {
        return Ok(long);
    }
    if end[4..8] != [0; 4] || end[8..10] != end[10..12] {
        return Err(Error::corrupt(url, "the archive is split over several files"));
    }
    Ok(place)
}

/// The long form of the record at the end; `None` when there is none.
fn find_long(archive: &dyn Object, url: &str, short: &Place) -> Result<Option<Place>> {
    let damaged = || Error::corrupt(url, "the archive is damaged: its long directory record cannot be read");
    let Some(locator_at) = short.end.checked_sub(LOCATOR_BYTES as u64) else {
        return Ok(None);
    };
    let mut locator = [0; LOCATOR_BYTES];
    archive.read_at(locator_at, &mut locator)?;
    if !locator.starts_with(LOCATOR_MARK) {
        return Ok(None);
    }
    // Where it says, or, when something was put before the archive, right before the record that says so.
    let said = u64_at(&locator, 8).ok_or_else(damaged)?;
    let mut record = [0; LONG_END_BYTES];
    for at in [Some(said), locator_at.checked_sub(LONG_END_BYTES as u64)]
        .into_iter()
        .flatten()
    {
        if at.checked_add(LONG_END_BYTES as u64).is_none_or(|end| end > locator_at) {
            continue;
        }
        archive.read_at(at, &mut record)?;
        if record.starts_with(LONG_END_MARK) {
            let field = |at| u64_at(&record, at).ok_or_else(damaged);
            if record[16..24] != [0; 8] || record[24..32] != record[32..40] {
                return Err(Error::corrupt(url, "the archive is split over several files"));
            }
            return Ok(Some(Place {
                entries: field(32)?,
                bytes: field(40)?,
                offset: field(48)?,
                end: at,
                long: true,
                comment: short.comment.clone(),
            }));
        }
    }
    let full = short.entries == 0xffff || short.bytes == 0xffff_ffff || short.offset == 0xffff_ffff;
    if full { Err(damaged()) } else { Ok(None) }
}

/// One entry of the directory, its name, and what follows it.
fn parse_entry(bytes: &[u8], shift: u64) -> Option<(String, Entry, &[u8])> {
    let fixed = bytes.get(..ENTRY_BYTES)?;
    if !fixed.starts_with(ENTRY_MARK) {
        return None;
    }
    let length = |at| u16_at(fixed, at).map(usize::from);
    let (name_bytes, extra_bytes, comment_bytes) = (length(28)?, length(30)?, length(32)?);
    let name = bytes.get(ENTRY_BYTES..ENTRY_BYTES + name_bytes)?;
    let extra = bytes.get(ENTRY_BYTES + name_bytes..ENTRY_BYTES + name_bytes + extra_bytes)?;
    let rest = bytes.get(ENTRY_BYTES + name_bytes + extra_bytes + comment_bytes..)?;

    let mut long = extra_field(extra, LONG_NUMBERS);
    let mut number = |at| match u32_at(fixed, at)? {
        u32::MAX => {
            let (now, later) = long.split_at_checked(8)?;
            long = later;
            u64_at(now, 0)
        }
        number => Some(u64::from(number)),
    };
    // In this order: an extra field has only those numbers that did not fit.
    let (size, stored_bytes, header) = (number(24)?, number(20)?, number(42)?);
    let method = match (u16_at(fixed, 8)? & 1, u16_at(fixed, 10)?) {
        (1, _) => Method::Other(Unread::Encrypted),
        (_, 0) => Method::Stored,
        (_, 8) => Method::Deflated,
        (_, other) => Method::Other(Unread::Method(other)),
    };
    let entry = Entry {
        header: header.checked_add(shift)?,
        stored_bytes,
        bytes: size,
        crc: u32_at(fixed, 16)?,
        method,
        words: (u16_at(fixed, 8)?, u16_at(fixed, 10)?),
        name_bytes: u16_at(fixed, 28)?,
        room_end: 0,
        begin: AtomicU64::new(0),
    };
    let name = unicode_name(extra, name).map_or_else(|| text(name), str::to_owned);
    Some((name, entry, rest))
}

/// One of the extra fields of an entry; empty when it is not there.
fn extra_field(mut extra: &[u8], wanted: u16) -> &[u8] {
    while let (Some(kind), Some(bytes)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let Some((field, rest)) = extra[4..].split_at_checked(bytes.into()) else {
            break;
        };
        if kind == wanted {
            return field;
        }
        extra = rest;
    }
    &[]
}

/// The name as Unicode where an extra field gives it, and gives it for this name: who renames an entry may not know it.
fn unicode_name<'a>(extra: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let (version, rest) = extra_field(extra, UNICODE_NAME).split_first()?;
    let mut crc = Crc::new();
    crc.update(name);
    let meant = *version == 1 && u32_at(rest, 0)? == crc.sum();
    std::str::from_utf8(rest.get(4..)?).ok().filter(|_| meant)
}

/// A name as text: UTF-8 where it is that, whatever its flag says, for many writers forget the flag; else code page 437.
fn text(name: &[u8]) -> String {
    const UPPER: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
        └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
    let old = |byte: &u8| match byte {
        0..=127 => Some(char::from(*byte)),
        128.. => UPPER.chars().nth(usize::from(*byte) - 128),
    };
    std::str::from_utf8(name).map_or_else(|_| name.iter().filter_map(old).collect(), str::to_owned)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}
