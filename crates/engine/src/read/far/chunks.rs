//! Chunks that are objects: one request each.

use super::{Read, is_errand};
use crate::array::{Door, far};
use crate::budget::Taken;
use crate::errand::{self, Asked, Begin, Errand, First, Next};
use crate::error::Result;
use crate::handles::name;
use crate::runtime::{go_on, runtime};
use crate::store::{self, Found, Range};
use bytes::Bytes;
use std::sync::Arc;
use zarrite_core::Workspace;

/// Reads objects that are chunks.
pub(super) fn read_chunks(read: &Arc<Read>, objects: usize, door: &mut Door<'_>) -> Result<()> {
    let held = if is_errand(read, objects) {
        let (held, asked): (Vec<_>, Vec<_>) = read.asked_ahead(objects);
        let count = asked.len();
        let read = Arc::clone(read);
        errand::run(Chunks { read, asked }, count, door)?;
        held
    } else {
        (0..objects).collect()
    };
    let (read, little) = (Arc::clone(read), read.is_little());
    let count = held.len();
    far(
        count,
        little,
        Arc::new(move |at, _: &mut Workspace| read.far_chunk(held[at])),
        door,
    )
}

/// Chunks that are objects.
struct Chunks {
    read: Arc<Read>,
    asked: Vec<usize>,
}

impl Errand for Chunks {
    type Answer = Option<(Bytes, Found)>;
    type Held = ();

    fn ask(&self, at: usize, _may_wait: bool) -> Result<First<Self>> {
        let stored = self.read.stored(self.asked[at])?;
        let store = Arc::clone(&self.read.array.store);
        let bytes = stored.bytes;
        let begin: Begin<_> = Box::new(move |then| store.get_later(&stored.key, stored.range, then));
        Ok(First::Asked(Asked { held: (), begin }, bytes))
    }

    fn finish(
        &self,
        at: usize,
        (): (),
        answer: store::Result<Self::Answer>,
        taken: Taken<'static>,
    ) -> Result<Option<Next<Self>>> {
        let at = self.asked[at];
        let stored = self.read.stored(at)?;
        match answer? {
            Some((came, found)) => self.read.put_down_chunk(at, &stored, &came, &found)?,
            None => self.read.no_chunk(at, &stored)?,
        }
        drop(taken);
        Ok(None)
    }
}

/// What is asked for to have a chunk, or the stretch of it that is wanted.
struct Stored {
    key: String,
    range: Range,
    /// Where the stretch begins.
    low: Option<usize>,
    /// The memory that it takes.
    bytes: usize,
}

impl Read {
    /// The chunks of which some may have been asked for ahead, and the others.
    fn asked_ahead(&self, objects: usize) -> (Vec<usize>, Vec<usize>) {
        if runtime().ahead.is_idle() {
            return (Vec::new(), (0..objects).collect());
        }
        (0..objects).partition(|&at| {
            let key = self.array.key(&self.plan.object(at));
            runtime().ahead.holds(&name(self.array.store.identity(), &key))
        })
    }

    /// An object that is a chunk, or the stretch of it that is wanted.
    fn stored(&self, at: usize) -> Result<Stored> {
        let key = self.array.key(&self.plan.object(at));
        let (place, wanted) = self.plan.piece(at, 0);
        let leaf = self.array.program.leaf(&place)?;
        let (range, low, bytes) = match self.stretch(&leaf, &wanted) {
            Some((low, high)) => (Range::FromTo(low as u64, high as u64), Some(low), high - low),
            None if leaf.chain.is_plain() => (Range::All, None, leaf.bytes()),
            None => (Range::All, None, leaf.bytes().saturating_mul(2)),
        };
        Ok(Stored { key, range, low, bytes })
    }

    /// Reads an object that is a chunk.
    fn far_chunk(&self, at: usize) -> Result<()> {
        let stored = self.stored(at)?;
        if stored.low.is_none()
            && let Some(came) = runtime()
                .ahead
                .take(&name(self.array.store.identity(), &stored.key), &[])
        {
            return match came {
                Some(came) => self.put_down_chunk(at, &stored, &came.bytes, &Found::default()),
                None => self.no_chunk(at, &stored),
            };
        }
        let _taken = runtime().budget.take(stored.bytes);
        go_on()?;
        let mut done = Ok(());
        let found = self
            .array
            .store
            .get_with(&stored.key, stored.range, &mut |came, found| {
                done = self.put_down_chunk(at, &stored, came, found);
            })?;
        match found {
            Some(_) => done,
            None => self.no_chunk(at, &stored),
        }
    }

    /// Puts what came of a chunk where it is wanted.
    fn put_down_chunk(&self, at: usize, stored: &Stored, came: &[u8], found: &Found) -> Result<()> {
        let (place, wanted) = self.plan.piece(at, 0);
        let leaf = self.array.program.leaf(&place)?;
        if stored.low.is_some() {
            // A store that does not say how long the object is has at least given what was asked.
            let object_bytes = found.object_bytes.unwrap_or(leaf.bytes() as u64);
            self.check_size(&stored.key, &leaf, object_bytes)?;
        }
        runtime()
            .compute(|workspace| self.put_down(&stored.key, &leaf, &wanted, came, stored.low, stored.bytes, workspace))
    }

    fn no_chunk(&self, at: usize, stored: &Stored) -> Result<()> {
        let (place, wanted) = self.plan.piece(at, 0);
        self.absent(&stored.key, &*self.array.program.leaf(&place)?, &wanted)
    }
}
