//! From a buffer to a file that is there whole or not at all.

use std::ffi::CStr;
use std::io::IoSlice;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fd::{BorrowedFd, IntoRawFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, linkat, openat, renameat, unlinkat};
use rustix::io::{Errno, retry_on_intr, writev};

use super::copy::fill;
use super::lock;
use super::read::version_of;
use super::spot::{Answer, Root, is_directory, is_file};
use crate::store::{Put, Version};
use crate::stores::keys::{RESERVED_END, RESERVED_START};

/// How often a put begins anew when somebody deletes the directories below its feet.
const TRIES: usize = 16;

/// Linux takes no more parts in one call.
const PARTS: usize = 1024;

/// Names of files being written differ within the process by this count, between processes by the process's number, and
/// between machines by the file not being there: it is created exclusively.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Puts an object: a file of another name is written, and renamed when it is whole.
pub(super) fn put(root: &Root, fsync: bool, key: &str, parts: &[&[u8]], how: &Put) -> Answer<bool> {
    with_parents(root, fsync, key, || match how {
        Put::Always => write(root, fsync, key, parts, false),
        // Asked before the bytes are written; decided when the file gets its name.
        Put::IfAbsent => match root.stat(key) {
            Ok(stat) if !is_directory(&stat) => Ok(false),
            Ok(_) => Err(Errno::ISDIR),
            Err(Errno::NOENT) => write(root, fsync, key, parts, true),
            Err(cause) => Err(cause),
        },
        Put::IfVersion(version) => put_if_version(root, fsync, key, parts, version),
    })
}

/// Puts the first bytes of a file under a key, as `put` does. `false`, and nothing put, when it has fewer.
pub(super) fn put_file(root: &Root, fsync: bool, key: &str, from: BorrowedFd<'_>, bytes: u64) -> Answer<bool> {
    with_parents(root, fsync, key, || {
        let mut whole = true;
        let put = write_with(root, fsync, key, false, &mut |file| {
            whole = fill(from, bytes, file)?;
            // No more than a way to give the half of a file no name.
            if whole { Ok(()) } else { Err(Errno::NODATA) }
        });
        if whole { put } else { Ok(false) }
    })
}

/// Does it until the directories that a key lies in are there, and none is in its way.
fn with_parents(root: &Root, fsync: bool, key: &str, mut once: impl FnMut() -> Answer<bool>) -> Answer<bool> {
    let mut last = Errno::NOENT;
    for _ in 0..TRIES {
        let done = once();
        match done {
            Err(Errno::NOENT) => match root.make_parents(key, fsync) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(cause) => return Err(cause),
            },
            // A directory that nothing lies in any more does not stand in an object's way.
            Err(cause @ Errno::ISDIR) => root.delete_directory(key).map_err(|_| cause)?,
            done => return done,
        }
        last = done.err().unwrap_or(last);
    }
    Err(last)
}

fn put_if_version(root: &Root, fsync: bool, key: &str, parts: &[&[u8]], version: &Version) -> Answer<bool> {
    let Some(_held) = lock::wait(root, key)? else {
        return Ok(false);
    };
    match root.stat(key) {
        Ok(stat) if is_file(&stat) && version_of(&stat) == *version => write(root, fsync, key, parts, false),
        Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(cause) => Err(cause),
    }
}

/// Writes the file and gives it its name. `NOENT` when a directory of its path is missing; `false` when the name has to be
/// `absent` and is not.
fn write(root: &Root, fsync: bool, key: &str, parts: &[&[u8]], absent: bool) -> Answer<bool> {
    write_with(root, fsync, key, absent, &mut |file| write_parts(file, parts))
}

/// As `write`, with bytes from wherever they come.
fn write_with(
    root: &Root,
    fsync: bool,
    key: &str,
    absent: bool,
    pour: &mut dyn FnMut(&OwnedFd) -> Answer<()>,
) -> Answer<bool> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mode = Mode::from_bits_truncate(0o666);
    let (parent, name) = split(key);
    for _ in 0..TRIES {
        let answer = root.at_two(parent, &reserved_name(), name, |from, other, name| {
            let file = match retry_on_intr(|| openat(from, other, flags, mode)) {
                Ok(file) => file,
                // By a process of another machine, or one that was killed.
                Err(Errno::EXIST) => return Ok(None),
                Err(cause) => return Err(cause),
            };
            let mut written = pour(&file);
            if fsync && written.is_ok() {
                written = retry_on_intr(|| rustix::fs::fsync(&file));
            }
            let named = written.and(close(file)).and_then(|()| {
                if absent {
                    rename_if_absent(from, other, name)
                } else {
                    retry_on_intr(|| renameat(from, other, from, name)).map(|()| true)
                }
            });
            if named != Ok(true) {
                // The first failure is the one to tell of.
                let _ = unlinkat(from, other, AtFlags::empty());
            }
            named.map(Some)
        })?;
        if let Some(named) = answer {
            if fsync && named {
                root.sync_directory(parent)?;
            }
            return Ok(named);
        }
    }
    Err(Errno::EXIST)
}

