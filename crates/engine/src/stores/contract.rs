//! What every store must do, as checks that any store can be put through.

mod changes;
mod threads;

use std::sync::Arc;

use crate::store::{Error, Put, Range, Result, Store};

/// Gives a store that holds these objects and no others.
type Holding<'a> = dyn Fn(&[(&str, &[u8])]) -> Arc<dyn Store> + 'a;

/// Puts a store through the contract. `make` gives a store that is empty, writable and shared with nobody.
pub(super) fn check(make: &dyn Fn() -> Arc<dyn Store>) {
    check_reading(&|objects| {
        let store = make();
        for (key, value) in objects {
            put(&*store, key, value);
        }
        store
    });
    for check in changes::CHECKS {
        check(&*make());
    }
    threads::readers_never_see_a_torn_object(&make());
    threads::of_many_conditional_puts_one_succeeds(&make());
}

/// Puts a store through the half of the contract that changes nothing.
pub(super) fn check_reading(make: &Holding<'_>) {
    for check in [
        get_returns_what_is_there,
        a_missing_key_is_none_and_not_an_error,
        ranges_end_with_the_object,
        many_keys_are_answered_each_in_its_place,
        an_open_object_is_read_in_ranges,
        listing_is_in_the_order_of_the_keys,
        listing_a_directory_gives_names,
        bad_keys_are_refused_by_every_question,
    ] {
        check(make);
    }
}

/// Checks that a store which can be read alone refuses every change; it holds `key`.
pub(super) fn check_refusal(store: &dyn Store, key: &str) {
    fn is_refused<T>(answer: Result<T>) -> bool {
        answer.is_err_and(|cause| matches!(cause, Error::ReadOnly { .. }))
    }
    assert!(store.read_only());
    let version = store
        .get_versioned(key, &mut Vec::new())
        .expect("a get")
        .expect("the object");
    for how in [Put::Always, Put::IfAbsent, Put::IfVersion(version)] {
        assert!(is_refused(store.put(key, &[b"1"], how)));
    }
    store.put_many(&[(key.to_owned(), b"1")], &mut |_, answer| is_refused(answer));
    assert!(is_refused(store.delete(key)));
    assert!(is_refused(store.delete_many(&[key.to_owned()])));
    assert!(is_refused(store.delete_prefix("")));
    assert!(is_refused(store.move_prefix("a", "b")));
    assert!(store.size(key).expect("a size").is_some(), "the object is still there");
}

/// Keys that no store takes.
const BAD_KEYS: &[&str] = &[
    "",
    "/",
    "/a",
    "a/",
    "a//k",
    ".",
    "..",
    "a/../k",
    "../k",
    "./a",
    "a/.",
    "a\0b",
    "a/.zarrite-1-0.partial",
];

fn refused<T>(answer: Result<T>) -> bool {
    answer.is_err_and(|cause| matches!(cause, Error::KeyRefused { .. }))
}

/// All bytes of a key.
fn all(store: &dyn Store, key: &str) -> Option<Vec<u8>> {
    range(store, key, Range::All)
}

fn range(store: &dyn Store, key: &str, range: Range) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    store.get(key, range, &mut bytes).expect("a get").map(|_| bytes)
}

fn put(store: &dyn Store, key: &str, value: &[u8]) {
    assert!(
        store.put(key, &[value], Put::Always).expect("a put"),
        "an unconditional put of {key:?} always happens"
    );
}

fn fill(store: &dyn Store, keys: &[&str]) {
    for key in keys {
        put(store, key, key.as_bytes());
    }
}

fn listed(store: &dyn Store, prefix: &str) -> Vec<String> {
    let mut keys = Vec::new();
    store
        .list(prefix, &mut |key, bytes| {
            assert_eq!(
                store.size(key).expect("a size"),
                Some(bytes),
                "the listed bytes of {key:?}"
            );
            keys.push(key.to_owned());
            true
        })
        .expect("a listing");
    keys
}

/// A store of these keys, each with itself as its content.
fn of_keys(make: &Holding<'_>, keys: &[&str]) -> Arc<dyn Store> {
    make(&keys.iter().map(|key| (*key, key.as_bytes())).collect::<Vec<_>>())
}

