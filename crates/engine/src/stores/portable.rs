//! Objects as files below a directory, on systems without the calls that `local` is made of. The same promises, with what
//! the standard library has: more calls, and a look at links that another process could slip one past.

mod open;

use std::fs::{self, File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sync::Mutex;

use self::open::Open;
use crate::store::{Error, Found, Lock, Object, Put, Range, Result, Safety, Store, Version};
use crate::stores::LocalOptions;
use crate::stores::keys::{
    RESERVED_END, RESERVED_START, check_key, check_move, check_prefix, is_reserved, join, move_by_copy, taken_error,
};
use crate::stores::options::canonical;
use crate::stores::urls::escaped;

/// How often a put begins anew when somebody deletes the directories below its feet.
const TRIES: usize = 16;

/// Keeps the conditional puts of this process apart.
static CONDITIONAL: Mutex<()> = Mutex::new(());

/// The file that keeps those of other processes out; it stays.
const LOCK_NAME: &str = ".zarrite-lock.partial";

/// Locks of objects in one directory; some share one.
const LOCKS: u64 = 64;

/// A directory of this machine, which need not exist yet: the first put makes it. Copies of the handle are cheap.
#[derive(Clone)]
pub struct Local(Arc<Inner>);

struct Inner {
    root: PathBuf,
    url: String,
    identity: String,
    options: LocalOptions,
}

impl Local {
    /// The store below `root`. A relative path is taken from the working directory of this moment.
    ///
    /// # Errors
    /// [`Error::Io`] when the working directory is gone or the path is empty.
    pub fn new(root: &Path, options: LocalOptions) -> Result<Self> {
        let shown = root.to_string_lossy().into_owned();
        let absolute = std::path::absolute(root).map_err(|cause| Error::from_io(&*shown, &cause))?;
        let root = canonical(&absolute);
        let identity = format!(
            "file:{}",
            root.to_string_lossy().replace('\\', "/").trim_end_matches('/')
        );
        Ok(Self(Arc::new(Inner {
            root,
            url: format!("file://{}", escaped(&absolute.to_string_lossy())),
            identity,
            options,
        })))
    }

    /// The path of a checked key or prefix.
    fn path(&self, key: &str) -> Result<PathBuf> {
        let mut path = self.0.root.clone();
        for name in key.split('/').filter(|name| !name.is_empty()) {
            path.push(name);
            if !self.0.options.follow_symlinks && fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
                return Err(Error::refused(
                    key,
                    "a symbolic link is in its way, and this store follows none",
                ));
            }
        }
        Ok(path)
    }

    fn writable(&self) -> Result<()> {
        if self.0.options.read_only {
            Err(Error::ReadOnly {
                url: self.0.url.clone(),
            })
        } else {
            Ok(())
        }
    }

    fn open_file(&self, key: &str) -> Result<Option<Open>> {
        check_key(key)?;
        let path = self.path(key)?;
        // Looked at first: opening a pipe would wait for who writes into it.
        let Some(found) = present(key, fs::metadata(&path))? else {
            return Ok(None);
        };
        if !found.is_file() {
            return if found.is_dir() { Ok(None) } else { Err(no_file(key)) };
        }
        let Some(file) = present(key, File::open(&path))? else {
            return Ok(None);
        };
        Open::new(key, path, file)
            .map(Some)
            .map_err(|cause| Error::from_io(key, &cause))
    }

    /// Writes a file of another name, and gives it its own when it is whole.
    fn write(&self, key: &str, parts: &[&[u8]], how: &Put) -> io::Result<bool> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let path = self.path(key).map_err(|cause| io::Error::other(cause.to_string()))?;
        let parent = path.parent().ok_or(ErrorKind::NotFound)?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let other = parent.join(format!(
            "{RESERVED_START}{:x}-{count:x}{RESERVED_END}",
            std::process::id()
        ));
        let mut file = File::options().write(true).create_new(true).open(&other)?;
        let written = parts
            .iter()
            .try_for_each(|part| file.write_all(part))
            // Times that differ in every version: the system's own may tick slower than puts come.
            .and_then(|()| file.set_modified(now()))
            .and_then(|()| if self.0.options.fsync { file.sync_all() } else { Ok(()) });
        drop(file);
        let named = written.and_then(|()| match how {
            // A second name fails where there is one; a new name replaces.
            Put::IfAbsent => fs::hard_link(&other, &path),
            _ => fs::rename(&other, &path),
        });
        if named.is_err() || *how == Put::IfAbsent {
            let _ = fs::remove_file(&other);
        }
        match named {
            Err(cause) if *how == Put::IfAbsent && cause.kind() == ErrorKind::AlreadyExists => Ok(false),
            answer => answer.map(|()| true),
        }
    }

    fn put_once(&self, key: &str, parts: &[&[u8]], how: &Put) -> io::Result<bool> {
        let Put::IfVersion(wanted) = how else {
            return self.write(key, parts, how);
        };
        let path = self.path(key).map_err(|cause| io::Error::other(cause.to_string()))?;
        let _here = CONDITIONAL.lock();
        let lock = path.with_file_name(LOCK_NAME);
        let Ok(lock) = File::options().write(true).create(true).truncate(false).open(lock) else {
            return Ok(false);
        };
        lock.lock()?;
        match fs::metadata(&path) {
            Ok(found) if found.is_file() && version(&found) == *wanted => self.write(key, parts, how),
            _ => Ok(false),
        }
    }

    /// The entries of a directory that keys can name: `None` for the bytes of a directory.
    fn entries(&self, prefix: &str) -> Result<Vec<(String, Option<u64>)>> {
        let failed = |cause: io::Error| Error::from_io(prefix, &cause);
        let path = self.path(prefix)?;
        let stream = match fs::read_dir(&path) {
            Ok(stream) => stream,
            Err(cause) if is_absent(&cause) => return Ok(Vec::new()),
            Err(_) if path.is_file() => return Ok(Vec::new()),
            Err(cause) => return Err(failed(cause)),
        };
        let mut entries = Vec::new();
        for entry in stream {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let link = entry.file_type().map_err(failed)?.is_symlink();
            if is_reserved(&name) || (link && !self.0.options.follow_symlinks) {
                continue;
            }
            match fs::metadata(entry.path()) {
                Ok(found) if found.is_dir() => entries.push((name, None)),
                Ok(found) if found.is_file() => entries.push((name, Some(found.len()))),
                // Deleted since, a link to nowhere, or no file.
                _ => {}
            }
        }
        // In the order of the keys: those below a directory go on with a slash.
        entries.sort_by_cached_key(|(name, bytes)| {
            if bytes.is_none() {
                format!("{name}/")
            } else {
                name.clone()
            }
        });
        Ok(entries)
    }
}

