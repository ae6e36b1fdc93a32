//! Listing and deleting what lies below a directory. Neither follows the depth of a tree with the stack of a thread.

use std::ffi::{CStr, CString};

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, statat, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use super::spot::{Answer, Root, is_directory, is_file, place};
use crate::stores::keys::{is_reserved, join};

/// Something in a directory that a key can name. What is neither file nor directory is not.
struct Entry {
    name: String,
    /// `None` for a directory.
    bytes: Option<u64>,
}

/// What a directory holds, and its own place.
struct Inside {
    entries: Vec<Entry>,
    place: (u64, u64),
}

/// What is in a directory, in no order; `None` when it is not there. Without `measured` the bytes of files are zero, and a
/// file system that tells files from directories in its listing is asked no more than that.
fn entries(root: &Root, prefix: &str, measured: bool) -> Answer<Option<Inside>> {
    let directory = match root.open_directory(prefix) {
        Ok(directory) => directory,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(cause) => return Err(cause),
    };
    let stat = fstat(&directory)?;
    let mut found = Vec::new();
    let mut stream = Dir::new(directory)?;
    while let Some(entry) = stream.read() {
        let entry = entry?;
        // A name that is no text can be no key.
        let Ok(name) = entry.file_name().to_str() else { continue };
        if matches!(name, "." | "..") || is_reserved(name) {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Symlink if !root.follows() => continue,
            kind => kind,
        };
        let bytes = match kind {
            FileType::Directory => None,
            FileType::RegularFile if !measured => Some(0),
            FileType::RegularFile | FileType::Symlink | FileType::Unknown => {
                let flags = if root.follows() {
                    AtFlags::empty()
                } else {
                    AtFlags::SYMLINK_NOFOLLOW
                };
                match retry_on_intr(|| statat(stream.fd()?, entry.file_name(), flags)) {
                    Ok(stat) if is_directory(&stat) => None,
                    Ok(stat) if is_file(&stat) => Some(stat.st_size as u64),
                    // Deleted since, or a link to nowhere, or to itself.
                    Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                    Err(cause) => return Err(cause),
                }
            }
            _ => continue,
        };
        found.push(Entry {
            name: name.to_owned(),
            bytes,
        });
    }
    Ok(Some(Inside {
        entries: found,
        place: place(&stat),
    }))
}

/// Lists every file below a prefix in the order of the keys. A failure names the directory it met.
pub(super) fn list(root: &Root, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<(), (String, Errno)> {
    struct Level {
        prefix: String,
        place: (u64, u64),
        entries: std::vec::IntoIter<Entry>,
    }
    let level = |prefix: String| match entries(root, &prefix, true) {
        Ok(None) => Ok(None),
        Ok(Some(Inside { mut entries, place })) => {
            entries.sort_unstable_by(|one, two| in_key_order(one).cmp(in_key_order(two)));
            Ok(Some(Level {
                prefix,
                place,
                entries: entries.into_iter(),
            }))
        }
        Err(cause) => Err((prefix, cause)),
    };
    let mut levels: Vec<Level> = level(prefix.to_owned())?.into_iter().collect();
    while let Some(now) = levels.last_mut() {
        let Some(entry) = now.entries.next() else {
            levels.pop();
            continue;
        };
        let key = join(&now.prefix, &entry.name);
        match entry.bytes {
            Some(bytes) => {
                if !each(&key, bytes) {
                    break;
                }
            }
            None => {
                // A link that leads back up would go on for ever.
                if let Some(next) = level(key)?.filter(|next| levels.iter().all(|level| level.place != next.place)) {
                    levels.push(next);
                }
            }
        }
    }
    Ok(())
}

/// The bytes by which an entry sorts among keys: those below a directory go on with a slash.
fn in_key_order(entry: &Entry) -> impl Iterator<Item = u8> + '_ {
    entry.name.bytes().chain(entry.bytes.is_none().then_some(b'/'))
}