/// A name for a file being written.
fn reserved_name() -> String {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{RESERVED_START}{:x}-{count:x}{RESERVED_END}", std::process::id())
}

fn write_parts(file: &OwnedFd, parts: &[&[u8]]) -> Answer<()> {
    let mut slices: Vec<_> = parts
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| IoSlice::new(part))
        .collect();
    let mut left = &mut slices[..];
    while !left.is_empty() {
        let now = left.len().min(PARTS);
        let wrote = retry_on_intr(|| writev(file, &left[..now]))?;
        if wrote == 0 {
            return Err(Errno::IO);
        }
        IoSlice::advance_slices(&mut left, wrote);
    }
    Ok(())
}

/// Closes a file and hears what closing says: on a network that may be where a full disk shows.
fn close(file: OwnedFd) -> Answer<()> {
    // SAFETY: the descriptor was owned and is given up here; nobody else closes it.
    match unsafe { rustix::io::try_close(file.into_raw_fd()) } {
        // The descriptor is gone in this case too.
        Ok(()) | Err(Errno::INTR) => Ok(()),
        Err(cause) => Err(cause),
    }
}

/// Gives a file its name unless there is one of that name already.
fn rename_if_absent(from: BorrowedFd<'_>, other: &CStr, name: &CStr) -> Answer<bool> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        use rustix::fs::{RenameFlags, renameat_with};
        match retry_on_intr(|| renameat_with(from, other, from, name, RenameFlags::NOREPLACE)) {
            Ok(()) => return Ok(true),
            Err(Errno::EXIST) => return Ok(false),
            // Not every kernel and file system can.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            Err(cause) => return Err(cause),
        }
    }
    link_if_absent(from, other, name)
}

/// The same where renaming always replaces: a second name, then one less.
fn link_if_absent(from: BorrowedFd<'_>, other: &CStr, name: &CStr) -> Answer<bool> {
    match retry_on_intr(|| linkat(from, other, from, name, AtFlags::empty())) {
        Ok(()) => unlinkat(from, other, AtFlags::empty()).map(|()| true),
        Err(Errno::EXIST) => Ok(false),
        Err(cause) => Err(cause),
    }
}

/// Moves a directory; the one it goes into is made where it is missing.
pub(super) fn rename_directory(root: &Root, fsync: bool, from: &str, to: &str) -> Answer<()> {
    let mut last = Errno::NOENT;
    for _ in 0..TRIES {
        let done = root.at(from, |old, from| {
            root.at(to, |new, to| retry_on_intr(|| renameat(old, from, new, to)))
        });
        match done {
            Err(cause @ Errno::NOENT) => {
                last = cause;
                root.make_parents(to, fsync)?;
            }
            Ok(()) if fsync => {
                root.sync_directory(split(from).0)?;
                return root.sync_directory(split(to).0);
            }
            done => return done,
        }
    }
    Err(last)
}

fn split(key: &str) -> (&str, &str) {
    key.rsplit_once('/').unwrap_or(("", key))
}

#[cfg(test)]
mod tests {
    use super::super::tests::Scratch;
    use super::*;
    use std::fs;

    fn directory(scratch: &Scratch) -> OwnedFd {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(rustix::fs::CWD, scratch.path("").as_path(), flags, Mode::empty()).expect("a directory")
    }

    #[test]
    fn where_renaming_always_replaces_a_link_does_not() {
        let scratch = Scratch::new();
        let from = directory(&scratch);
        let from = rustix::fd::AsFd::as_fd(&from);
        fs::write(scratch.path("other"), "one").expect("a file");
        assert_eq!(link_if_absent(from, c"other", c"name"), Ok(true));
        assert!(!scratch.path("other").exists());
        fs::write(scratch.path("other"), "two").expect("a file");
        assert_eq!(link_if_absent(from, c"other", c"name"), Ok(false));
        assert_eq!(fs::read_to_string(scratch.path("name")).expect("the file"), "one");
        assert_eq!(link_if_absent(from, c"missing", c"new"), Err(Errno::NOENT));
    }
}
