//! THE read: the same whichever door it leaves by.
//!
//! A selection becomes objects, an object becomes items of about a megabyte of cells, and the pool takes items one after another:
//! find the stored bytes, decode them where they are wanted, or nearby and then scatter.

mod far;
mod keeping;
mod placing;

use self::keeping::{Keepers, Keeping, keeper_of};
use crate::ahead::Came;
use crate::array::{Array, Cells, Door, Selection, drive};
use crate::decoded::Decoded;
use crate::error::{Error, Result};
use crate::handles::{Handle, name};
use crate::runtime::{Work, runtime};
use crate::store::{self, Range};
use crate::sync::Mutex;
use std::sync::Arc;
use zarrite_core::{Leaf, Plan, Workspace};

/// Requests that decode less than this run on the calling thread: waking another would cost more.
const LITTLE_BYTES: usize = 512 << 10;
/// ... and touch no more chunks than this: each may cost a look at the store.
const LITTLE_PIECES: usize = 256;
/// Cells an item of a shard decodes, as a rule.
const ITEM_BYTES: usize = 1 << 20;
/// Stored bytes that one read may span, and the unwanted bytes it may take along.
const SPAN_BYTES: u64 = 4 << 20;
const GAP_BYTES: u64 = 64 << 10;
/// Chunks below this size are always read whole.
const PART_BYTES: usize = 64 << 10;

/// How often a shard that was replaced while it was read is read anew.
const TRIES: usize = 16;

/// What views of variable-length cells point at; to be kept until the cells were handed over.
pub type Arena = Vec<Box<[u8]>>;

struct Read {
    array: Array,
    plan: Plan,
    out: Cells,
    /// Shards, opened by whichever item comes first and let go of by whichever comes last.
    open: Vec<Mutex<Shard>>,
    items: Items,
    /// Threads have nothing else to do than to share one chunk.
    few: bool,
    /// Bytes of the largest leaf chunk.
    leaf_bytes: usize,
    /// How the cache of decoded chunks is used, where it is.
    keeping: Option<Keeping>,
    /// The process's, found once: to ask for it costs a call of the system.
    cache: &'static Decoded,
    arena: Mutex<Arena>,
}

/// A shard during a request.
#[derive(Default)]
struct Shard {
    handle: Option<Result<Option<Arc<Handle>>>>,
    /// Items that have not been done yet.
    items: usize,
}

enum Items {
    /// An object is a chunk.
    Objects,
    /// (object, first piece, last piece).
    Parts(Vec<(usize, usize, usize)>),
}

/// Reads a selection into the caller's cells.
///
/// # Errors
/// See [`Error`]; what was read by then is in `out`.
pub fn read(array: &Array, selection: &Selection, out: Cells, door: Door<'_>) -> Result<Arena> {
    let (plan, leaf_bytes) = array.plan(selection)?;
    let program = &array.program;
    let leaf_bytes = leaf_bytes.max(1);
    let total = plan.pieces().saturating_mul(leaf_bytes);
    let little =
        total <= LITTLE_BYTES && plan.pieces() <= LITTLE_PIECES || plan.pieces() == 1 && reads_part(array, &plan)?;
    let threads = runtime().threads();
    let mut open = Vec::new();
    let wanted_bytes = selection.cells().saturating_mul(program.cell_bytes);
    let keeping = Keeping::of(array, leaf_bytes, total, wanted_bytes);
    if !array.store.is_local() && keeping.is_none() {
        let few = plan.pieces() < threads && leaf_bytes >= ITEM_BYTES;
        let read = Arc::new(Read {
            array: array.clone(),
            plan,
            out,
            open,
            items: Items::Objects,
            few,
            leaf_bytes,
            keeping,
            cache: &runtime().decoded,
            arena: Mutex::default(),
        });
        far::read_all(&read, door).map_err(|error| error.in_store(&*array.store))?;
        return Ok(std::mem::take(&mut read.arena.lock()));
    }
    let items = if program.depth() == 0 {
        Items::Objects
    } else {
        open.resize_with(plan.objects(), Mutex::<Shard>::default);
        let room = (ITEM_BYTES / leaf_bytes).max(1);
        // Enough items for every thread to find one, as large as is good for few calls.
        let most = if little {
            usize::MAX
        } else {
            room.min(plan.pieces().div_ceil(threads * 4)).max(1)
        };
        let mut parts = Vec::new();
        for (object, shard) in open.iter_mut().enumerate() {
            let pieces = plan.object_pieces(object);
            let mut first = 0;
            while first < pieces {
                let last = pieces.min(first.saturating_add(most));
                parts.push((object, first, last));
                shard.get_mut().items += 1;
                first = last;
            }
        }
        Items::Parts(parts)
    };
    let n = match &items {
        Items::Objects => plan.objects(),
        Items::Parts(parts) => parts.len(),
    };
    let batch = match items {
        Items::Objects => (LITTLE_BYTES / 2 / leaf_bytes).min(n / (threads * 4)).max(1),
        Items::Parts(_) => 1,
    };
    let read = Arc::new(Read {
        array: array.clone(),
        plan,
        out,
        open,
        items,
        few: n < threads && leaf_bytes >= ITEM_BYTES,
        leaf_bytes,
        keeping,
        cache: &runtime().decoded,
        arena: Mutex::default(),
    });
    let little = little || read.leaves_little();
    if !array.store.is_local() {
        far::ahead::ask(&read);
    }
    let shared = Arc::clone(&read);
    let work: Arc<Work> = Arc::new(move |at, workspace| {
        let done = shared.item(at, workspace);
        if !workspace.context.arena.is_empty() {
            shared.arena.lock().append(&mut workspace.context.arena);
        }
        done
    });
    drive(&*array.store, n, batch, little, work, door).map_err(|error| error.in_store(&*array.store))?;
    Ok(std::mem::take(&mut read.arena.lock()))
}

