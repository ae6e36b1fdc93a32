//! Reading ahead: a loop over the chunks of an array on a network waits for one after another, so the next ones are asked for before it does.
//!
//! Who reads chunk after chunk at an even pace, three times at least, is taken to go on like that, in rows as C order has them. What was
//! asked for is kept encoded, until it is read, is written here, grows old, or another chunk is read than was expected.

use crate::store::Version;
use crate::sync::{Condvar, Mutex};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// What is kept or on its way, in all and for one array.
const MOST_BYTES: usize = 32 << 20;
/// Chunks on their way, for one array.
const MOST_CHUNKS: usize = 64;
/// Arrays whose reads are followed.
const MOST_ARRAYS: usize = 64;
/// Another program may have written meanwhile.
const OLD: Duration = Duration::from_secs(10);
/// Steps of one kind after which more of them are expected.
const STEPS: usize = 2;

/// The chunks that a read touches: the first and the last along each axis.
pub type Chunks = Vec<(u64, u64)>;

/// What is kept for later, and how each array is read.
#[derive(Default)]
pub struct Ahead {
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Default)]
struct State {
    /// By the object's name, then by chunk (empty: the whole object).
    kept: HashMap<String, HashMap<Vec<u64>, Kept>>,
    bytes: usize,
    arrays: HashMap<String, Walk>,
    /// Tells what is asked for again from what was given up.
    clock: u64,
}

struct Kept {
    array: String,
    number: u64,
    bytes: usize,
    since: Instant,
    what: What,
}

enum What {
    /// Nobody has begun: who wants it asks himself.
    Queued,
    Asked,
    /// `None`: there is no such chunk.
    Came(Option<Came>),
}

/// A chunk as it is stored.
pub struct Came {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The version of the object that it is of.
    pub version: Option<Version>,
    /// When it was asked for, as [`Decoded::now_us`](crate::decoded::Decoded::now_us) tells.
    pub asked_us: u64,
}

/// How one array is read.
struct Walk {
    last: Chunks,
    /// Axis and chunks that each read moves on by.
    step: Option<(usize, i64)>,
    steps: usize,
    /// What was asked for and was not read yet.
    expected: VecDeque<Chunks>,
    used: u64,
}

/// A chunk that is to be asked for.
pub struct Wish {
    /// The object's name: the store's identity and the key.
    pub name: String,
    /// The chunk in it, empty for the whole object.
    pub chunk: Vec<u64>,
    number: u64,
}