fn get_returns_what_is_there(make: &Holding<'_>) {
    let large: Vec<u8> = (0..600_000_u32).flat_map(u32::to_le_bytes).collect();
    let objects = [
        ("zarr.json", &b"{}"[..]),
        ("a/b/c", b"12345"),
        ("a/.zarray", b""),
        ("a/\u{e9} x/0.0", b"\0\xff"),
        ("large", &large),
    ];
    let store = make(&objects);
    for (key, value) in objects {
        for room in [0, 1, 5, 6, 5000] {
            let mut bytes = Vec::with_capacity(5 + room);
            bytes.extend_from_slice(b"kept:");
            let found = store
                .get(key, Range::All, &mut bytes)
                .expect("a get")
                .expect("an object");
            assert!(
                bytes.strip_prefix(b"kept:") == Some(value),
                "{key:?} into a buffer with room for {room} bytes"
            );
            assert_eq!(found.object_bytes, Some(value.len() as u64));
        }
        assert_eq!(store.size(key), Ok(Some(value.len() as u64)), "{key:?}");
        let mut bytes = b"kept:".to_vec();
        let version = store.get_versioned(key, &mut bytes).expect("a get").expect("an object");
        assert!(bytes.strip_prefix(b"kept:") == Some(value), "{key:?} with its version");
        assert_eq!(version, store.open(key).expect("an open").expect("an object").version());
    }
}

fn a_missing_key_is_none_and_not_an_error(make: &Holding<'_>) {
    let mut bytes = vec![7];
    for objects in [&[][..], &[("a/file", &b"12345"[..])]] {
        let store = make(objects);
        for key in ["missing", "a/missing", "b/c/missing", "a/file/below", "a"] {
            for range in [Range::All, Range::FromTo(1, 2), Range::FromTo(1, 1), Range::Last(3)] {
                assert!(
                    store.get(key, range, &mut bytes).expect("a get").is_none(),
                    "{key:?} {range:?}"
                );
            }
            assert_eq!(store.size(key), Ok(None), "{key:?}");
            assert!(store.open(key).expect("an open").is_none(), "{key:?}");
            assert!(
                store.get_versioned(key, &mut bytes).expect("a get").is_none(),
                "{key:?}"
            );
            assert_eq!(
                store.get_ranges(key, &[Range::All], &mut |_, _| panic!("no answer")),
                Ok(false),
                "{key:?}"
            );
        }
        assert_eq!(bytes, [7], "a missing key leaves the buffer alone");
        assert_eq!(listed(&*store, "missing"), [""; 0]);
        assert_eq!(store.list_dir("b/missing"), Ok((vec![], vec![])));
        assert_eq!(listed(&*store, "").len(), objects.len());
    }
}

fn ranges_end_with_the_object(make: &Holding<'_>) {
    let store = make(&[("k", b"12345")]);
    for (asked, want) in [
        (Range::All, "12345"),
        (Range::FromTo(0, 5), "12345"),
        (Range::FromTo(1, 3), "23"),
        (Range::FromTo(2, u64::MAX), "345"),
        (Range::FromTo(5, 9), ""),
        (Range::FromTo(9, 12), ""),
        (Range::FromTo(u64::MAX - 1, u64::MAX), ""),
        (Range::FromTo(3, 3), ""),
        (Range::FromTo(4, 2), ""),
        (Range::Last(0), ""),
        (Range::Last(2), "45"),
        (Range::Last(5), "12345"),
        (Range::Last(6), "12345"),
        (Range::Last(u64::MAX), "12345"),
    ] {
        assert_eq!(
            range(&*store, "k", asked).as_deref(),
            Some(want.as_bytes()),
            "{asked:?}"
        );
        let mut roomy = Vec::with_capacity(64);
        store.get("k", asked, &mut roomy).expect("a get");
        assert_eq!(roomy, want.as_bytes(), "{asked:?} into a buffer with room");
    }
    let asked = [
        Range::Last(2),
        Range::FromTo(0, 2),
        Range::FromTo(4, 9),
        Range::FromTo(7, 9),
    ];
    let mut answers = vec![None; asked.len()];
    let there = store.get_ranges("k", &asked, &mut |place, bytes| {
        answers[place] = Some(bytes);
        true
    });
    assert_eq!(there, Ok(true));
    let want: [&[u8]; 4] = [b"45", b"12", b"5", b""];
    assert_eq!(answers, want.map(|bytes| Some(bytes.to_vec())));
    let mut count = 0;
    let stopped = store.get_ranges("k", &asked, &mut |_, _| {
        count += 1;
        false
    });
    assert_eq!(
        (stopped, count),
        (Ok(true), 1),
        "no answer after the caller said to stop"
    );
}

fn many_keys_are_answered_each_in_its_place(make: &Holding<'_>) {
    let mut keys: Vec<String> = (0..20).map(|number| format!("n/{number}")).collect();
    let there: Vec<&str> = keys
        .iter()
        .map(String::as_str)
        .filter(|key| !key.ends_with('3'))
        .collect();
    let store = of_keys(make, &there);
    keys.push("../n".to_owned());
    let mut answers: Vec<Option<Result<Option<Vec<u8>>>>> = vec![None; keys.len()];
    store.get_many(&keys, &mut |place, answer| {
        assert!(answers[place].replace(answer).is_none(), "one answer a key");
        true
    });
    assert!(
        answers.pop().flatten().is_some_and(refused),
        "a refused key fails alone"
    );
    for (key, answer) in keys.iter().zip(&answers) {
        let want = (!key.ends_with('3')).then(|| key.as_bytes().to_vec());
        assert_eq!(answer, &Some(Ok(want)), "{key:?}");
    }
    let mut count = 0;
    store.get_many(&keys, &mut |_, _| {
        count += 1;
        false
    });
    assert_eq!(count, 1, "no answer after the caller said to stop");
}

