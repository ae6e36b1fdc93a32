//! The write to a network: objects are read, changed and put with many requests in flight, by the threads that encode.
//!
//! What is seldom (a condition that did not hold, an object that becomes empty, a server that is not known yet) goes the way of
//! `apart.rs`, on a thread that may wait.

use super::Write;
use super::apart::Target;
use crate::array::{Door, IN_FLIGHT};
use crate::budget::Taken;
use crate::errand::{self, Asked, Begin, Errand, First, Next};
use crate::error::Result;
use crate::runtime::{Turn, runtime, with_workspace};
use crate::store::{self, Found, Put, Range, Safety, Version, named};
use bytes::Bytes;
use std::sync::Arc;
use zarrite_core::Memory;

impl Write {
    /// Whether the objects are large, or more than threads that may wait for one each, in a place that may be asked for many.
    pub(super) fn is_errand(&self) -> bool {
        let store = &self.array.store;
        self.claim.is_none()
            && (self.plan.objects() > runtime().threads() || self.array.program.depth() > 0)
            && store.takes_later()
            && matches!(store.safety(), Safety::Conditions | Safety::Unproven)
    }
}

/// Writes all objects.
pub(super) fn run(write: Arc<Write>, mut door: Door<'_>) -> Result<()> {
    let objects = write.plan.objects();
    errand::run(Objects(write), objects, &mut door)
}

/// Objects that are written.
struct Objects(Arc<Write>);

/// An object of which this process has the lock.
struct Held {
    key: String,
    whole: bool,
    alone: bool,
    _turn: Turn<'static>,
}

/// What comes for an object.
enum Answer {
    /// There is memory to encode it.
    Ready,
    /// The object that is there.
    Got(Option<(Bytes, Found)>),
    /// The object that was there, and what the server does with conditions.
    Proven(Bytes, Version, Safety),
    /// Whether it was put.
    Put(bool),
    /// It is done.
    Done(Result<()>),
}

impl Held {
    fn target(&self, at: usize) -> Target<'_> {
        Target {
            key: &self.key,
            at,
            whole: self.whole,
            alone: self.alone,
        }
    }
}

impl Errand for Objects {
    type Answer = Answer;
    type Held = Held;

    fn ask(&self, at: usize, may_wait: bool) -> Result<First<Self>> {
        let store = &self.0.array.store;
        let key = self.0.array.key(&self.0.plan.object(at));
        let turn = if may_wait {
            runtime().lock(store.identity(), &key)
        } else if let Some(turn) = runtime().try_lock(store.identity(), &key) {
            turn
        } else {
            return Ok(First::Busy);
        };
        let object = self.0.target(&key, at);
        let (whole, alone, bytes) = (object.whole, object.alone, self.0.object_bytes(&object));
        // An object whose known cells are all written is read only once it turns out to be there.
        let begin: Begin<Answer> = if whole {
            Box::new(|then| {
                then(Ok(Answer::Ready));
                None
            })
        } else {
            let (store, key) = (Arc::clone(store), key.clone());
            Box::new(move |then| store.get_later(&key, Range::All, Box::new(|got| then(got.map(Answer::Got)))))
        };
        let held = Held {
            key,
            whole,
            alone,
            _turn: turn,
        };
        Ok(First::Asked(Asked { held, begin }, bytes))
    }

    fn finish(
        &self,
        at: usize,
        held: Held,
        answer: store::Result<Answer>,
        taken: Taken<'static>,
    ) -> Result<Option<Next<Self>>> {
        let asked = match answer {
            Ok(Answer::Ready) => match self.0.parts(&held.target(at), None)? {
                Some(parts) if held.alone => self.put(held, parts, Put::Always),
                Some(parts) => self.put(held, parts, Put::IfAbsent),
                // What is there has to go.
                None => self.aside(at, held),
            },
            Ok(Answer::Got(None)) => match self.0.parts(&held.target(at), None)? {
                Some(parts) => self.put(held, parts, Put::IfAbsent),
                None => return Ok(None),
            },
            Ok(Answer::Got(Some((old, found)))) => {
                let version = named(found.version, &held.key)?;
                if self.0.array.store.safety() == Safety::Unproven {
                    self.prove(held, old, version)
                } else {
                    self.change(at, held, old, version)?
                }
            }
            Ok(Answer::Proven(old, version, Safety::Conditions)) => self.change(at, held, old, version)?,
            Ok(Answer::Put(true)) => {
                runtime().handles.forget(self.0.array.store.identity(), &held.key);
                return Ok(None);
            }
            Ok(Answer::Done(done)) => return done.map(|()| None),
            Ok(Answer::Put(false) | Answer::Proven(..)) | Err(store::Error::Unsafe { .. }) => self.aside(at, held),
            Err(error) => return Err(error.into()),
        };
        Ok(Some((asked, taken)))
    }
}