/// Now, and later than ever before in this process.
fn now() -> SystemTime {
    static LAST: AtomicU64 = AtomicU64::new(0);
    // The coarsest clock of a file system in use here ticks every 100 ns.
    const TICK: u64 = 100;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ticks = since.as_nanos() as u64 / TICK;
    let before = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(ticks.max(last + 1)));
    UNIX_EPOCH + Duration::from_nanos(ticks.max(before.unwrap_or(ticks) + 1) * TICK)
}

fn version(found: &fs::Metadata) -> Version {
    let time = |time: io::Result<SystemTime>| {
        let since = time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since.map_or(0, |since| since.as_nanos() as u64)
    };
    Version::words([0, 0, found.len(), time(found.modified()), time(found.created())], None)
}

fn is_absent(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory
    )
}

fn present<T>(key: &str, found: io::Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(cause) if is_absent(&cause) => Ok(None),
        Err(cause) => Err(Error::from_io(key, &cause)),
    }
}

fn no_file(key: &str) -> Error {
    Error::Io {
        key: key.to_owned(),
        errno: None,
        why: "it is no file".to_owned(),
    }
}

impl Store for Local {
    fn url(&self) -> String {
        self.0.url.clone()
    }

    fn identity(&self) -> &str {
        &self.0.identity
    }

    fn is_local(&self) -> bool {
        true
    }

    fn read_only(&self) -> bool {
        self.0.options.read_only
    }

    fn safety(&self) -> Safety {
        Safety::Locks
    }

    fn try_lock(&self, name: &str) -> Result<Lock> {
        let path = self.path(check_prefix(name)?)?;
        if !path.exists() {
            return Ok(Lock::Missing);
        }
        // Here a lock of the object itself would keep its readers out.
        let lock = if path.is_dir() {
            path.join(format!("{RESERVED_START}lock-all{RESERVED_END}"))
        } else {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            let count = hasher.finish() % LOCKS;
            path.with_file_name(format!("{RESERVED_START}lock-{count:x}{RESERVED_END}"))
        };
        let Ok(file) = File::options().write(true).create(true).truncate(false).open(lock) else {
            return Ok(Lock::Unknown);
        };
        match file.try_lock() {
            Ok(()) if path.exists() => Ok(Lock::Held(Box::new(file))),
            Ok(()) => Ok(Lock::Missing),
            Err(TryLockError::WouldBlock) => Ok(Lock::Busy),
            Err(TryLockError::Error(_)) => Ok(Lock::Unknown),
        }
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        let Some(object) = self.open_file(key)? else {
            return Ok(None);
        };
        let (start, stop) = range.within(object.bytes());
        object.append_at(start, stop - start, into)?;
        Ok(Some(Found {
            object_bytes: Some(object.bytes()),
            version: Some(object.version()),
        }))
    }