fn an_open_object_is_read_in_ranges(make: &Holding<'_>) {
    let store = make(&[("a/k", b"0123456789")]);
    let object = store.open("a/k").expect("an open").expect("an object");
    assert_eq!(object.bytes(), 10);
    assert!(object.is_current(), "nothing has changed");
    let mut four = [0; 4];
    object.read_at(3, &mut four).expect("a read");
    assert_eq!(&four, b"3456");
    let mut bytes = b">".to_vec();
    object.append_at(8, 2, &mut bytes).expect("a read");
    object.append_at(10, 0, &mut bytes).expect("a read of nothing");
    assert_eq!(bytes, b">89");
    for (offset, count) in [(7, 4), (11, 1), (u64::MAX, 1), (0, 11), (1, 1 << 40)] {
        let failed = object.append_at(offset, count, &mut bytes);
        assert!(failed.is_err(), "{count} bytes at {offset} of 10");
        assert_eq!(bytes, b">89", "a failed read leaves the buffer as it was");
    }
    assert!(
        matches!(object.read_at(7, &mut four), Err(Error::Corrupt { .. })),
        "an object that ends too early"
    );
    if let Some(memory) = object.in_memory() {
        assert_eq!(memory, b"0123456789");
    }
    store.close().expect("a close");
    object
        .read_at(0, &mut four)
        .expect("an open object stays readable after the store is closed");
}

fn listing_is_in_the_order_of_the_keys(make: &Holding<'_>) {
    let keys = [
        "a-b/k",
        "a/0/0",
        "a/0/1",
        "a/0.1",
        "a/zarr.json",
        "a0/k",
        "ab",
        "b/c/d/e/f/g",
        "\u{e9}/k",
        "zarr.json",
    ];
    let store = of_keys(make, &keys);
    let mut want = keys.to_vec();
    want.sort_unstable();
    assert_eq!(listed(&*store, ""), want);
    assert_eq!(listed(&*store, "a"), ["a/0.1", "a/0/0", "a/0/1", "a/zarr.json"]);
    assert_eq!(
        listed(&*store, "a/"),
        listed(&*store, "a"),
        "a trailing slash says nothing new"
    );
    assert_eq!(listed(&*store, "b/c/d"), ["b/c/d/e/f/g"]);
    assert_eq!(listed(&*store, "ab"), [""; 0], "an object is not below itself");
    let mut count = 0;
    store
        .list("", &mut |_, _| {
            count += 1;
            count < 3
        })
        .expect("a listing");
    assert_eq!(count, 3, "a listing stops when it is told to");
}

fn listing_a_directory_gives_names(make: &Holding<'_>) {
    let store = of_keys(
        make,
        &[
            "a/0/0",
            "a/0/1",
            "a/1.5/k",
            "a/b",
            "a/zarr.json",
            "a-b/k",
            "ab",
            "zarr.json",
            ".zgroup",
        ],
    );
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        store.list_dir(""),
        Ok((names(&[".zgroup", "ab", "zarr.json"]), names(&["a", "a-b"])))
    );
    assert_eq!(
        store.list_dir("a/"),
        Ok((names(&["b", "zarr.json"]), names(&["0", "1.5"])))
    );
    assert_eq!(store.list_dir("a/0"), Ok((names(&["0", "1"]), vec![])));
    assert_eq!(
        store.list_dir("ab"),
        Ok((vec![], vec![])),
        "an object has nothing below it"
    );
}

fn bad_keys_are_refused_by_every_question(make: &Holding<'_>) {
    let store = of_keys(make, &["a/k"]);
    for key in BAD_KEYS {
        let mut bytes = b"kept".to_vec();
        assert!(refused(store.get(key, Range::All, &mut bytes)), "get {key:?}");
        assert!(refused(store.get_versioned(key, &mut bytes)), "get_versioned {key:?}");
        assert!(
            refused(store.get_ranges(key, &[Range::All], &mut |_, _| true)),
            "get_ranges {key:?}"
        );
        assert!(refused(store.open(key).map(|_| ())), "open {key:?}");
        assert!(refused(store.size(key)), "size {key:?}");
        assert_eq!(bytes, b"kept", "a failure leaves the buffer as it was");
        // A prefix may be empty and may end in a slash.
        if !matches!(*key, "" | "/" | "a/") {
            assert!(refused(store.list(key, &mut |_, _| true)), "list {key:?}");
            assert!(refused(store.list_dir(key)), "list_dir {key:?}");
        }
    }
}
