//! Locks that other processes of this machine respect, and of others where a network's file system passes them on.
//!
//! What is locked is the file of the object (or the directory of a prefix) itself: nothing is left behind, and the system
//! lets go of a lock when the process that has it ends, however it ends. An object is replaced by renaming, so who gets a
//! lock looks whether the name still leads to what it locked.

use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, openat};
use rustix::io::{Errno, retry_on_intr};

use super::spot::{Answer, Root, place};
use crate::store::Lock;

/// How long the longest pause between two looks at a lock is.
const LONGEST: Duration = Duration::from_millis(2);

/// One look at a lock.
pub(super) fn try_lock(root: &Root, name: &str) -> Answer<Lock> {
    loop {
        let file = match root.open_read(name) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Lock::Missing),
            Err(cause) => return Err(cause),
        };
        let file = match take(root, name, file) {
            Ok(file) => file,
            Err(Errno::WOULDBLOCK) => return Ok(Lock::Busy),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Lock::Missing),
            Err(Errno::BADF | Errno::INVAL | Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP | Errno::ISDIR) => {
                return Ok(Lock::Unknown);
            }
            Err(cause) => return Err(cause),
        };
        match root.stat(name) {
            Ok(now) if place(&now) == place(&fstat(&file)?) => return Ok(Lock::Held(Box::new(file))),
            Ok(_) => {}
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Lock::Missing),
            Err(cause) => return Err(cause),
        }
    }
}

/// Locks a file that is open for reading; file systems on a network lock only what may be written.
fn take(root: &Root, name: &str, file: OwnedFd) -> Answer<OwnedFd> {
    match retry_on_intr(|| flock(&file, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => Ok(file),
        Err(Errno::BADF) => {
            let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | root.no_follow();
            let file = root.at(name, |from, path| {
                retry_on_intr(|| openat(from, path, flags, Mode::empty()))
            });
            let file = file.map_err(|cause| if cause == Errno::ACCESS { Errno::NOLCK } else { cause })?;
            retry_on_intr(|| flock(&file, FlockOperation::NonBlockingLockExclusive)).map(|()| file)
        }
        Err(cause) => Err(cause),
    }
}

/// Waits for the lock of an object; `None` when there is no such object. Where there are no locks this is as good as held.
pub(super) fn wait(root: &Root, name: &str) -> Answer<Option<Lock>> {
    let mut pause = Duration::from_micros(20);
    loop {
        match try_lock(root, name)? {
            Lock::Busy => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST);
            }
            Lock::Missing => return Ok(None),
            lock => return Ok(Some(lock)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Scratch;
    use crate::store::{Lock, Put, Store};
    use crate::stores::LocalOptions;

    #[test]
    fn a_lock_is_of_the_object_that_is_there_now() {
        let scratch = Scratch::new();
        let (one, two) = (
            scratch.store(LocalOptions::default()),
            scratch.store(LocalOptions::default()),
        );
        assert!(matches!(one.try_lock("a/k"), Ok(Lock::Missing)));
        one.put("a/k", &[b"1"], Put::Always).expect("a put");
        let held = one.try_lock("a/k").expect("a lock");
        assert!(matches!(held, Lock::Held(_)));
        assert!(matches!(two.try_lock("a/k"), Ok(Lock::Busy)));
        assert!(
            matches!(two.try_lock("a"), Ok(Lock::Held(_))),
            "the directory is another thing"
        );
        one.put("a/k", &[b"2"], Put::Always).expect("a put");
        assert!(matches!(two.try_lock("a/k"), Ok(Lock::Held(_))), "of the new object");
        drop(held);
        let all = one.try_lock("").expect("a lock");
        assert!(matches!(all, Lock::Held(_)));
        assert!(matches!(two.try_lock(""), Ok(Lock::Busy)));
        one.delete("a/k").expect("a deletion");
        assert!(matches!(two.try_lock("a/k"), Ok(Lock::Missing)));
        let mut names = Vec::new();
        two.list("", &mut |key, _| {
            names.push(key.to_owned());
            true
        })
        .expect("a listing");
        assert_eq!(names, Vec::<String>::new(), "locks leave nothing behind");
    }
}
