//! What puts, deletes and moves do, and what they leave alone.

use super::{all, fill, listed, put, refused};
use crate::store::{Error, Put, Range, Store};

/// Every check of this file; each is given an empty store of its own.
pub(super) const CHECKS: &[fn(&dyn Store)] = &[
    parts_follow_one_another,
    an_open_object_says_when_it_is_no_longer_current,
    a_put_replaces_the_whole_object,
    a_put_if_absent_never_replaces,
    a_put_if_version_notices_every_change,
    deleting_is_quiet_about_what_is_missing,
    many_are_deleted_whether_they_are_there_or_not,
    what_is_copied_without_passing_through_is_the_object,
    deleting_a_prefix_stops_at_the_slash,
    moving_a_prefix_takes_all_and_overwrites_nothing,
    closing_twice_is_fine,
    bad_keys_are_refused_by_every_change,
];

fn parts_follow_one_another(store: &dyn Store) {
    assert!(
        store
            .put("parts", &[b"12", b"", b"345"], Put::Always)
            .expect("a put of parts")
    );
    assert_eq!(all(store, "parts").as_deref(), Some(&b"12345"[..]));
    assert!(store.put("nothing", &[], Put::Always).expect("a put of no parts"));
    assert_eq!(all(store, "nothing").as_deref(), Some(&b""[..]));
    let large: Vec<u8> = (0..600_000_u32).flat_map(u32::to_le_bytes).collect();
    let parts: Vec<&[u8]> = large.chunks(1000).collect();
    assert!(store.put("large in parts", &parts, Put::Always).expect("2,400 parts"));
    assert!(
        all(store, "large in parts") == Some(large),
        "more parts than one call of the system takes"
    );
    let items: Vec<(String, &[u8])> = (0..20).map(|number| (format!("n/{number}"), &b"abcd"[..])).collect();
    let mut answers = vec![false; items.len()];
    store.put_many(&items, &mut |place, answer| {
        answer.expect("a put");
        !std::mem::replace(&mut answers[place], true)
    });
    assert_eq!(answers, vec![true; items.len()], "one answer an item");
    assert_eq!(listed(store, "n").len(), items.len());
}

fn an_open_object_says_when_it_is_no_longer_current(store: &dyn Store) {
    for (number, change) in [
        (|store: &dyn Store| put(store, "d/k", b"12345")) as fn(&dyn Store),
        |store| store.delete("d/k").expect("a delete"),
        |store| assert_eq!(store.delete_prefix("d"), Ok(1)),
        |store| store.move_prefix("d", "e").expect("a move"),
    ]
    .into_iter()
    .enumerate()
    {
        put(store, "d/k", b"abcde");
        let object = store.open("d/k").expect("an open").expect("an object");
        assert!(object.is_current(), "nothing has changed");
        change(store);
        assert!(!object.is_current(), "change {number} was not noticed");
        let mut bytes = Vec::new();
        object.append_at(0, 5, &mut bytes).expect("a read of what was opened");
        assert_eq!(bytes, b"abcde", "an open object keeps what was opened");
    }
}

fn a_put_replaces_the_whole_object(store: &dyn Store) {
    put(store, "k", b"a longer object");
    put(store, "k", b"short");
    assert_eq!(all(store, "k").as_deref(), Some(&b"short"[..]));
    put(store, "k", b"");
    assert_eq!(all(store, "k").as_deref(), Some(&b""[..]));
    assert_eq!(
        store.list_dir(""),
        Ok((vec!["k".to_owned()], vec![])),
        "a put leaves nothing beside the object"
    );
}

fn a_put_if_absent_never_replaces(store: &dyn Store) {
    assert_eq!(store.put("new/k", &[b"one"], Put::IfAbsent), Ok(true));
    assert_eq!(store.put("new/k", &[b"two"], Put::IfAbsent), Ok(false));
    assert_eq!(all(store, "new/k").as_deref(), Some(&b"one"[..]));
    store.delete("new/k").expect("a delete");
    assert_eq!(store.put("new/k", &[b"three"], Put::IfAbsent), Ok(true));
    assert_eq!(
        store.list_dir("new"),
        Ok((vec!["k".to_owned()], vec![])),
        "a refused put leaves nothing"
    );
}