/// Whether the only chunk touched is read in part, so that it is little work however large the chunk is.
fn reads_part(array: &Array, plan: &Plan) -> Result<bool> {
    let (at, wanted) = plan.piece(0, 0);
    Ok(array.program.leaf(&at)?.chain.is_plain()
        && wanted.cells().saturating_mul(array.program.cell_bytes) <= LITTLE_BYTES / 8)
}

impl Read {
    fn item(&self, at: usize, workspace: &mut Workspace) -> Result<()> {
        match &self.items {
            Items::Objects => self.chunk(at, workspace),
            Items::Parts(parts) => {
                let (object, first, last) = parts[at];
                self.part(object, first, last, workspace)
            }
        }
    }

    /// An object that is a chunk.
    fn chunk(&self, at: usize, workspace: &mut Workspace) -> Result<()> {
        let program = &self.array.program;
        let key = self.array.key(&self.plan.object(at));
        let (place, wanted) = self.plan.piece(at, 0);
        let leaf = program.leaf(&place)?;
        let leaf_bytes = leaf.bytes();
        if let Some(keeping) = &self.keeping
            && let Some(done) = self.kept_chunk(keeping, &key, &place, &leaf, &wanted, workspace)
        {
            return done;
        }
        if leaf.chain.is_plain() && leaf_bytes >= PART_BYTES {
            let together = self.array.lies_together(&leaf, &wanted, &self.out.strides);
            let parts = if together.is_some() {
                None
            } else {
                self.parts(&leaf, &wanted)
            };
            if together.is_some() || parts.is_some() {
                let Some(object) = self.array.store.open(&key)? else {
                    return self.absent(&key, &leaf, &wanted);
                };
                self.check_size(&key, &leaf, object.bytes())?;
                if let Some(offset) = together {
                    // SAFETY: pieces of a plan write disjoint cells.
                    if let Some(cells) = unsafe { self.out.memory.bytes_mut(offset, leaf_bytes) } {
                        return Ok(object.read_at(0, cells)?);
                    }
                }
                return self.plain_parts(
                    object.as_ref(),
                    0,
                    &leaf,
                    &wanted,
                    &parts.unwrap_or_default(),
                    workspace,
                );
            }
        }
        let _taken = (leaf_bytes > LITTLE_BYTES).then(|| runtime().budget.take(leaf_bytes.saturating_mul(2)));
        let mut stored = workspace.empty_buffer();
        let done = match self.array.store.get(&key, Range::All, &mut stored) {
            Ok(Some(_)) => self.place(&key, &leaf, &wanted, &stored, workspace),
            Ok(None) => self.absent(&key, &leaf, &wanted),
            Err(error) => Err(error.into()),
        };
        workspace.put_back(stored);
        done
    }

