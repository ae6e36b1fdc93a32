//! What was kept is found, for as long as it may be.

use super::*;
use crate::store::Version;

fn keep(cache: &Decoded, key: &str, cells: Vec<u8>) {
    let name = cache.name("memory:1", key, 7);
    let Lead::Mine(leading) = cache.lead(cache.spot(&name, &[0])) else {
        panic!("nobody else decodes {key}");
    };
    let bytes = cells.len();
    leading.keep(cells, bytes, Some(Version::counter(1)), 0);
}

fn find(cache: &Decoded, key: &str) -> Option<Vec<u8>> {
    let name = cache.name("memory:1", key, 7);
    cache.find(&cache.spot(&name, &[0])).map(|kept| kept.cells.clone())
}

#[test]
fn what_was_kept_is_found_until_this_process_writes_it() {
    let cache = Decoded::default();
    keep(&cache, "a/c/0", vec![1; 1000]);
    assert_eq!(find(&cache, "a/c/0"), Some(vec![1; 1000]));
    let name = cache.name("memory:1/a", "c/0", 7);
    assert!(
        cache.find(&cache.spot(&name, &[0])).is_some(),
        "the same object by another store"
    );
    let other = cache.name("memory:1", "a/c/0", 8);
    assert!(cache.find(&cache.spot(&other, &[0])).is_none(), "another program");
    cache.forget("memory:1/a", "c/0");
    assert_eq!(find(&cache, "a/c/0"), None);
    assert!(cache.is_empty());
}

#[test]
fn a_read_that_began_before_a_write_leaves_nothing_behind_it() {
    let cache = Decoded::default();
    let name = cache.name("memory:1", "k", 7);
    let Lead::Mine(leading) = cache.lead(cache.spot(&name, &[0])) else {
        panic!("nobody else");
    };
    cache.forget("memory:1", "k");
    assert!(leading.keep(vec![0; 10], 10, Some(Version::counter(1)), 0).is_some());
    assert_eq!(find(&cache, "k"), None);
    assert!(cache.is_empty());
}

#[test]
fn the_budget_holds_and_what_is_used_stays() {
    let cache = Decoded::default();
    // Many for each of the parts: one alone in its part is given up when room is needed there.
    let most = 1 << 20;
    cache.set_budget_bytes(Some(most));
    keep(&cache, "used", vec![9; 4000]);
    for at in 0..1500 {
        keep(&cache, &format!("k{at}"), vec![1; 4000]);
        assert!(cache.counts().bytes as usize <= most);
        let name = cache.name("memory:1", "used", 7);
        let kept = cache.find(&cache.spot(&name, &[0])).expect("what is used stays");
        cache.hit(&kept, None);
    }
    assert!(cache.counts().evictions > 1000);
    keep(&cache, "large", vec![1; most]);
    assert_eq!(find(&cache, "large"), None);
    cache.set_budget_bytes(Some(0));
    assert_eq!(cache.counts().bytes, 0);
    assert_eq!(cache.counts().count, 0);
}

#[test]
fn threads_that_want_one_chunk_decode_it_once() {
    let cache = Decoded::default();
    let decoded = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    if find(&cache, "k").is_some() {
                        return;
                    }
                    let name = cache.name("memory:1", "k", 7);
                    match cache.lead(cache.spot(&name, &[0])) {
                        Lead::Mine(leading) => {
                            std::thread::sleep(Duration::from_millis(20));
                            decoded.fetch_add(1, Ordering::Relaxed);
                            leading.keep(vec![1; 10], 10, None, 0);
                        }
                        Lead::Busy(flight) => flight.wait().expect("nobody stops"),
                        Lead::Again => {}
                    }
                }
            });
        }
    });
    assert_eq!(decoded.load(Ordering::Relaxed), 1);
}