fn a_put_if_version_notices_every_change(store: &dyn Store) {
    put(store, "v/k", b"12345");
    let mut bytes = b">".to_vec();
    let first = store
        .get_versioned("v/k", &mut bytes)
        .expect("a get")
        .expect("an object");
    assert_eq!(bytes, b">12345");
    let same = store.open("v/k").expect("an open").expect("an object").version();
    assert_eq!(first, same, "nothing was put in between");
    if let Some(version) = store
        .get("v/k", Range::All, &mut bytes)
        .expect("a get")
        .expect("an object")
        .version
    {
        assert_eq!(version, first);
    }
    assert_eq!(store.put("v/k", &[b"54321"], Put::IfVersion(first.clone())), Ok(true));
    assert_eq!(
        store.put("v/k", &[b"99999"], Put::IfVersion(first.clone())),
        Ok(false),
        "an old version"
    );
    assert_eq!(all(store, "v/k").as_deref(), Some(&b"54321"[..]));
    // As many bytes within one tick of any clock, and back to the first content.
    let second = store
        .get_versioned("v/k", &mut bytes)
        .expect("a get")
        .expect("an object");
    for _ in 0..20 {
        put(store, "v/k", b"12345");
        put(store, "v/k", b"54321");
        assert_eq!(
            store.put("v/k", &[b"99999"], Put::IfVersion(second.clone())),
            Ok(false),
            "put in between"
        );
    }
    store.delete("v/k").expect("a delete");
    assert_eq!(
        store.put("v/k", &[b"99999"], Put::IfVersion(second)),
        Ok(false),
        "a deleted object has no version"
    );
    assert_eq!(store.put("not/there", &[b"1"], Put::IfVersion(first)), Ok(false));
    assert_eq!(listed(store, ""), [""; 0], "a refused put leaves nothing");
}

fn deleting_is_quiet_about_what_is_missing(store: &dyn Store) {
    store.delete("missing").expect("a delete of nothing");
    store.delete("missing/below").expect("a delete of nothing");
    assert_eq!(store.delete_prefix("missing"), Ok(0));
    fill(store, &["a/b", "a/c"]);
    store.delete("a/b").expect("a delete");
    store.delete("a").expect("a prefix is no object");
    store.delete("a/c/below").expect("nothing lies below an object");
    assert_eq!(listed(store, ""), ["a/c"]);
}

fn many_are_deleted_whether_they_are_there_or_not(store: &dyn Store) {
    fill(store, &["a/k", "a/l", "b"]);
    let keys = ["a/l", "nothing", "a/k/nothing", "b"].map(str::to_owned);
    assert_eq!(store.delete_many(&keys), Ok(()));
    assert_eq!(store.delete_many(&[]), Ok(()));
    assert_eq!(listed(store, ""), ["a/k"]);
    assert!(refused(store.delete_many(&["a/k".to_owned(), "../k".to_owned()])));
}

fn what_is_copied_without_passing_through_is_the_object(store: &dyn Store) {
    put(store, "a/k", b"one");
    put(store, "b", b"older and longer");
    // Not every store knows such a way; what it does not do it leaves alone.
    match store.copy_from(store, "a/k", "b").expect("a copy") {
        Some(there) => {
            assert!(there);
            assert_eq!(all(store, "b").as_deref(), Some(&b"one"[..]));
            assert_eq!(store.copy_from(store, "a/k", "new/place"), Ok(Some(true)));
            assert_eq!(all(store, "new/place").as_deref(), Some(&b"one"[..]));
            assert_eq!(store.copy_from(store, "nothing", "b"), Ok(Some(false)));
            assert_eq!(all(store, "b").as_deref(), Some(&b"one"[..]));
            assert!(refused(store.copy_from(store, "a/k", "../b")));
        }
        None => assert_eq!(all(store, "b").as_deref(), Some(&b"older and longer"[..])),
    }
}