    fn check_size(&self, key: &str, leaf: &Leaf, got: u64) -> Result<()> {
        let want = leaf.bytes();
        if got == want as u64 {
            return Ok(());
        }
        Err(self
            .array
            .undecodable(key, zarrite_core::Error::size("the stored chunk", want, got as usize)))
    }

    /// The shard of an item, held until its last item is done: a request of many shards does not hold them all.
    fn part(&self, at: usize, first: usize, last: usize, workspace: &mut Workspace) -> Result<()> {
        let key = self.array.key(&self.plan.object(at));
        let opened = {
            let mut shard = self.open[at].lock();
            let open = || self.open(at, &key);
            let opened = shard.handle.get_or_insert_with(open).clone();
            shard.items -= 1;
            if shard.items == 0 {
                shard.handle = None;
            }
            opened
        };
        let mut opened = opened?;
        for _ in 0..TRIES {
            let done = match &opened {
                Some(handle) => self.chunks(handle, &key, at, first..last, workspace),
                None => (first..last).try_for_each(|piece| {
                    let (place, wanted) = self.plan.piece(at, piece);
                    self.absent(&key, &*self.array.program.leaf(&place)?, &wanted)
                }),
            };
            if !matches!(&done, Err(Error::Store { why, .. }) if matches!(why, store::Error::Changed { .. })) {
                return done;
            }
            // Another program replaced the shard: its new index says where things are now.
            runtime().handles.forget(self.array.store.identity(), &key);
            opened = self.open(at, &key)?;
        }
        Err(store::Error::Changed { key }.into())
    }

    /// A shard, held and known or opened by a read of its index.
    fn open(&self, at: usize, key: &str) -> Result<Option<Arc<Handle>>> {
        let store = &self.array.store;
        let level = self.array.program.level(0, &self.plan.piece(at, 0).0)?;
        let place = &level.place;
        let index = place.index_bytes() as u64;
        let part = if place.index_at_end() {
            Range::Last(index)
        } else {
            Range::FromTo(0, index)
        };
        let open = || {
            runtime()
                .handles
                .get(store.identity(), key, || store.open_part(key, part))
        };
        match open()? {
            Some(held) => match self.check_held(key, held)? {
                None => open(),
                current => Ok(current),
            },
            None => Ok(None),
        }
    }

    /// Some chunks of a shard.
    fn chunks(
        &self,
        handle: &Handle,
        key: &str,
        at: usize,
        pieces: std::ops::Range<usize>,
        workspace: &mut Workspace,
    ) -> Result<()> {
        let Some(keeping) = &self.keeping else {
            let pieces: Vec<usize> = pieces.collect();
            return self.stored_chunks(handle, key, at, &pieces, &mut Keepers::new(), workspace);
        };
        let (rest, mut keepers, others) = self.without_kept(keeping, handle, key, at, pieces)?;
        self.stored_chunks(handle, key, at, &rest, &mut keepers, workspace)?;
        // Who waits for others leads none itself.
        drop(keepers);
        self.put_down_others(handle, key, at, &others, workspace)
    }

