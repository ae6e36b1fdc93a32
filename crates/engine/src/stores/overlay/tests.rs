//! Overlays: what shows through, what is noted, what is refused.

use super::*;
use crate::stores::{Memory, ReadOnly, contract};

fn memory(objects: &[(&str, &[u8])]) -> Memory {
    Memory::with_objects(objects.iter().copied()).expect("a store")
}

fn over(lower: &[(&str, &[u8])], upper: &[(&str, &[u8])]) -> (Overlay, Memory, Memory) {
    let (lower, upper) = (memory(lower), memory(upper));
    let both = Overlay::of(Arc::new(lower.clone()), Arc::new(upper.clone())).expect("an overlay");
    (both, lower, upper)
}

fn names(store: &Memory) -> Vec<String> {
    store.objects().into_iter().map(|(key, _)| key).collect()
}

fn all(store: &dyn Store, key: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    store.get(key, Range::All, &mut bytes).expect("a get").map(|_| bytes)
}

#[test]
fn an_overlay_keeps_the_contract_whichever_store_holds_what_is_there() {
    contract::check(&|| Arc::new(over(&[], &[]).0));
    contract::check_reading(&|objects| {
        let lower = ReadOnly::of(Arc::new(memory(objects)));
        Arc::new(Overlay::of(lower, Arc::new(Memory::new())).expect("an overlay"))
    });
    contract::check_reading(&|objects| {
        let (upper, lower): (Vec<_>, Vec<_>) = objects.iter().enumerate().partition(|(place, _)| place % 2 == 0);
        let pick = |half: Vec<(usize, &(&str, &[u8]))>| {
            let store = Memory::new();
            for (_, (key, value)) in half {
                store.put(key, &[value], Put::Always).expect("a put");
            }
            Arc::new(store)
        };
        Arc::new(Overlay::of(pick(lower), pick(upper)).expect("an overlay"))
    });
}

#[test]
fn the_lower_store_is_never_changed() {
    let (both, lower, upper) = over(&[("a/k", b"1"), ("a/l", b"2"), ("b/k", b"3")], &[("a/l", b"22")]);
    assert_eq!(all(&both, "a/l"), Some(b"22".to_vec()));
    both.put("a/k", &[b"11"], Put::Always).expect("a put");
    both.delete("b/k").expect("a delete");
    assert_eq!(all(&both, "a/k"), Some(b"11".to_vec()));
    assert_eq!(all(&both, "b/k"), None);
    assert_eq!(both.list_dir(""), Ok((vec![], vec!["a".to_owned()])));
    assert_eq!(both.delete_prefix("a"), Ok(2));
    assert_eq!(both.list_dir(""), Ok((vec![], vec![])));
    assert_eq!(names(&lower), ["a/k", "a/l", "b/k"]);
    let notes = ["a/k", "a/l", "b/k"].map(|key| format!("{NOTES}/{key}"));
    assert_eq!(names(&upper), notes);
}

#[test]
fn what_was_deleted_stays_deleted_when_the_stores_are_laid_over_one_another_again() {
    let (both, lower, upper) = over(&[("k", b"1"), ("l", b"2")], &[]);
    both.delete("k").expect("a delete");
    let again = Overlay::of(Arc::new(lower), Arc::new(upper)).expect("an overlay");
    assert_eq!(all(&again, "k"), None);
    assert_eq!(again.put("k", &[b"3"], Put::IfAbsent), Ok(true));
    assert_eq!(all(&again, "k"), Some(b"3".to_vec()));
    assert_eq!(all(&again, "l"), Some(b"2".to_vec()));
    again.delete("k").expect("a delete");
    assert_eq!(all(&again, "k"), None);
}

#[test]
fn a_conditional_put_asks_whichever_store_has_the_object() {
    let (both, lower, _) = over(&[("k", b"1")], &[]);
    let version = both
        .get_versioned("k", &mut Vec::new())
        .expect("a get")
        .expect("an object");
    let object = both.open("k").expect("an open").expect("an object");
    assert!(object.is_current());
    assert_eq!(both.put("k", &[b"2"], Put::IfAbsent), Ok(false));
    assert_eq!(both.put("k", &[b"2"], Put::IfVersion(version.clone())), Ok(true));
    assert_eq!(both.put("k", &[b"3"], Put::IfVersion(version)), Ok(false));
    assert!(!object.is_current());
    assert_eq!(
        (all(&both, "k"), all(&lower, "k")),
        (Some(b"2".to_vec()), Some(b"1".to_vec()))
    );
    both.delete("k").expect("a delete");
    assert_eq!(both.put("k", &[b"4"], Put::IfAbsent), Ok(true));
}

#[test]
fn an_overlay_is_named_by_both_its_stores_and_its_own_keys_are_refused() {
    let (both, lower, upper) = over(&[], &[]);
    let escaped = upper.url().replace('/', "%2F");
    assert_eq!(both.url(), format!("{}|zarrite.overlay:{escaped}", lower.url()));
    let key = format!("{NOTES}/k");
    assert!(matches!(
        both.put(&key, &[b""], Put::Always),
        Err(Error::KeyRefused { .. })
    ));
    assert!(matches!(both.size(&key), Err(Error::KeyRefused { .. })));
    let closed = ReadOnly::of(Arc::new(Memory::new()));
    let both = Overlay::of(Arc::new(memory(&[("k", b"1")])), closed).expect("an overlay");
    contract::check_refusal(&both, "k");
}
