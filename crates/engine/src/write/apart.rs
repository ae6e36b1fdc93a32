//! How writers of one object are kept apart: by the lock of this process, and by what the place has beside it.

use super::{Claim, LITTLE_BYTES, Write};
use crate::error::{Error, Result};
use crate::exclude;
use crate::runtime::{go_on, runtime};
use crate::store::{self, Lock, Put, Range, Safety, Version};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::Ordering;
use std::time::Duration;
use zarrite_core::Workspace;

/// How often a change is made anew when another machine was faster.
const TRIES: u32 = 64;

/// An object that is written.
pub(super) struct Target<'a> {
    pub(super) key: &'a str,
    /// Which of the plan's objects it is.
    pub(super) at: usize,
    /// Whether every cell of it inside the array, as the handle knows it, is written.
    pub(super) whole: bool,
    /// Whether nothing of the old object is to stay.
    pub(super) alone: bool,
}

impl Claim {
    /// Notes an object that is there, or is gone again.
    fn meet(&self, key: &str, now: Option<Version>) {
        let mut seen = self.seen.lock();
        match now {
            Some(now) => seen.insert(key.to_owned(), now),
            None => seen.remove(key),
        };
        self.met.fetch_add(1, Ordering::Relaxed);
    }
}

impl Write {
    /// Replaces an object, whatever else is written to it at the same time.
    pub(super) fn object(&self, at: usize, workspace: &mut Workspace) -> Result<()> {
        let key = self.array.key(&self.plan.object(at));
        // First the lock, then the budget: who holds of the budget never waits for a lock.
        let _lock = runtime().lock(self.array.store.identity(), &key);
        let object = self.target(&key, at);
        let bytes = self.object_bytes(&object);
        let _taken = (bytes > LITTLE_BYTES).then(|| runtime().budget.take(bytes));
        self.locked_here(&object, workspace)
    }

    /// What an object takes while it is replaced: its new chunks, decoded and encoded, and what is read of a shard. That is asked
    /// for whole, and nobody knows how large it is before it comes: no larger than its cells.
    pub(super) fn object_bytes(&self, object: &Target<'_>) -> usize {
        let new = self.leaf_bytes.saturating_mul(self.plan.object_pieces(object.at));
        let program = &self.array.program;
        let old = if object.whole || program.depth() == 0 {
            0
        } else {
            let axes = program.grid.axes().iter();
            axes.fold(self.leaf_bytes, |bytes, axis| {
                bytes.saturating_mul(axis.per_object() as usize)
            })
        };
        new.saturating_mul(2).saturating_add(old)
    }