impl Objects {
    /// Puts an object in the place of the one that was read.
    fn change(&self, at: usize, held: Held, old: Bytes, version: Version) -> Result<Asked<Self>> {
        // No store deletes on a condition, so an object that became empty stays.
        match self.0.parts(&held.target(at), Some(old))? {
            Some(parts) => Ok(self.put(held, parts, Put::IfVersion(version))),
            None => Ok(self.aside(at, held)),
        }
    }

    fn put(&self, held: Held, parts: Vec<Bytes>, how: Put) -> Asked<Self> {
        let (store, key) = (Arc::clone(&self.0.array.store), held.key.clone());
        let begin: Begin<Answer> = Box::new(move |then| {
            store.put_later(&key, parts, how, Box::new(|put| then(put.map(Answer::Put))));
            None
        });
        Asked { held, begin }
    }

    /// Finds out what the server does with conditions: once, whoever asks.
    fn prove(&self, held: Held, old: Bytes, version: Version) -> Asked<Self> {
        let (store, key) = (Arc::clone(&self.0.array.store), held.key.clone());
        let begin: Begin<Answer> = Box::new(move |then| {
            runtime().spawn(IN_FLIGHT, move || {
                let safety = store.prove(&key, &[&old]);
                then(safety.map(|safety| Answer::Proven(old, version, safety)));
            });
            None
        });
        Asked { held, begin }
    }

    /// Does an object on a thread that waits.
    fn aside(&self, at: usize, held: Held) -> Asked<Self> {
        let (write, key) = (Arc::clone(&self.0), held.key.clone());
        let (whole, alone) = (held.whole, held.alone);
        let begin: Begin<Answer> = Box::new(move |then| {
            runtime().spawn(IN_FLIGHT, move || {
                let key = &key[..];
                let object = Target { key, at, whole, alone };
                let done = with_workspace(|workspace| write.locked_here(&object, workspace));
                then(Ok(Answer::Done(done)));
            });
            None
        });
        Asked { held, begin }
    }
}

impl Write {
    /// An object as it is put, computed on this thread; `None` as of [`Self::replace`]. One that was there stays.
    fn parts(&self, object: &Target<'_>, old: Option<Bytes>) -> Result<Option<Vec<Bytes>>> {
        let stays = old.is_some();
        runtime().compute(|workspace| {
            if self.array.program.depth() > 0 {
                let built = self.shard(object, old.as_deref(), stays, workspace)?;
                return Ok(built.map(|built| built.into_parts(&old.unwrap_or_default())));
            }
            let old = match self.patched(object, old)? {
                Ok(patched) => return Ok(Some(vec![patched])),
                Err(old) => old,
            };
            let mut bytes = workspace.empty_buffer();
            let kept = self.leaf(object.key, object.at, 0, old.as_deref(), &mut bytes, stays, workspace);
            if matches!(kept, Ok(true)) {
                return Ok(Some(vec![runtime().lend(bytes)]));
            }
            workspace.put_back(bytes);
            kept.map(|_: bool| None)
        })
    }

    /// A chunk that is stored as its cells are is changed where it lies; any other is given back.
    fn patched(&self, object: &Target<'_>, old: Option<Bytes>) -> Result<std::result::Result<Bytes, Option<Bytes>>> {
        let program = &self.array.program;
        let (place, wanted) = self.plan.piece(object.at, 0);
        let leaf = program.leaf(&place)?;
        match old {
            Some(old) if leaf.chain.is_plain() && program.vlen.is_none() && old.len() == leaf.bytes() => {
                let mut cells = Vec::from(old);
                let target = Memory::of_mut(&mut cells);
                self.copy_in(&leaf, &wanted)
                    .run(&self.values.memory, &target, program.cell_bytes)?;
                Ok(Ok(cells.into()))
            }
            old => Ok(Err(old)),
        }
    }
}