    /// Some chunks of a shard that have to be read.
    fn stored_chunks(
        &self,
        handle: &Handle,
        key: &str,
        at: usize,
        pieces: &[usize],
        keepers: &mut Keepers,
        workspace: &mut Workspace,
    ) -> Result<()> {
        let program = &self.array.program;
        let mut found: Vec<(u64, u64, usize)> = Vec::with_capacity(pieces.len());
        for &piece in pieces {
            let (place, wanted) = self.plan.piece(at, piece);
            let located = self.locate(handle, &place, workspace);
            if let Some((start, end)) = located.map_err(|error| self.placed(key, error))? {
                found.push((start, end, piece));
            } else {
                drop(keeper_of(keepers, piece));
                self.absent(key, &*program.leaf(&place)?, &wanted)?;
            }
        }
        found.sort_unstable();
        let mut rest = &found[..];
        while let Some(&(start, mut end, piece)) = rest.first() {
            let (place, wanted) = self.plan.piece(at, piece);
            let leaf = program.leaf(&place)?;
            if let Some(came) = self.came_ahead(handle, key, &place) {
                match keeper_of(keepers, piece) {
                    Some(keeper) => self.place_and_keep(key, &leaf, &wanted, &came.bytes, keeper, workspace),
                    None => self.place(key, &leaf, &wanted, &came.bytes, workspace),
                }?;
                rest = &rest[1..];
                continue;
            }
            if leaf.chain.is_plain()
                && leaf.bytes() >= PART_BYTES
                && !keepers.iter().any(|(kept, _)| *kept == piece)
                && let Some(parts) = self.parts(&leaf, &wanted)
            {
                self.check_size(key, &leaf, end - start)?;
                self.plain_parts(handle.object.as_ref(), start, &leaf, &wanted, &parts, workspace)?;
                rest = &rest[1..];
                continue;
            }
            let mut n = 1;
            while let Some(&(next, its_end, _)) = rest.get(n)
                && next.saturating_sub(end) <= GAP_BYTES
                && its_end.max(end) - start <= SPAN_BYTES
            {
                end = end.max(its_end);
                n += 1;
            }
            let (run, later) = rest.split_at(n);
            self.run(key, handle, at, start, end, run, keepers, workspace)?;
            rest = later;
        }
        Ok(())
    }

    /// A chunk of a shard that was asked for ahead, and is of the version that is open.
    fn came_ahead(&self, handle: &Handle, key: &str, place: &[u64]) -> Option<Came> {
        let store = &self.array.store;
        if store.is_local() || runtime().ahead.is_idle() {
            return None;
        }
        let came = runtime().ahead.take(&name(store.identity(), key), place)??;
        (came.version == Some(handle.object.version())).then_some(came)
    }

    /// Chunks whose bytes lie near each other, read at once.
    #[allow(clippy::too_many_arguments)]
    fn run(
        &self,
        key: &str,
        handle: &Handle,
        at: usize,
        start: u64,
        end: u64,
        run: &[(u64, u64, usize)],
        keepers: &mut Keepers,
        workspace: &mut Workspace,
    ) -> Result<()> {
        let mut each = |bytes: &[u8], workspace: &mut Workspace| {
            run.iter().try_for_each(|&(first, last, piece)| {
                let stored = &bytes[(first - start) as usize..(last - start) as usize];
                let (place, wanted) = self.plan.piece(at, piece);
                let leaf = self.array.program.leaf(&place)?;
                match keeper_of(keepers, piece) {
                    Some(keeper) => self.place_and_keep(key, &leaf, &wanted, stored, keeper, workspace),
                    None => self.place(key, &leaf, &wanted, stored, workspace),
                }
            })
        };
        if let Some(bytes) = handle.object.in_memory() {
            return each(&bytes[start as usize..end as usize], workspace);
        }
        let n = (end - start) as usize;
        let _taken = (n > LITTLE_BYTES).then(|| runtime().budget.take(n.saturating_add(self.leaf_bytes)));
        let mut stored = workspace.buffer(n)?;
        let done = handle.object.read_at(start, &mut stored[..n]).map_err(Error::from);
        let done = done.and_then(|()| each(&stored[..n], workspace));
        workspace.put_back(stored);
        done
    }

    /// Where a leaf chunk's bytes are in its object.
    fn locate(&self, handle: &Handle, leaf: &[u64], workspace: &mut Workspace) -> Result<Option<(u64, u64)>> {
        let (mut start, mut end) = (0, handle.object.bytes());
        for depth in 0..self.array.program.depth() {
            let level = self.array.program.level(depth, leaf)?;
            let index = handle.index((depth, start), || {
                let range = level.place.index_range(end - start)?;
                let mut stored = vec![0; (range.end - range.start) as usize];
                if !stored.is_empty() {
                    handle.object.read_at(start + range.start, &mut stored)?;
                }
                Ok(level.place.decode_index(&stored, workspace)?)
            })?;
            match index.get(level.slot(leaf), end - start)? {
                Some(range) => (start, end) = (start + range.start, start + range.end),
                None => return Ok(None),
            }
        }
        Ok(Some((start, end)))
    }

    fn placed(&self, key: &str, error: Error) -> Error {
        match error {
            Error::Request(why) => self.array.undecodable(key, why),
            other => other,
        }
    }
}