    fn knows_versions(&self) -> bool {
        true
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        Ok(self.open_file(key)?.map(|object| Arc::new(object) as Arc<dyn Object>))
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        self.writable()?;
        check_key(key)?;
        let path = self.path(key)?;
        let mut last = io::Error::from(ErrorKind::NotFound);
        for _ in 0..TRIES {
            let failed = match self.put_once(key, parts, &how) {
                Ok(done) => return Ok(done),
                Err(failed) => failed,
            };
            let repaired = match failed.kind() {
                ErrorKind::NotFound => path.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok()),
                // A directory that nothing lies in any more does not stand in an object's way.
                _ => path.is_dir() && fs::remove_dir(&path).is_ok(),
            };
            last = failed;
            if !repaired {
                break;
            }
        }
        Err(Error::from_io(key, &last))
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.writable()?;
        check_key(key)?;
        let path = self.path(key)?;
        match fs::remove_file(&path) {
            Err(cause) if !is_absent(&cause) && !path.is_dir() => Err(Error::from_io(key, &cause)),
            _ => Ok(()),
        }
    }

    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        self.writable()?;
        let prefix = check_prefix(prefix)?;
        let mut keys = Vec::new();
        self.list(prefix, &mut |key, _| {
            keys.push(key.to_owned());
            true
        })?;
        keys.sort_by_key(|key| key.matches('/').count());
        for key in &keys {
            self.delete(key)?;
        }
        let path = self.path(prefix)?;
        // What is left are directories, and files that were never finished.
        let cleared = if prefix.is_empty() {
            fs::read_dir(&path).map(|entries| {
                for entry in entries.flatten() {
                    let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
                }
            })
        } else if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            Ok(())
        };
        match cleared {
            Err(cause) if !is_absent(&cause) => Err(Error::from_io(prefix, &cause)),
            _ => Ok(keys.len() as u64),
        }
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        /// No path is deeper; a link that leads back up would go on for ever.
        const DEEP: usize = 256;
        let prefix = check_prefix(prefix)?;
        let mut levels = vec![(prefix.to_owned(), self.entries(prefix)?.into_iter())];
        while let Some((prefix, entries)) = levels.last_mut() {
            match entries.next() {
                Some((name, Some(bytes))) => {
                    if !each(&join(prefix, &name), bytes) {
                        break;
                    }
                }
                Some((name, None)) if levels.len() < DEEP => {
                    let key = join(&levels[levels.len() - 1].0, &name);
                    let entries = self.entries(&key)?;
                    levels.push((key, entries.into_iter()));
                }
                Some(_) => {}
                None => {
                    levels.pop();
                }
            }
        }
        Ok(())
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        let (mut keys, mut prefixes) = (Vec::new(), Vec::new());
        for (name, bytes) in self.entries(check_prefix(prefix)?)? {
            if bytes.is_some() { &mut keys } else { &mut prefixes }.push(name);
        }
        prefixes.sort_unstable();
        Ok((keys, prefixes))
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        check_key(key)?;
        let found = present(key, fs::metadata(self.path(key)?))?;
        Ok(found.filter(fs::Metadata::is_file).map(|found| found.len()))
    }

    fn move_prefix(&self, from: &str, to: &str) -> Result<()> {
        self.writable()?;
        let (from, to) = check_move(from, to)?;
        let (old, new) = (self.path(from)?, self.path(to)?);
        if !old.is_dir() {
            return Ok(());
        }
        if new.is_file() {
            return Err(taken_error(to));
        }
        if new.exists() {
            return move_by_copy(self, from, to);
        }
        let made = new.parent().map_or(Ok(()), fs::create_dir_all);
        match made.and_then(|()| fs::rename(old, new)) {
            Err(cause) if cause.kind() == ErrorKind::CrossesDevices => move_by_copy(self, from, to),
            answer => answer.map_err(|cause| Error::from_io(to, &cause)),
        }
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::contract;

    #[test]
    fn files_by_the_standard_library_keep_the_contract() {
        let scratch = std::env::temp_dir().join(format!("zarrite-portable-{}", std::process::id()));
        for follow_symlinks in [true, false] {
            let count = AtomicU64::new(0);
            contract::check(&|| {
                let root = scratch.join(format!("{follow_symlinks}/{}", count.fetch_add(1, Ordering::Relaxed)));
                let options = LocalOptions {
                    follow_symlinks,
                    ..LocalOptions::default()
                };
                Arc::new(Local::new(&root, options).expect("a store"))
            });
        }
        fs::remove_dir_all(&scratch).expect("a removal");
    }
}
