//! Many directories listed at once: a level of a hierarchy takes one wait, however many groups it has.

use std::sync::Arc;

use crate::array::Door;
use crate::error::{Error, Result};
use crate::runtime::{Work, runtime};
use crate::store::Store;
use crate::sync::Mutex;

/// Listings that wait for a network at the same time.
const IN_FLIGHT: usize = 64;

/// What lies directly below a prefix: keys and prefixes, as [`Store::list_dir`] gives them.
pub type Level = (Vec<String>, Vec<String>);

/// What lies directly below each of some prefixes, in their order.
///
/// # Errors
/// The first failure, as [`Store::list_dir`].
pub fn list_dirs(store: &Arc<dyn Store>, prefixes: Vec<String>, mut door: Door<'_>) -> Result<Vec<Level>> {
    let listed = |store: &Arc<dyn Store>, prefix: &str| {
        let level = store.list_dir(prefix);
        level.map_err(|why| Error::from(why).in_store(&**store))
    };
    if let [prefix] = prefixes.as_slice() {
        return Ok(vec![listed(store, prefix)?]);
    }
    let count = prefixes.len();
    let found: Arc<Vec<Mutex<Level>>> = Arc::new(prefixes.iter().map(|_| Mutex::default()).collect());
    let work: Arc<Work> = {
        let (store, found) = (Arc::clone(store), Arc::clone(&found));
        Arc::new(move |at, _| {
            *found[at].lock() = listed(&store, &prefixes[at])?;
            Ok(())
        })
    };
    let (most, batch) = if store.is_local() {
        let threads = runtime().threads();
        (threads, (count / (4 * threads)).clamp(1, 64))
    } else {
        (IN_FLIGHT, 1)
    };
    match &mut door {
        Door::Wait(interrupted) => runtime().run_wide(count, batch, most, work, *interrupted),
        Door::Help => runtime().run_wide(count, batch, most, work, &mut || false),
    }?;
    Ok(found.iter().map(|level| std::mem::take(&mut *level.lock())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Put;
    use crate::stores::Memory;

    #[test]
    fn each_prefix_has_its_answer_in_its_place() {
        let memory = Memory::at(None);
        for key in ["a/x", "a/b/y", "c/z", "top"] {
            memory.put(key, &[b"1"], Put::Always).expect("a put");
        }
        let store: Arc<dyn Store> = Arc::new(memory);
        let ask = |prefixes: &[&str]| {
            let prefixes = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
            list_dirs(&store, prefixes, Door::Help)
        };
        let level = |keys: &[&str], prefixes: &[&str]| -> Level {
            let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            (owned(keys), owned(prefixes))
        };
        assert!(ask(&[]).expect("no listing").is_empty());
        assert_eq!(ask(&["a"]).expect("a listing"), [level(&["x"], &["b"])]);
        assert_eq!(
            ask(&["c", "missing", "", "a"]).expect("listings"),
            [
                level(&["z"], &[]),
                level(&[], &[]),
                level(&["top"], &["a", "c"]),
                level(&["x"], &["b"])
            ]
        );
        let many: Vec<&str> = ["a", "c"].into_iter().cycle().take(500).collect();
        let answers = ask(&many).expect("listings");
        assert!(answers.iter().step_by(2).all(|one| *one == level(&["x"], &["b"])));
        assert!(answers.iter().skip(1).step_by(2).all(|one| *one == level(&["z"], &[])));
        assert!(ask(&["a", "../b"]).is_err());
    }
}
