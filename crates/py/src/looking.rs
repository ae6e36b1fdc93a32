//! What finding out about a place needs: many small reads at once, and a file without its packing.

use crate::door::{Pending, stored};
use crate::store::Store;
use crate::values::{Bytes, range};
use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use zarrite_core::Context;
use zarrite_engine::store::{Error, Range, Store as Contract};
use zarrite_engine::sync::Mutex;

/// Parts that are asked for at once.
const AT_ONCE: usize = 16;

/// A key, its first byte and one past the last (negative and none: the last bytes), and whether a refusal or a failure there is
/// an answer like "nothing".
type Part = (String, Option<i64>, Option<i64>, bool);

/// Parts of many objects, all asked for at once.
#[pyfunction]
pub fn get_parts(store: PyRef<'_, Store>, parts: Vec<Part>) -> PyResult<Pending> {
    let store = store.inner();
    let parts: Vec<(String, Range, bool)> = parts
        .into_iter()
        .map(|(key, start, stop, lenient)| Ok((key, range(start, stop)?, lenient)))
        .collect::<PyResult<_>>()?;
    Ok(Pending::of(move || {
        let answers = answers(&store, &parts);
        answers
            .into_iter()
            .map(|answer| stored(&*store, answer))
            .collect::<Result<Vec<_>, _>>()
    }))
}

type Answer = Result<Option<Bytes>, Error>;

fn answers(store: &Arc<dyn Contract>, parts: &[(String, Range, bool)]) -> Vec<Answer> {
    let slots: Vec<Mutex<Option<Answer>>> = parts.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((slot, (key, range, lenient))) = {
            let place = next.fetch_add(1, Ordering::Relaxed);
            slots.get(place).zip(parts.get(place))
        } {
            let mut bytes = Vec::new();
            let answer = match store.get(key, *range, &mut bytes) {
                Ok(found) => Ok(found.map(|_| Bytes(bytes))),
                Err(_) if *lenient => Ok(None),
                Err(cause) => Err(cause),
            };
            *slot.lock() = Some(answer);
        }
    };
    if store.is_local() {
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 1..parts.len().min(AT_ONCE) {
                scope.spawn(work);
            }
            work();
        });
    }
    slots
        .into_iter()
        .map(|slot| slot.into_inner().unwrap_or(Ok(None)))
        .collect()
}

/// What a whole file that was packed with one codec holds, at most so many bytes.
#[pyfunction]
pub fn unpacked(raw: Vec<u8>, codec: &str, most_bytes: usize) -> PyResult<Pending> {
    let entry = serde_json::json!({"name": codec, "level": 1, "checksum": false});
    Ok(Pending::of(move || {
        let mut none = |_: &serde_json::Value| Err(zarrite_core::Error::Document("only gzip and zstd".to_owned()));
        let codec = zarrite_core::codecs::build(&entry, &[], &mut none)?;
        let mut plain = Vec::new();
        codec.decode_unsized(&raw, &mut plain, most_bytes, &mut Context::new())?;
        Ok(Bytes(plain))
    }))
}
