//! From a file to a buffer, with as few calls as there can be and no byte written twice.

use std::sync::Arc;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{FileType, Stat, fstat};
use rustix::io::{Errno, pread, retry_on_intr};

use super::{Local, spot};
use crate::store::{Error, Found, Object, Range, Result, Version};
use crate::stores::keys::reserve;
use crate::stores::memory::{check_within, short};

/// What one call of the system is asked for at most; Linux gives no more than 2 GiB less a page at once.
const CALL_BYTES: usize = 1 << 30;

/// The room offered to an object whose size is not known lies between these. One that is larger costs a look at its size,
/// which is little beside copying it; a caller that keeps its buffer offers what that has.
const GUESS_BYTES: std::ops::RangeInclusive<u64> = 4096..=100_000;

pub(super) enum Failure {
    System(Errno),
    Said(Error),
}

impl From<Errno> for Failure {
    fn from(cause: Errno) -> Self {
        Self::System(cause)
    }
}

impl From<Error> for Failure {
    fn from(cause: Error) -> Self {
        Self::Said(cause)
    }
}

/// The room to offer next time; `None` when what was offered will do. It seldom changes: threads that write to one place
/// keep each other waiting.
pub(super) fn next_guess(guess_bytes: usize, object_bytes: u64) -> Option<usize> {
    let wanted = object_bytes
        .saturating_add(object_bytes / 8 + 1)
        .clamp(*GUESS_BYTES.start(), *GUESS_BYTES.end()) as usize;
    (wanted > guess_bytes || wanted < guess_bytes / 4).then_some(wanted)
}

/// Whether a read that is shorter than asked has met the end of the file. The file systems of a machine keep to that; of
/// those on a network, or in another process, one asks again.
pub(super) fn short_is_end(file: &OwnedFd) -> bool {
    #[cfg(target_os = "linux")]
    {
        // bcachefs btrfs erofs ext2-4 f2fs overlay ramfs squashfs tmpfs xfs zfs
        const KNOWN: [u32; 11] = [
            0xca45_1a4e,
            0x9123_683e,
            0xe0f5_e1e2,
            0xef53,
            0xf2f5_2010,
            0x794c_7630,
            0x8584_58f6,
            0x7371_7368,
            0x0102_1994,
            0x5846_5342,
            0x2fc1_2fc1,
        ];
        rustix::fs::fstatfs(file).is_ok_and(|stat| KNOWN.contains(&(stat.f_type as u32)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        false
    }
}

/// Appends a whole file. Nothing is asked of the system but the bytes, as long as they fit in the room there is.
pub(super) fn append_all(
    key: &str,
    file: &OwnedFd,
    guess_bytes: usize,
    short_is_end: bool,
    into: &mut Vec<u8>,
) -> std::result::Result<Found, Failure> {
    let guess_bytes = guess_bytes.max(*GUESS_BYTES.start() as usize);
    if into.capacity() - into.len() < guess_bytes {
        reserve(key, guess_bytes as u64, into)?;
    }
    let room = (into.capacity() - into.len()) as u64;
    let mut got = append(file, 0, room, short_is_end, into)?;
    if got == room {
        let bytes = file_bytes(key, &fstat(file)?)?;
        if bytes > got {
            reserve(key, bytes - got, into)?;
            got += append(file, got, bytes - got, short_is_end, into)?;
        }
    } else if got == 0 {
        // A pipe or a device gives nothing, too.
        file_bytes(key, &fstat(file)?)?;
    }
    Ok(Found {
        object_bytes: Some(got),
        version: None,
    })
}

/// Appends a part of a file.
pub(super) fn append_range(
    key: &str,
    file: &OwnedFd,
    range: Range,
    short_is_end: bool,
    into: &mut Vec<u8>,
) -> std::result::Result<Found, Failure> {
    if let Range::FromTo(start, stop) = range {
        let count = stop.saturating_sub(start);
        // A range that is no larger than the room that is there, or than what one offers anyway, needs no look at the size.
        let room = (into.capacity() - into.len()) as u64;
        if count > 0 && count <= room.max(*GUESS_BYTES.end()) && i64::try_from(stop).is_ok() {
            reserve(key, count, into)?;
            if append(file, start, count, short_is_end, into)? > 0 {
                return Ok(Found::default());
            }
        }
    }
    let object_bytes = file_bytes(key, &fstat(file)?)?;
    let (start, stop) = range.within(object_bytes);
    reserve(key, stop - start, into)?;
    append(file, start, stop - start, short_is_end, into)?;
    Ok(Found {
        object_bytes: Some(object_bytes),
        version: None,
    })
}

/// Appends up to `count` bytes from `offset` on, for which there is room, and says how many there were.
fn append(
    file: impl AsFd,
    offset: u64,
    count: u64,
    short_is_end: bool,
    into: &mut Vec<u8>,
) -> std::result::Result<u64, Errno> {
    let mut got = 0;
    while got < count {
        let asked = (count - got).min(CALL_BYTES as u64) as usize;
        let room = &mut into.spare_capacity_mut()[..asked];
        let read = retry_on_intr(|| pread(&file, &mut *room, offset + got).map(|(read, _)| read.len()))?;
        // SAFETY: the call has written the first `read` bytes behind the vector's length.
        unsafe { into.set_len(into.len() + read) };
        got += read as u64;
        if read == 0 || (short_is_end && read < asked) {
            break;
        }
    }
    Ok(got)
}

/// The bytes of a regular file; a directory is no object, and anything else no object either but a trap.
fn file_bytes(key: &str, stat: &Stat) -> std::result::Result<u64, Failure> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(stat.st_size as u64),
        FileType::Directory => Err(Errno::ISDIR.into()),
        kind => Err(Error::Io {
            key: key.to_owned(),
            errno: None,
            why: format!("it is no file but a {kind:?}"),
        }
        .into()),
    }
}

