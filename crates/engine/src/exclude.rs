//! Keeping writers of one object apart: waiting for locks, trying conditions out, and what is done where there are neither.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::runtime::go_on;
use crate::store::{self, Lock, Store};
use crate::sync::Mutex;

/// How long the longest pause between two looks at a lock is.
const LONGEST: Duration = Duration::from_millis(2);

/// What becomes of a partial write that nothing protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Unsafe {
    /// It is done, and told once a store.
    Warn,
    /// It is refused.
    Refuse,
    /// It is done.
    Allow,
}

static POLICY: AtomicU8 = AtomicU8::new(Unsafe::Warn as u8);

/// What becomes of partial writes that nothing protects.
pub fn policy() -> Unsafe {
    match POLICY.load(Ordering::Relaxed) {
        0 => Unsafe::Warn,
        1 => Unsafe::Refuse,
        _ => Unsafe::Allow,
    }
}

/// Changes that.
pub fn set_policy(policy: Unsafe) {
    POLICY.store(policy as u8, Ordering::Relaxed);
}

/// Stores that were told of, and what is still to be said.
static TOLD: Mutex<(Vec<String>, Vec<String>)> = Mutex::new((Vec::new(), Vec::new()));
/// No more stores than these are told of: a program that makes stores without end is not to run out of memory.
const MOST: usize = 4096;

/// Whether there is something, asked after every request.
static WAITING: AtomicBool = AtomicBool::new(false);

/// Whether there is something to warn the user of.
pub fn has_warnings() -> bool {
    WAITING.load(Ordering::Relaxed)
}

/// What the user is to be warned of since last asked.
pub fn warnings() -> Vec<String> {
    WAITING.store(false, Ordering::Relaxed);
    std::mem::take(&mut TOLD.lock().1)
}

/// Says whether something may be done that nothing protects, and keeps the warning for who asked.
///
/// # Errors
/// [`store::Error::Unsafe`] where the policy refuses it.
pub fn unprotected(store: &dyn Store, key: &str, why: impl FnOnce() -> String) -> Result<()> {
    match policy() {
        Unsafe::Allow => Ok(()),
        Unsafe::Refuse => {
            let (key, why) = (key.to_owned(), why());
            Err(Error::from(store::Error::Unsafe { key, why }).in_store(store))
        }
        Unsafe::Warn => {
            let (told, waiting) = &mut *TOLD.lock();
            if told.len() < MOST && !told.iter().any(|known| known == store.identity()) {
                told.push(store.identity().to_owned());
                waiting.push(format!("{:?} in {}: {}", key, store.url(), why()));
                WAITING.store(true, Ordering::Relaxed);
            }
            Ok(())
        }
    }
}

/// Waits for the lock of an object or of all below a prefix; never [`Lock::Busy`].
///
/// # Errors
/// The store's; [`Error::Stopped`] when the caller gave up.
pub fn wait(store: &dyn Store, name: &str, stop: &mut dyn FnMut() -> Result<()>) -> Result<Lock> {
    let mut pause = Duration::from_micros(20);
    loop {
        match store.try_lock(name)? {
            Lock::Busy => {
                stop()?;
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST);
            }
            lock => return Ok(lock),
        }
    }
}

/// As [`wait`], in a piece of a request's work.
///
/// # Errors
/// As [`wait`].
pub fn wait_for_object(store: &dyn Store, key: &str) -> Result<Lock> {
    wait(store, key, &mut go_on)
}
