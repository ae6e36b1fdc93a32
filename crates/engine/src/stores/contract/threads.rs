//! What must hold with many threads at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::all;
use crate::store::{Error, Put, Range, Store};

/// Every content a writer puts is one byte repeated, in a length that the byte decides.
pub(super) fn readers_never_see_a_torn_object(store: &Arc<dyn Store>) {
    const ROUNDS: usize = 150;
    let content = |byte: u8| vec![byte; 50_000 + usize::from(byte) * 251];
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..3_usize)
            .map(|writer| {
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let value = content((round * 3 + writer) as u8);
                        let (head, tail) = value.split_at(value.len() / 3);
                        store.put("t/k", &[head, tail], Put::Always).expect("a put");
                    }
                })
            })
            .collect();
        for _ in 0..3 {
            scope.spawn(|| {
                let (mut bytes, mut met) = (Vec::new(), false);
                while !over.load(Ordering::Relaxed) {
                    bytes.clear();
                    met |= store.get("t/k", Range::All, &mut bytes).expect("a get").is_some();
                    assert_eq!(bytes.is_empty(), !met, "an object that was there is missing");
                    if let Some(&byte) = bytes.first() {
                        assert!(bytes == content(byte), "a torn object of {} bytes", bytes.len());
                    }
                    if let Some(object) = store.open("t/k").expect("an open") {
                        bytes.clear();
                        match object.append_at(0, object.bytes(), &mut bytes) {
                            // What was opened is no longer there, and its store keeps no copy.
                            Err(Error::Changed { .. }) => assert!(bytes.is_empty()),
                            done => {
                                done.expect("a read");
                                let torn = format!("a torn open object of {} bytes", bytes.len());
                                assert!(bytes == content(bytes[0]), "{torn}");
                            }
                        }
                    }
                }
            });
        }
        for writer in writers {
            writer.join().expect("a writer");
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(
        store.list_dir("t").expect("a listing"),
        (vec!["k".to_owned()], vec![]),
        "puts leave nothing behind"
    );
}

/// Threads add up in one object by read and conditional put: every addition must be there in the end.
pub(super) fn of_many_conditional_puts_one_succeeds(store: &Arc<dyn Store>) {
    const THREADS: usize = 6;
    const ROUNDS: u64 = 60;
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let _ = store.put("sum", &[&0_u64.to_le_bytes()], Put::IfAbsent).expect("a put");
                for _ in 0..ROUNDS {
                    loop {
                        let mut bytes = Vec::new();
                        let version = store.get_versioned("sum", &mut bytes).expect("a get").expect("the sum");
                        let sum = u64::from_le_bytes(bytes.try_into().expect("eight bytes")) + 1;
                        if store
                            .put("sum", &[&sum.to_le_bytes()], Put::IfVersion(version))
                            .expect("a put")
                        {
                            break;
                        }
                    }
                }
            });
        }
    });
    let sum = all(&**store, "sum").expect("the sum");
    assert_eq!(
        u64::from_le_bytes(sum.try_into().expect("eight bytes")),
        THREADS as u64 * ROUNDS,
        "lost additions"
    );
    let absent = thread::scope(|scope| {
        let puts: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || store.put("one", &[&[thread as u8]], Put::IfAbsent).expect("a put")))
            .collect();
        puts.into_iter()
            .map(|put| usize::from(put.join().expect("a thread")))
            .sum::<usize>()
    });
    assert_eq!(absent, 1, "one thread puts an absent object");
}
