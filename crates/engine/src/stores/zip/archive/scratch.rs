//! A file that has no name, or one that nothing looks for, until it is whole.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::stores::keys::{RESERVED_END, RESERVED_START};
use crate::sync::Mutex;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// How many names are tried: those of processes that were killed may still be there.
const TRIES: usize = 64;

/// No name has more bytes, on any file system; some are for what is put around it.
#[cfg(target_os = "linux")]
const NAME_BYTES: usize = 200;

/// A file in the directory of the archive it may become. It goes with its last holder unless it was given a name.
pub(super) struct Scratch {
    pub file: File,
    /// The name it has, where the system has no files without one.
    named: Mutex<Option<PathBuf>>,
}

impl Scratch {
    pub fn new(directory: &Path) -> io::Result<Self> {
        if let Some(file) = unnamed(directory)? {
            return Ok(Self {
                file,
                named: Mutex::new(None),
            });
        }
        for _ in 0..TRIES {
            let path = directory.join(reserved_name());
            match File::options().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    return Ok(Self {
                        file,
                        named: Mutex::new(Some(path)),
                    });
                }
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(cause),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    /// Gives the file its name, in place of what had it. What was written is on the disk by then.
    pub fn place(&self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        let mut named = self.named.lock();
        let now = match named.take() {
            Some(now) => now,
            None => link(&self.file, path)?,
        };
        fs::rename(&now, path).inspect_err(|_| *named = Some(now))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = self.named.get_mut().take() {
            let _ = fs::remove_file(path);
        }
    }
}

fn reserved_name() -> String {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{RESERVED_START}{:x}-z{count:x}{RESERVED_END}", std::process::id())
}

/// A file without a name: the system takes it away when the process ends, however it ends.
#[cfg(target_os = "linux")]
fn unnamed(directory: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    use rustix::io::Errno;

    if !Path::new("/proc/self/fd").is_dir() {
        return Ok(None);
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match openat(CWD, directory, flags, Mode::from_bits_truncate(0o666)) {
        Ok(file) => Ok(Some(file.into())),
        // Not every file system can.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => Ok(None),
        Err(cause) => Err(cause.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_directory: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Gives a file without a name one that nothing looks for, beside `path`: a first name replaces nothing.
///
/// The name is the same each time, so that what a process left that was killed right here is met, and taken away, by the next
/// one. Who comes here holds the lock that keeps others out.
#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<PathBuf> {
    use rustix::fd::AsRawFd;
    use rustix::fs::{AtFlags, CWD, linkat};

    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let other = path.with_file_name(if name.len() < NAME_BYTES {
        format!("{RESERVED_START}{name}{RESERVED_END}")
    } else {
        reserved_name()
    });
    for _ in 0..TRIES {
        match linkat(CWD, &*open, CWD, &other, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) => return Ok(other),
            Err(rustix::io::Errno::EXIST) => fs::remove_file(&other)?,
            Err(cause) => return Err(cause.into()),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(not(target_os = "linux"))]
fn link(_file: &File, _path: &Path) -> io::Result<PathBuf> {
    Err(ErrorKind::NotFound.into())
}

/// Writes all of `bytes` at a place.
pub(super) fn write_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        #[cfg(unix)]
        let wrote = std::os::unix::fs::FileExt::write_at(file, bytes, at);
        #[cfg(windows)]
        let wrote = std::os::windows::fs::FileExt::seek_write(file, bytes, at);
        match wrote {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(wrote) => {
                bytes = &bytes[wrote..];
                at += wrote as u64;
            }
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(())
}

/// Fills `into` with what lies at a place.
pub(super) fn read_at(file: &File, mut into: &mut [u8], mut at: u64) -> io::Result<()> {
    while !into.is_empty() {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(file, into, at);
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(file, into, at);
        match read {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                into = &mut into[read..];
                at += read as u64;
            }
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(())
}

/// Copies bytes from one file to a place in another, in the kernel where it can.
pub(super) fn copy(from: &File, start: u64, bytes: u64, into: &File, at: u64) -> io::Result<()> {
    let (mut from, mut into) = (from, into);
    from.seek(SeekFrom::Start(start))?;
    into.seek(SeekFrom::Start(at))?;
    let copied = io::copy(&mut io::Read::take(from, bytes), &mut into)?;
    if copied < bytes {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