fn deleting_a_prefix_stops_at_the_slash(store: &dyn Store) {
    let keys = [
        "a/zarr.json",
        "a/c/0/0",
        "a/c/0/1",
        "a/c/1/0",
        "a-b/k",
        "a0",
        "ab",
        "b/k",
        "zarr.json",
    ];
    fill(store, &keys);
    assert_eq!(store.delete_prefix("a/"), Ok(4));
    assert_eq!(listed(store, ""), ["a-b/k", "a0", "ab", "b/k", "zarr.json"]);
    assert_eq!(store.delete_prefix("zarr.json"), Ok(0), "an object is not below itself");
    let (_, prefixes) = store.list_dir("").expect("a listing");
    assert_eq!(prefixes, ["a-b", "b"], "nothing of the prefix is left");
    assert_eq!(store.delete_prefix(""), Ok(5));
    assert_eq!(store.list_dir(""), Ok((vec![], vec![])));
    put(store, "a/again", b"");
    assert_eq!(listed(store, ""), ["a/again"], "an emptied store can be filled again");
}

fn moving_a_prefix_takes_all_and_overwrites_nothing(store: &dyn Store) {
    fill(store, &["a/zarr.json", "a/c/0/0", "a-b/k", "taken/k"]);
    store.move_prefix("a/", "new/place/a").expect("a move");
    assert_eq!(
        listed(store, ""),
        ["a-b/k", "new/place/a/c/0/0", "new/place/a/zarr.json", "taken/k"]
    );
    assert_eq!(all(store, "new/place/a/c/0/0").as_deref(), Some(&b"a/c/0/0"[..]));
    store
        .move_prefix("missing", "elsewhere")
        .expect("a prefix without objects moves nothing");
    store
        .move_prefix("taken/k", "elsewhere")
        .expect("an object is not below itself");
    assert!(
        matches!(store.move_prefix("new", "taken"), Err(Error::Io { .. })),
        "a move onto something"
    );
    for (from, to) in [
        ("new", "new/place"),
        ("new/place", "new"),
        ("new", "new"),
        ("", "x"),
        ("new", ""),
        ("..", "x"),
    ] {
        assert!(
            matches!(store.move_prefix(from, to), Err(Error::KeyRefused { .. })),
            "{from:?} to {to:?}"
        );
    }
    assert_eq!(
        listed(store, ""),
        ["a-b/k", "new/place/a/c/0/0", "new/place/a/zarr.json", "taken/k"]
    );
}

fn closing_twice_is_fine(store: &dyn Store) {
    put(store, "k", b"1");
    store.close().expect("a close");
    store.close().expect("a second close");
}

fn bad_keys_are_refused_by_every_change(store: &dyn Store) {
    put(store, "a/k", b"1");
    for key in super::BAD_KEYS {
        for how in [Put::Always, Put::IfAbsent] {
            assert!(refused(store.put(key, &[b"1"], how)), "put {key:?}");
        }
        store.put_many(&[((*key).to_owned(), b"1")], &mut |_, answer| {
            assert!(refused(answer), "put_many {key:?}");
            true
        });
        assert!(refused(store.delete(key)), "delete {key:?}");
        // A prefix may be empty and may end in a slash.
        if !matches!(*key, "" | "/" | "a/") {
            assert!(refused(store.delete_prefix(key)), "delete_prefix {key:?}");
            assert!(refused(store.move_prefix(key, "b")), "move_prefix from {key:?}");
            assert!(refused(store.move_prefix("a", key)), "move_prefix to {key:?}");
        }
    }
    assert_eq!(listed(store, ""), ["a/k"]);
}
