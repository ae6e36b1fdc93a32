//! From a key to what a system call takes.

use std::ffi::CStr;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::{Errno, retry_on_intr};

/// This system's result.
pub(super) type Answer<T> = std::result::Result<T, Errno>;

/// A directory to start from, where nothing has to be read from it.
#[cfg(target_os = "linux")]
const PASSAGE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const PASSAGE: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The directory of a store.
pub(super) struct Root {
    /// Absolute, without a slash at its end.
    path: Vec<u8>,
    follows: bool,
}

impl Root {
    pub(super) fn new(path: &[u8], follows: bool) -> Self {
        let path = path.strip_suffix(b"/").unwrap_or(path).to_vec();
        Self { path, follows }
    }

    pub(super) fn follows(&self) -> bool {
        self.follows
    }

    /// Calls with a directory and the path of a key from there; `""` is the root.
    ///
    /// Where links are not followed, the directory is the one that holds the key, reached without one, and the path is a
    /// name: the call itself must not follow it either (`no_follow`).
    pub(super) fn at<T>(&self, key: &str, call: impl FnOnce(BorrowedFd<'_>, &CStr) -> Answer<T>) -> Answer<T> {
        if self.follows {
            return with_path(&[&self.path, b"/", key.as_bytes()], |path| call(CWD, path));
        }
        let (parent, name) = key.rsplit_once('/').unwrap_or(("", key));
        let directory = self.passage(parent)?;
        with_path(&[if name.is_empty() { b"." } else { name.as_bytes() }], |path| {
            call(directory.as_fd(), path)
        })
    }

    /// The flag that keeps an open from following a link, where none may be followed.
    pub(super) fn no_follow(&self) -> OFlags {
        if self.follows {
            OFlags::empty()
        } else {
            OFlags::NOFOLLOW
        }
    }

    /// A file to read. A directory opens too; a pipe opens without waiting for who writes into it.
    pub(super) fn open_read(&self, key: &str) -> Answer<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | self.no_follow();
        self.at(key, |from, path| {
            retry_on_intr(|| openat(from, path, flags, Mode::empty()))
        })
    }

    /// A directory to list.
    pub(super) fn open_directory(&self, prefix: &str) -> Answer<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | self.no_follow();
        self.at(prefix, |from, path| {
            retry_on_intr(|| openat(from, path, flags, Mode::empty())).map_err(|cause| {
                if self.follows {
                    cause
                } else {
                    link_or(cause, from, path)
                }
            })
        })
    }

    pub(super) fn stat(&self, key: &str) -> Answer<Stat> {
        let flags = if self.follows {
            AtFlags::empty()
        } else {
            AtFlags::SYMLINK_NOFOLLOW
        };
        let stat = self.at(key, |from, path| retry_on_intr(|| statat(from, path, flags)))?;
        if !self.follows && FileType::from_raw_mode(stat.st_mode).is_symlink() {
            Err(Errno::LOOP)
        } else {
            Ok(stat)
        }
    }

    pub(super) fn delete(&self, key: &str) -> Answer<()> {
        self.at(key, |from, path| {
            retry_on_intr(|| rustix::fs::unlinkat(from, path, AtFlags::empty()))
        })
    }

    /// As `at`, for two names in the directory of a prefix.
    pub(super) fn at_two<T>(
        &self,
        prefix: &str,
        one: &str,
        two: &str,
        call: impl FnOnce(BorrowedFd<'_>, &CStr, &CStr) -> Answer<T>,
    ) -> Answer<T> {
        let directory = if self.follows {
            None
        } else {
            Some(self.passage(prefix)?)
        };
        let slash: &[u8] = if prefix.is_empty() { b"" } else { b"/" };
        let whole = [&self.path, &b"/"[..], prefix.as_bytes(), slash];
        let before = if self.follows { whole } else { [&[][..]; 4] };
        let from = directory.as_ref().map_or(CWD, AsFd::as_fd);
        let path = |name| [before[0], before[1], before[2], before[3], name];
        with_path(&path(one.as_bytes()), |one| {
            with_path(&path(two.as_bytes()), |two| call(from, one, two))
        })
    }

    /// Deletes a directory that is empty.
    pub(super) fn delete_directory(&self, prefix: &str) -> Answer<()> {
        self.at(prefix, |from, path| {
            retry_on_intr(|| rustix::fs::unlinkat(from, path, AtFlags::REMOVEDIR))
        })
    }

    /// Waits until the names in a directory are on the disk.
    pub(super) fn sync_directory(&self, prefix: &str) -> Answer<()> {
        let directory = self.open_directory(prefix)?;
        retry_on_intr(|| rustix::fs::fsync(&directory))
    }

    /// Makes the directories that a key lies in, and those above the root.
    pub(super) fn make_parents(&self, key: &str, fsync: bool) -> Answer<()> {
        let parent = key.rsplit_once('/').map_or("", |(parent, _)| parent);
        if self.follows {
            let path = [&self.path[..], b"/", parent.as_bytes()].concat();
            return make_directories(path.strip_suffix(b"/").unwrap_or(&path), fsync);
        }
        make_directories(&self.path, fsync)?;
        let mut start = 0;
        while start < parent.len() {
            let stop = parent[start..].find('/').map_or(parent.len(), |slash| start + slash);
            let made = self.at(&parent[..stop], |from, path| rustix::fs::mkdirat(from, path, MODE));
            match made {
                Ok(()) if fsync => self.sync_directory(parent[..start].trim_end_matches('/'))?,
                Ok(()) | Err(Errno::EXIST) => {}
                Err(cause) => return Err(cause),
            }
            start = stop + 1;
        }
        Ok(())
    }

    /// The directory of a prefix, to start from; no link lies on the way.
    fn passage(&self, prefix: &str) -> Answer<OwnedFd> {
        let root = with_path(&[&self.path, b"/"], |path| {
            retry_on_intr(|| openat(CWD, path, PASSAGE, Mode::empty()))
        })?;
        if prefix.is_empty() {
            return Ok(root);
        }
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::ResolveFlags;
            let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            let found = with_path(&[prefix.as_bytes()], |path| {
                retry_on_intr(|| rustix::fs::openat2(&root, path, PASSAGE, Mode::empty(), how))
            });
            // An old kernel, or one that a container forbids this call: step by step.
            if !matches!(found, Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN | Errno::INVAL)) {
                return found;
            }
        }
        step_by_step(root, prefix)
    }
}

