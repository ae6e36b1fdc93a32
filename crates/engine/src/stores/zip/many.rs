//! Many objects at once, of an archive on a network: those that lie near each other with one request, and requests side by side.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use super::Zip;
use super::directory::Entry;
use crate::store::{Range, Result, Store};

/// Bytes that one read may span, and the unwanted bytes it may take along.
const SPAN_BYTES: u64 = 4 << 20;
const GAP_BYTES: u64 = 64 << 10;
/// Requests side by side.
const SIDE_BY_SIDE: usize = 64;

type Answer = (usize, Result<Option<Vec<u8>>>);

/// Objects of one request, in the order they lie in.
type Run<'a> = Vec<(usize, &'a Entry)>;

/// As [`Store::get_many`].
pub(super) fn get(zip: &Zip, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
    if zip.0.is_local {
        for (place, key) in keys.iter().enumerate() {
            let mut bytes = Vec::new();
            let answer = zip.get(key, Range::All, &mut bytes).map(|found| found.map(|_| bytes));
            if !each(place, answer) {
                return;
            }
        }
        return;
    }
    let mut wanted = Run::new();
    for (place, key) in keys.iter().enumerate() {
        match zip.entry(key) {
            Ok(Some(entry)) => wanted.push((place, entry)),
            none => {
                if !each(place, none.map(|_| None)) {
                    return;
                }
            }
        }
    }
    wanted.sort_unstable_by_key(|(_, entry)| entry.header);
    let runs = merged(wanted);
    if let [run] = &runs[..] {
        read(zip, keys, run, &mut |(place, answer)| each(place, answer));
        return;
    }
    let (next, (say, hear)) = (AtomicUsize::new(0), channel());
    std::thread::scope(|scope| {
        for _ in 0..runs.len().min(SIDE_BY_SIDE) {
            let (say, next, runs): (Sender<Answer>, _, _) = (say.clone(), &next, &runs);
            scope.spawn(move || {
                while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    read(zip, keys, run, &mut |answer| say.send(answer).is_ok());
                }
            });
        }
        drop(say);
        for (place, answer) in &hear {
            if !each(place, answer) {
                next.store(runs.len(), Ordering::Relaxed);
                break;
            }
        }
        // Whoever still reads has nobody to tell, and stops.
        drop(hear);
    });
}

fn merged(wanted: Run<'_>) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for (place, entry) in wanted {
        if let Some(run) = runs.last_mut()
            && let (Some((_, first)), Some((_, last))) = (run.first(), run.last())
            && entry.header.saturating_sub(last.reach()) <= GAP_BYTES
            && entry.reach() - first.header <= SPAN_BYTES
        {
            run.push((place, entry));
        } else {
            runs.push(vec![(place, entry)]);
        }
    }
    runs
}

/// Reads a run and hands over each of its objects, until nobody wants more.
fn read(zip: &Zip, keys: &[String], run: &Run<'_>, hand: &mut dyn FnMut(Answer) -> bool) {
    let (Some((_, first)), Some((_, last))) = (run.first(), run.last()) else {
        return;
    };
    let mut bytes = Vec::new();
    let got = zip
        .0
        .archive
        .append_at(first.header, last.reach() - first.header, &mut bytes);
    for &(place, entry) in run {
        let (key, mut object) = (&keys[place], Vec::new());
        let answer = got
            .clone()
            .and_then(|()| zip.unpack(key, entry, &bytes, first.header, &mut object))
            // A header with more extra fields than anybody writes.
            .and_then(|all| {
                if all {
                    Ok(())
                } else {
                    zip.append(key, entry, &mut object)
                }
            })
            .map(|()| Some(object));
        if !hand((place, answer)) {
            return;
        }
    }
}