impl Ahead {
    /// Follows a read; what is to be asked for now. `counts` is how many chunks there are along each axis, `bytes` what a read may bring.
    pub fn follow(&self, array: &str, chunks: &Chunks, counts: &[u64], bytes: usize, most_bytes: usize) -> Vec<Chunks> {
        let mut state = self.state.lock();
        state.clock += 1;
        let clock = state.clock;
        if state.arrays.len() >= MOST_ARRAYS && !state.arrays.contains_key(array) {
            let oldest = state.arrays.iter().min_by_key(|(_, walk)| walk.used);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                state.arrays.remove(&oldest);
                state.give_up(&oldest);
            }
        }
        let Some(walk) = state.arrays.get_mut(array) else {
            let walk = Walk {
                last: chunks.clone(),
                step: None,
                steps: 0,
                expected: VecDeque::new(),
                used: clock,
            };
            state.arrays.insert(array.to_owned(), walk);
            return Vec::new();
        };
        walk.used = clock;
        if walk.last == *chunks {
            return Vec::new();
        }
        // Threads that share a loop do not keep its order.
        let place = walk.expected.iter().position(|expected| expected == chunks);
        let goes_on = place.is_some()
            || walk
                .step
                .is_some_and(|step| next(&walk.last, step, counts).as_ref() == Some(chunks));
        if !goes_on {
            walk.step = step(&walk.last, chunks);
            walk.steps = usize::from(walk.step.is_some());
            walk.last.clone_from(chunks);
            walk.expected.clear();
            state.give_up(array);
            return Vec::new();
        }
        walk.steps += 1;
        if let Some(place) = place {
            walk.expected.remove(place);
        }
        if place.is_none_or(|place| place == 0) {
            walk.last.clone_from(chunks);
        }
        let (Some(step), true) = (walk.step, walk.steps >= STEPS) else {
            return Vec::new();
        };
        let each: u64 = chunks.iter().map(|(first, last)| last - first + 1).product();
        let room = MOST_BYTES.min(most_bytes) / bytes.max(1);
        let depth = (1 << (walk.steps - STEPS).min(6))
            .min(room)
            .min(MOST_CHUNKS / each.max(1) as usize);
        let mut fresh = Vec::new();
        while walk.expected.len() < depth {
            let from = walk.expected.back().unwrap_or(&walk.last);
            let Some(further) = next(from, step, counts) else { break };
            walk.expected.push_back(further.clone());
            fresh.push(further);
        }
        fresh
    }

    /// Notes that a chunk will be asked for; `None` when it is kept already or there is no room.
    pub fn wish(&self, array: &str, name: String, chunk: Vec<u64>, bytes: usize, most_bytes: usize) -> Option<Wish> {
        let mut state = self.state.lock();
        state.clock += 1;
        let number = state.clock;
        let held = state.kept.get(&name).is_some_and(|chunks| chunks.contains_key(&chunk));
        if held || state.bytes + bytes > MOST_BYTES.min(most_bytes) {
            return None;
        }
        state.bytes += bytes;
        let kept = Kept {
            array: array.to_owned(),
            number,
            bytes,
            since: Instant::now(),
            what: What::Queued,
        };
        state.kept.entry(name.clone()).or_default().insert(chunk.clone(), kept);
        Some(Wish { name, chunk, number })
    }

    /// Whether a wish is still one: then its request goes out now.
    pub fn begin(&self, wish: &Wish) -> bool {
        let mut state = self.state.lock();
        let Some(kept) = state.find(wish) else { return false };
        kept.what = What::Asked;
        kept.since = Instant::now();
        true
    }

    /// What came, unless nobody wants it any more; a failure is left to who reads.
    pub fn came<E>(&self, wish: &Wish, came: Result<Option<Came>, E>) {
        let mut state = self.state.lock();
        if let Some(kept) = state.find(wish) {
            if let Ok(what) = came {
                kept.what = What::Came(what);
            } else {
                state.remove(&wish.name, &wish.chunk);
            }
        }
        drop(state);
        self.came.notify_all();
    }

    /// A chunk that was asked for ahead, when it is here; waits for it when it is on its way. `None` when it must be asked for;
    /// `Some(None)` when there is no such chunk.
    #[allow(clippy::option_option)]
    pub fn take(&self, name: &str, chunk: &[u64]) -> Option<Option<Came>> {
        let mut state = self.state.lock();
        if state.kept.is_empty() {
            return None;
        }
        loop {
            let kept = state.kept.get(name)?.get(chunk)?;
            if matches!(kept.what, What::Asked) {
                state = self.came.wait(state);
                continue;
            }
            let kept = state.remove(name, chunk)?;
            return match kept.what {
                What::Came(what) if kept.since.elapsed() < OLD => Some(what),
                _ => None,
            };
        }
    }

    /// Whether [`Self::take`] may have chunks of an object.
    pub fn holds(&self, name: &str) -> bool {
        self.state.lock().kept.contains_key(name)
    }

    /// Whether nothing was asked for ahead.
    pub fn is_idle(&self) -> bool {
        self.state.lock().kept.is_empty()
    }

    /// Gives up what is kept of an object that was changed here, or of every object below a prefix.
    pub fn forget_below(&self, name: &str) {
        let mut state = self.state.lock();
        if !state.kept.is_empty() {
            let rest = name.trim_end_matches('/').len();
            state.retain(|object, _| !object.starts_with(name) || object[rest..].starts_with(|next| next != '/'));
            drop(state);
            self.came.notify_all();
        }
    }
}

impl State {
    fn find(&mut self, wish: &Wish) -> Option<&mut Kept> {
        let kept = self.kept.get_mut(&wish.name)?.get_mut(&wish.chunk)?;
        (kept.number == wish.number).then_some(kept)
    }

    fn remove(&mut self, name: &str, chunk: &[u64]) -> Option<Kept> {
        let chunks = self.kept.get_mut(name)?;
        let kept = chunks.remove(chunk)?;
        if chunks.is_empty() {
            self.kept.remove(name);
        }
        self.bytes -= kept.bytes;
        Some(kept)
    }

    fn retain(&mut self, keep: impl Fn(&str, &Kept) -> bool) {
        for (name, chunks) in &mut self.kept {
            chunks.retain(|_, kept| keep(name, kept));
        }
        self.kept.retain(|_, chunks| !chunks.is_empty());
        self.bytes = self
            .kept
            .values()
            .flat_map(HashMap::values)
            .map(|kept| kept.bytes)
            .sum();
    }