/// What tells two contents of a path apart. The times tell of files that were changed in place, by others.
#[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
fn words(stat: &Stat) -> [u64; 5] {
    let (device, inode) = spot::place(stat);
    let nanoseconds = |seconds: u64, rest: u64| seconds.wrapping_mul(1_000_000_000).wrapping_add(rest);
    let modified = nanoseconds(stat.st_mtime as u64, stat.st_mtime_nsec as u64);
    let changed = nanoseconds(stat.st_ctime as u64, stat.st_ctime_nsec as u64);
    [device, inode, stat.st_size as u64, modified, changed]
}

/// The version of a file that is not held open: good for a comparison with one that is.
pub(super) fn version_of(stat: &Stat) -> Version {
    Version::words(words(stat), None)
}

/// A file held open.
pub(super) struct File {
    store: Local,
    key: String,
    fd: Arc<OwnedFd>,
    words: [u64; 5],
}

impl File {
    /// `None` when it is a directory.
    pub(super) fn new(store: Local, key: &str, fd: OwnedFd) -> Result<Option<Self>> {
        let stat = fstat(&fd).map_err(|cause| store.failed(key, cause))?;
        match file_bytes(key, &stat) {
            Ok(_) => Ok(Some(Self {
                store,
                key: key.to_owned(),
                fd: Arc::new(fd),
                words: words(&stat),
            })),
            Err(Failure::System(cause)) => store.absent(key, cause),
            Err(Failure::Said(cause)) => Err(cause),
        }
    }

    /// The file was shortened in place since it was opened.
    fn shortened(&self, offset: u64, bytes: u64, got: u64) -> Error {
        short(&self.key, offset, offset + bytes, offset + got)
    }
}

impl Object for File {
    fn bytes(&self) -> u64 {
        self.words[2]
    }

    fn version(&self) -> Version {
        Version::words(self.words, Some(self.fd.clone()))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        check_within(&self.key, offset, into.len() as u64, self.bytes())?;
        let mut got = 0;
        while got < into.len() {
            let stop = into.len().min(got + CALL_BYTES);
            match retry_on_intr(|| pread(&self.fd, &mut into[got..stop], offset + got as u64)) {
                Ok(0) => return Err(self.shortened(offset, into.len() as u64, got as u64)),
                Ok(read) => got += read,
                Err(cause) => return Err(self.store.failed(&self.key, cause)),
            }
        }
        Ok(())
    }

    fn append_at(&self, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        check_within(&self.key, offset, bytes, self.bytes())?;
        reserve(&self.key, bytes, into)?;
        let before = into.len();
        let failed = match append(&self.fd, offset, bytes, false, into) {
            Ok(got) if got == bytes => return Ok(()),
            Ok(got) => self.shortened(offset, bytes, got),
            Err(cause) => self.store.failed(&self.key, cause),
        };
        into.truncate(before);
        Err(failed)
    }

    fn as_file(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        Some(self.fd.as_fd())
    }

    fn is_current(&self) -> bool {
        // By its path and not by the descriptor: a directory above it may have been moved away and another put there.
        spot_stat(&self.store, &self.key).is_some_and(|stat| words(&stat) == self.words)
    }
}

fn spot_stat(store: &Local, key: &str) -> Option<Stat> {
    store.0.root.stat(key).ok().filter(spot::is_file)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Scratch;
    use super::*;

    #[test]
    fn where_a_short_read_may_not_be_the_end_it_is_asked_again() {
        let scratch = Scratch::new();
        let value: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
        std::fs::write(scratch.path("k"), &value).expect("a file");
        let file = OwnedFd::from(std::fs::File::open(scratch.path("k")).expect("the file"));
        for short_is_end in [true, false] {
            for room in [0, 99_999, 100_000, 100_001, 200_000] {
                let mut bytes = Vec::with_capacity(room);
                let found = append_all("k", &file, 0, short_is_end, &mut bytes)
                    .ok()
                    .expect("a read");
                assert_eq!(found.object_bytes, Some(100_000));
                assert!(bytes == value);
            }
        }
    }
}