fn step_by_step(root: OwnedFd, prefix: &str) -> Answer<OwnedFd> {
    prefix.split('/').try_fold(root, |from, name| {
        with_path(&[name.as_bytes()], |path| {
            retry_on_intr(|| openat(&from, path, PASSAGE | OFlags::NOFOLLOW, Mode::empty()))
                .map_err(|cause| link_or(cause, from.as_fd(), path))
        })
    })
}

/// A link where a directory was asked for is "not a directory" to the system, which reads as "no such key".
fn link_or(cause: Errno, from: BorrowedFd<'_>, path: &CStr) -> Errno {
    let link = cause == Errno::NOTDIR
        && statat(from, path, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_symlink());
    if link { Errno::LOOP } else { cause }
}

const MODE: Mode = Mode::from_bits_truncate(0o777);

/// Makes a directory and those above it, asking from below: in most cases one is missing.
fn make_directories(path: &[u8], fsync: bool) -> Answer<()> {
    let mut stops = vec![path.len()];
    // No more than a path can have: somebody may be deleting what is made here, and there are directories, as those of
    // /proc, in which nothing can be made and which say that they are not there.
    let mut left = path.len();
    while let Some(&stop) = stops.last() {
        let above = path[..stop].iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        match with_path(&[&path[..stop]], |path| rustix::fs::mkdirat(CWD, path, MODE)) {
            Ok(()) => {
                if fsync {
                    sync(&path[..above.max(1)])?;
                }
                stops.pop();
            }
            Err(Errno::EXIST) => {
                stops.pop();
            }
            Err(Errno::NOENT) if above > 0 && left > 0 => {
                left -= 1;
                stops.push(above);
            }
            Err(cause) => return Err(cause),
        }
    }
    Ok(())
}

fn sync(directory: &[u8]) -> Answer<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = with_path(&[directory], |path| openat(CWD, path, flags, Mode::empty()))?;
    retry_on_intr(|| rustix::fs::fsync(&directory))
}

/// Joins the parts of a path on the stack where they fit, as nearly all do. The parts hold no NUL.
pub(super) fn with_path<T>(parts: &[&[u8]], call: impl FnOnce(&CStr) -> Answer<T>) -> Answer<T> {
    const ROOM: usize = 256;
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    let (mut here, mut there) = ([0; ROOM], Vec::new());
    let path = if bytes < ROOM {
        &mut here[..=bytes]
    } else {
        there.resize(bytes + 1, 0);
        &mut there[..]
    };
    let mut at = 0;
    for part in parts {
        path[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    CStr::from_bytes_with_nul(path).map_or(Err(Errno::INVAL), call)
}

pub(super) fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode).is_file()
}

pub(super) fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode).is_dir()
}

/// A file's place on its disk: two paths with the same one lead to the same file.
#[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
pub(super) fn place(stat: &Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Scratch;
    use super::*;
    use std::fs;

    #[test]
    fn without_the_newest_call_links_are_refused_step_by_step() {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.path("a/b")).expect("directories");
        fs::write(scratch.path("file"), "1").expect("a file");
        std::os::unix::fs::symlink("b", scratch.path("a/link")).expect("a link");
        let open = |prefix: &str| {
            let root = openat(CWD, scratch.path("").as_path(), PASSAGE, Mode::empty()).expect("the root");
            step_by_step(root, prefix).map(drop)
        };
        assert_eq!(open("a/b"), Ok(()));
        assert_eq!(open("a/c"), Err(Errno::NOENT));
        assert_eq!(open("file/a"), Err(Errno::NOTDIR));
        assert_eq!(open("a/link"), Err(Errno::LOOP));
        assert_eq!(open("a/link/b"), Err(Errno::LOOP));
    }

    /// `mkdir` says `ENOENT` there, and the directory above exists: asking again would never end.
    #[cfg(target_os = "linux")]
    #[test]
    fn where_nothing_can_be_made_the_answer_is_an_error() {
        assert_eq!(make_directories(b"/proc/nothing/deep", false), Err(Errno::NOENT));
    }
}