    /// What was asked for an array is not wanted; what is old is given up with it.
    fn give_up(&mut self, array: &str) {
        if !self.kept.is_empty() {
            self.retain(|_, kept| kept.array != array && kept.since.elapsed() < OLD);
        }
    }
}

/// By what one read moved on from another: along one axis only.
fn step(from: &Chunks, to: &Chunks) -> Option<(usize, i64)> {
    let mut found = None;
    for (axis, (one, two)) in from.iter().zip(to).enumerate() {
        if one == two {
            continue;
        }
        let moved = two.0 as i64 - one.0 as i64;
        if found.is_some() || two.1 as i64 - one.1 as i64 != moved {
            return None;
        }
        found = Some((axis, moved));
    }
    found
}

/// The read after one; at the end of an axis that of the next row.
fn next(from: &Chunks, (axis, moved): (usize, i64), counts: &[u64]) -> Option<Chunks> {
    let mut to = from.clone();
    let (first, last) = from[axis];
    let moved_to = |at: u64| at.checked_add_signed(moved);
    if let (Some(first), Some(last)) = (moved_to(first), moved_to(last))
        && last < counts[axis]
    {
        to[axis] = (first, last);
        return Some(to);
    }
    if moved < 0 {
        return None;
    }
    to[axis] = (0, last - first);
    for outer in (0..axis).rev() {
        let (first, last) = to[outer];
        let edge = last - first + 1;
        if last + edge < counts[outer] {
            to[outer] = (first + edge, last + edge);
            return Some(to);
        }
        to[outer] = (0, last - first);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(at: u64) -> Chunks {
        vec![(at, at)]
    }

    #[test]
    fn an_even_walk_is_expected_to_go_on_and_a_random_one_is_not() {
        let ahead = Ahead::default();
        let follow = |at| ahead.follow("a", &one(at), &[100], 1000, usize::MAX);
        assert!(follow(3).is_empty() && follow(4).is_empty());
        assert_eq!(follow(5), [one(6)]);
        assert_eq!(follow(5), Vec::<Chunks>::new());
        assert_eq!(follow(6), [one(7), one(8)]);
        assert_eq!(follow(7), [one(9), one(10), one(11)]);
        for at in [50, 2, 77, 31, 8, 99] {
            assert!(follow(at).is_empty());
        }
        assert!(follow(98).is_empty());
        assert_eq!(follow(97), [one(96)]);
    }

    #[test]
    fn a_walk_goes_on_in_the_next_row_and_ends_with_the_grid() {
        assert_eq!(next(&vec![(0, 0), (3, 3)], (1, 1), &[2, 4]), Some(vec![(1, 1), (0, 0)]));
        assert_eq!(next(&vec![(1, 1), (3, 3)], (1, 1), &[2, 4]), None);
        assert_eq!(next(&vec![(0, 1), (2, 3)], (1, 2), &[4, 4]), Some(vec![(2, 3), (0, 1)]));
        assert_eq!(next(&one(0), (0, -1), &[4]), None);
    }

    #[test]
    fn what_is_written_or_given_up_is_not_handed_over() {
        let came = || Came {
            bytes: vec![1],
            version: None,
            asked_us: 0,
        };
        let ahead = Ahead::default();
        let wish = |key: &str| ahead.wish("a", key.into(), vec![], 10, usize::MAX).expect("room");
        let (kept, written, left) = (wish("x/kept"), wish("x/written"), wish("x/left"));
        assert!(ahead.wish("a", "x/kept".into(), vec![], 10, usize::MAX).is_none());
        assert!(ahead.begin(&kept) && ahead.begin(&written));
        ahead.forget_below("x/written");
        for wish in [&kept, &written] {
            ahead.came(wish, Ok::<_, ()>(Some(came())));
        }
        assert!(matches!(ahead.take("x/kept", &[]), Some(Some(came)) if came.bytes == [1]));
        assert!(ahead.take("x/kept", &[]).is_none());
        assert!(ahead.take("x/written", &[]).is_none());
        // Nobody had begun.
        assert!(ahead.take("x/left", &[]).is_none());
        assert!(!ahead.begin(&left));
        assert_eq!(ahead.state.lock().bytes, 0);
        wish("y/a");
        ahead.forget_below("y/a0");
        ahead.forget_below("y");
        assert_eq!(ahead.state.lock().bytes, 0);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let ahead = Ahead::default();
        assert!(ahead.wish("a", "x".into(), vec![], 30, 50).is_some());
        assert!(ahead.wish("a", "y".into(), vec![], 30, 50).is_none());
    }
}