    /// An object and what is done with it.
    pub(super) fn target<'a>(&self, key: &'a str, at: usize) -> Target<'a> {
        let whole = self.covers_object(at);
        Target {
            key,
            at,
            whole,
            // Cells beyond the end of the array as this handle knows it may be those of a writer who knows it longer.
            alone: whole && !self.overhangs(at),
        }
    }

    /// Replaces an object of which this thread has the lock that this process knows.
    pub(super) fn locked_here(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        let store = &self.array.store;
        let done = match store.safety() {
            _ if self.claim.is_some() => self.claimed(object, workspace),
            Safety::Process => self.alone(object, workspace),
            Safety::Locks => self.locked(object, workspace),
            Safety::Conditions | Safety::Unproven if object.alone => self.here(object, workspace),
            Safety::Conditions | Safety::Unproven => self.conditional(object, workspace),
            Safety::Nothing => self.unprotected(object, workspace),
        };
        runtime().handles.forget(store.identity(), object.key);
        done
    }

    /// Replaces an object in a place that only this process reaches.
    fn alone(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        // An object whose known cells are all written is read only once it turns out to be there.
        if object.whole && !object.alone {
            let done = self.replace(object, None, &Put::IfAbsent, false, workspace)?;
            if done == Some(true) {
                return Ok(());
            }
        }
        self.here(object, workspace)
    }

    /// Replaces an object that nobody but this process writes, or nothing of which is to stay.
    fn here(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        let store = &self.array.store;
        let mut old = None;
        if !object.alone {
            let mut stored = workspace.empty_buffer();
            old = store.get(object.key, Range::All, &mut stored)?.map(|_| stored);
        }
        let may_exist = object.alone || old.is_some();
        if self.replace(object, old, &Put::Always, false, workspace)?.is_none() && may_exist {
            store.delete(object.key)?;
        }
        Ok(())
    }

    /// Replaces an object under a lock that other processes respect; one that is not there needs none to be made.
    fn locked(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        let store = &self.array.store;
        loop {
            match exclude::wait_for_object(&**store, object.key)? {
                Lock::Missing => match self.replace(object, None, &Put::IfAbsent, false, workspace)? {
                    Some(false) => {}
                    Some(true) | None => return Ok(()),
                },
                Lock::Held(_held) => return self.here(object, workspace),
                Lock::Unknown | Lock::Busy if object.alone => return self.here(object, workspace),
                Lock::Unknown | Lock::Busy => {
                    exclude::unprotected(&**store, object.key, || self.said("its file system has no locks"))?;
                    return self.conditional(object, workspace);
                }
            }
        }
    }

    /// Replaces an object as long as it is the one that was read, else reads it again.
    fn conditional(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        let (store, key) = (&self.array.store, object.key);
        // An object whose known cells are all written is read only once it turns out to be there.
        let mut unread = object.whole;
        for attempt in 0..TRIES {
            let mut stored = workspace.empty_buffer();
            let version = if unread {
                None
            } else {
                store.get_versioned(key, &mut stored)?
            };
            let (how, old) = match version {
                Some(version) => (Put::IfVersion(version), Some(stored)),
                None => (Put::IfAbsent, None),
            };
            if store.safety() == Safety::Unproven
                && let Some(old) = &old
                && store.prove(key, &[old])? == Safety::Nothing
            {
                return self.unprotected(object, workspace);
            }
            // No store deletes on a condition, so an object that became empty stays.
            let stays = old.is_some();
            match self.replace(object, old, &how, stays, workspace) {
                Ok(Some(true)) => return Ok(()),
                Ok(None) if !unread => return Ok(()),
                Ok(_) => {}
                Err(Error::Store {
                    why: store::Error::Unsafe { .. },
                    ..
                }) => return self.unprotected(object, workspace),
                Err(error) => return Err(error),
            }
            if !std::mem::take(&mut unread) {
                go_on()?;
                std::thread::sleep(pause(attempt));
            }
        }
        Err(store::Error::Changed { key: key.to_owned() }.into())
    }

    /// Makes an object that is not there, or replaces what was claimed.
    fn claimed(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        let (Some(claim), store, key) = (&self.claim, &self.array.store, object.key) else {
            return Ok(());
        };
        if claim.done.lock().contains(key) {
            return Ok(());
        }
        let seen = claim.seen.lock().get(key).cloned();
        let (how, old) = match &seen {
            None => (Put::IfAbsent, None),
            Some(seen) => {
                let mut stored = workspace.empty_buffer();
                match store.get_versioned(key, &mut stored)? {
                    Some(now) if now == *seen => (Put::IfVersion(now), Some(stored)),
                    now => {
                        claim.meet(key, now);
                        return Ok(());
                    }
                }
            }
        };
        if store.safety() == Safety::Unproven
            && let Some(old) = &old
            && store.prove(key, &[old])? == Safety::Nothing
        {
            let (key, why) = (key.to_owned(), "the server does not look at conditions".to_owned());
            return Err(store::Error::Unsafe { key, why }.into());
        }
        if self.replace(object, old, &how, true, workspace)? == Some(true) {
            claim.done.lock().insert(key.to_owned());
            return Ok(());
        }
        let mut stored = workspace.empty_buffer();
        let now = store.get_versioned(key, &mut stored)?;
        workspace.put_back(stored);
        claim.meet(key, now);
        Ok(())
    }

    /// Replaces an object with nothing to keep others away, if that is wanted.
    fn unprotected(&self, object: &Target<'_>, workspace: &mut Workspace) -> Result<()> {
        if !object.whole {
            exclude::unprotected(&*self.array.store, object.key, || {
                self.said("it takes no conditional puts")
            })?;
        }
        self.here(object, workspace)
    }

    /// Why a partial write is not safe, and what is.
    fn said(&self, why: &str) -> String {
        let edges = self.array.program.grid.axes().iter().map(|axis| match axis.uniform() {
            Some(edge) => edge.saturating_mul(axis.per_object()).to_string(),
            None => "irregular".to_owned(),
        });
        let what = if self.array.program.depth() > 0 {
            "shards"
        } else {
            "chunks"
        };
        format!(
            "a part of an object is written, {why}, so another process that writes to the same object at the same time \
             may lose cells; write whole {what} (of shape ({})), or set array.unsafe_writes to \"allow\"",
            edges.collect::<Vec<_>>().join(", ")
        )
    }

    /// Whether an object has room for cells beyond the end of the array.
    fn overhangs(&self, at: usize) -> bool {
        let object = self.plan.object(at);
        let mut axes = self.array.program.grid.axes().iter().zip(&object);
        axes.any(|(axis, &index)| axis.overhangs(index))
    }
}

/// How long to wait before the next try, so that of several writers each gets its turn.
fn pause(attempt: u32) -> Duration {
    let most = 1_u64 << attempt.min(7);
    let part = RandomState::new().hash_one(attempt) % 1000;
    Duration::from_micros(most * (500 + part))
}
