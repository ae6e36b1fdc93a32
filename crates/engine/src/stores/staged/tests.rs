//! What is seen of a stage and when, published and discarded.

use super::*;

fn names(store: &dyn Store) -> Vec<String> {
    let mut names = Vec::new();
    store
        .list("", &mut |key, _| {
            names.push(key.to_owned());
            true
        })
        .expect("a listing");
    names
}

fn stage(inner: &Memory) -> Staged {
    Staged::of(Arc::new(inner.clone()), vec!["doc".to_owned()])
}

#[test]
fn documents_come_last_and_those_above_after_those_below() {
    let inner = Memory::new();
    let staged = stage(&inner);
    assert_eq!(staged.put("doc", &[b"top"], Put::IfAbsent), Ok(true));
    assert_eq!(staged.put("a/doc", &[b"a"], Put::IfAbsent), Ok(true));
    assert_eq!(staged.put("a/doc", &[b"a"], Put::IfAbsent), Ok(false));
    assert_eq!(staged.put("a/c/0", &[b"0"], Put::Always), Ok(true));
    assert_eq!(names(&inner), ["a/c/0"]);
    assert_eq!(names(&staged), ["a/c/0", "a/doc", "doc"]);
    assert_eq!(staged.list_dir(""), Ok((vec!["doc".into()], vec!["a".into()])));
    staged.publish().expect("published");
    assert_eq!(names(&inner), ["a/c/0", "a/doc", "doc"]);
    assert!(matches!(staged.size("doc"), Err(Error::Closed { .. })));
}

#[test]
fn what_is_discarded_is_gone_and_what_was_there_is_not() {
    let inner = Memory::with_objects([("old/doc", &b"1"[..]), ("old/c/0", b"2")]).expect("a store");
    let staged = stage(&inner);
    staged.put("new/doc", &[b"a"], Put::IfAbsent).expect("a put");
    staged.put("new/c/0", &[b"0"], Put::Always).expect("a put");
    assert_eq!(staged.delete_prefix("old"), Ok(1));
    staged.put("old/doc", &[b"b"], Put::IfAbsent).expect("a put");
    staged.put("old/c/0", &[b"3"], Put::Always).expect("a put");
    assert_eq!(names(&staged), ["new/c/0", "new/doc", "old/c/0", "old/doc"]);
    staged.discard().expect("discarded");
    assert_eq!(names(&inner), ["old/c/0", "old/doc"]);
}

#[test]
fn what_is_replaced_stays_until_its_successor_is_there() {
    let inner = Memory::with_objects([("old/doc", &b"1"[..]), ("old/c/0", b"2"), ("old/c/1", b"2")]).expect("ok");
    let staged = stage(&inner);
    assert!(staged.put("old/c/0", &[b"3"], Put::Always).is_err(), "it can be seen");
    staged.delete_prefix("old").expect("a deletion");
    assert_eq!(staged.size("old/doc"), Ok(None));
    assert_eq!(staged.put("old/doc", &[b"new"], Put::IfAbsent), Ok(true));
    staged.put("old/c/0", &[b"3"], Put::Always).expect("a put");
    let mut bytes = Vec::new();
    inner.get("old/c/0", Range::All, &mut bytes).expect("a get");
    assert_eq!(bytes, b"2");
    staged.publish().expect("published");
    assert_eq!(names(&inner), ["old/c/0", "old/doc"]);
}

#[test]
fn all_of_a_store_can_be_replaced() {
    let inner =
        Memory::with_objects([("doc", &b"1"[..]), ("a/doc", b"1"), ("a/c/0", b"2"), ("0.0", b"2")]).expect("ok");
    let staged = stage(&inner);
    assert_eq!(staged.delete_prefix(""), Ok(1));
    assert_eq!(names(&staged), [""; 0]);
    staged.put("doc", &[b"new"], Put::IfAbsent).expect("a put");
    staged.put("0.1", &[b"3"], Put::Always).expect("a put");
    staged.put("c/0", &[b"3"], Put::Always).expect("a put");
    assert_eq!(names(&staged), ["0.1", "c/0", "doc"]);
    staged.publish().expect("published");
    assert_eq!(names(&inner), ["0.1", "c/0", "doc"]);
}

#[test]
fn a_document_that_another_changed_meanwhile_is_not_replaced() {
    let inner = Memory::with_objects([("doc", &b"1"[..])]).expect("a store");
    let staged = stage(&inner);
    staged.put("doc", &[b"mine"], Put::Always).expect("a put");
    inner.put("doc", &[b"another's"], Put::Always).expect("a put");
    assert_eq!(staged.publish(), Err(Error::Changed { key: "doc".into() }));
}