/// The names of the files and of the directories in a directory, sorted.
pub(super) fn list_dir(root: &Root, prefix: &str) -> Answer<(Vec<String>, Vec<String>)> {
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for entry in entries(root, prefix, false)?.map_or_else(Vec::new, |inside| inside.entries) {
        let names = if entry.bytes.is_some() {
            &mut files
        } else {
            &mut directories
        };
        names.push(entry.name);
    }
    files.sort_unstable();
    directories.sort_unstable();
    Ok((files, directories))
}

/// A directory that is being emptied.
struct Emptied {
    open: Dir,
    name: CString,
    directories: Vec<CString>,
}

/// Deletes what lies below a prefix, and the prefix, and says how many files that were. Links are deleted, never followed.
pub(super) fn delete(root: &Root, prefix: &str) -> Answer<u64> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let no_follow = if prefix.is_empty() {
        OFlags::empty()
    } else {
        OFlags::NOFOLLOW
    };
    let open =
        |from: BorrowedFd<'_>, path: &CStr| retry_on_intr(|| openat(from, path, flags | no_follow, Mode::empty()));
    let top = match root.at(prefix, open) {
        Ok(top) => top,
        Err(Errno::NOENT) => return Ok(0),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            return match root.stat(prefix) {
                // A link to a directory is what lies below it; a file is not below itself.
                Ok(stat) if is_directory(&stat) => root.delete(prefix).map(|()| 1),
                Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => Ok(0),
                Err(cause) => Err(cause),
            };
        }
        Err(cause) => return Err(cause),
    };
    let mut count = 0;
    let mut levels = vec![empty(top, CString::default(), &mut count)?];
    while let Some(now) = levels.last_mut() {
        if let Some(name) = now.directories.pop() {
            match retry_on_intr(|| openat(now.open.fd()?, &name, flags | OFlags::NOFOLLOW, Mode::empty())) {
                Ok(fd) => levels.push(empty(fd, name, &mut count)?),
                Err(Errno::NOENT) => {}
                // Somebody put something else in its place.
                Err(Errno::NOTDIR | Errno::LOOP) => gone(unlinkat(now.open.fd()?, &name, AtFlags::empty()))?,
                Err(cause) => return Err(cause),
            }
            continue;
        }
        let emptied = levels.pop().map(|level| level.name);
        match (levels.last(), emptied) {
            (Some(above), Some(name)) => gone(unlinkat(above.open.fd()?, &name, AtFlags::REMOVEDIR))?,
            // The root stays: it may be somebody's mount, and is the store.
            _ if prefix.is_empty() => {}
            _ => gone(root.delete_directory(prefix))?,
        }
    }
    Ok(count)
}

/// Deletes the files of a directory and names the directories in it.
fn empty(fd: OwnedFd, name: CString, count: &mut u64) -> Answer<Emptied> {
    let (mut directories, mut files) = (Vec::new(), Vec::new());
    let mut open = Dir::new(fd)?;
    while let Some(entry) = open.read() {
        let entry = entry?;
        match (entry.file_name().to_bytes(), entry.file_type()) {
            (b"." | b"..", _) => {}
            (_, FileType::Directory) => directories.push(entry.file_name().to_owned()),
            _ => files.push(entry.file_name().to_owned()),
        }
    }
    let fd = open.fd()?;
    for file in files {
        match unlinkat(fd, &file, AtFlags::empty()) {
            Ok(()) => *count += u64::from(!file.to_str().is_ok_and(is_reserved)),
            Err(Errno::NOENT) => {}
            // Not every file system says in its listing what is a directory.
            Err(Errno::ISDIR) => directories.push(file),
            Err(Errno::PERM) if statat(fd, &file, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| is_directory(&stat)) => {
                directories.push(file);
            }
            Err(cause) => return Err(cause),
        }
    }
    Ok(Emptied {
        open,
        name,
        directories,
    })
}

/// What was deleted by another is as good; and a directory that another has put something into stays.
fn gone(deleted: Answer<()>) -> Answer<()> {
    match deleted {
        Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
        answer => answer,
    }
}
