//! A directory as a store: the contract, and what only files can do.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

use super::*;
use crate::stores::contract;

/// A directory that goes when the test ends.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "zarrite-local-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a scratch directory");
        Self(path)
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    pub(super) fn store(&self, options: LocalOptions) -> Local {
        Local::new(&self.path("store"), options).expect("a store")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Puts stores that are made one after another through the contract.
fn keeps_the_contract(options: LocalOptions) {
    let scratch = Scratch::new();
    let count = AtomicU64::new(0);
    contract::check(&|| {
        let root = scratch.path(&format!("not/there yet/{}", count.fetch_add(1, Ordering::Relaxed)));
        Arc::new(Local::new(&root, options).expect("a store"))
    });
}

#[test]
fn files_keep_the_contract() {
    keeps_the_contract(LocalOptions::default());
}

#[test]
fn files_that_are_synced_keep_the_contract() {
    keeps_the_contract(LocalOptions {
        fsync: true,
        ..LocalOptions::default()
    });
}

#[test]
fn files_below_a_root_that_no_link_leaves_keep_the_contract() {
    keeps_the_contract(LocalOptions {
        follow_symlinks: false,
        ..LocalOptions::default()
    });
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn all(store: &Local, key: &str) -> Result<Option<String>> {
    let mut bytes = Vec::new();
    Ok(store.get(key, Range::All, &mut bytes)?.map(|_| text(&bytes)))
}

fn put(store: &Local, key: &str, value: &str) {
    assert_eq!(store.put(key, &[value.as_bytes()], Put::Always), Ok(true));
}

#[test]
fn reading_makes_nothing() {
    let scratch = Scratch::new();
    let store = scratch.store(LocalOptions::default());
    assert_eq!(all(&store, "a/k"), Ok(None));
    assert_eq!(store.delete_prefix(""), Ok(0));
    assert_eq!(store.list_dir(""), Ok((vec![], vec![])));
    assert!(!scratch.path("store").exists());
}

#[test]
fn a_root_that_is_deleted_and_made_again_is_read_again() {
    let scratch = Scratch::new();
    let store = scratch.store(LocalOptions::default());
    put(&store, "k", "old");
    fs::remove_dir_all(scratch.path("store")).expect("a removal");
    assert_eq!(all(&store, "k"), Ok(None));
    fs::create_dir(scratch.path("store")).expect("a directory");
    fs::write(scratch.path("store/k"), "new").expect("a file");
    assert_eq!(all(&store, "k"), Ok(Some("new".to_owned())));
}

#[test]
fn an_open_object_notices_that_a_directory_above_it_was_swapped() {
    let scratch = Scratch::new();
    let store = scratch.store(LocalOptions::default());
    put(&store, "a/b/k", "1234");
    put(&store, "other/b/k", "5678");
    let object = store.open("a/b/k").expect("an open").expect("an object");
    fs::rename(scratch.path("store/a"), scratch.path("store/gone")).expect("a rename");
    fs::rename(scratch.path("store/other"), scratch.path("store/a")).expect("a rename");
    assert!(!object.is_current());
}

#[test]
fn one_directory_has_one_identity_however_it_is_named() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("store")).expect("a directory");
    std::os::unix::fs::symlink(scratch.path("store"), scratch.path("link")).expect("a link");
    let identity = |below: &str| {
        Local::new(&scratch.path(below), LocalOptions::default())
            .expect("a store")
            .identity()
            .to_owned()
    };
    assert_eq!(identity("store"), identity("link"));
    assert_eq!(identity("store"), identity("store/"));
    assert_eq!(identity("store/not/there"), identity("link/not/there"));
    assert_ne!(identity("store"), identity("store/not"));
    assert_eq!(
        format!("{}/a", identity("store")),
        identity("store/a"),
        "a place below is named by what it is below"
    );
}

#[test]
fn a_directory_that_is_empty_does_not_stand_in_the_way_of_an_object() {
    let scratch = Scratch::new();
    let store = scratch.store(LocalOptions::default());
    put(&store, "a/k/x", "1");
    let failed = store
        .put("a/k", &[b"2"], Put::Always)
        .expect_err("something lies below it");
    assert!(
        matches!(&failed, Error::Io { why, .. } if why.contains("directory")),
        "{failed}"
    );
    store.delete("a/k/x").expect("a delete");
    put(&store, "a/k", "2");
    let failed = store
        .put("a/k/x", &[b"3"], Put::Always)
        .expect_err("a file is in the way");
    assert!(
        matches!(&failed, Error::Io { why, .. } if why.contains("file")),
        "{failed}"
    );
    assert_eq!(all(&store, "a/k"), Ok(Some("2".to_owned())));
    store.delete("a/k").expect("a delete");
    assert_eq!(store.put("a/k", &[b"4"], Put::IfAbsent), Ok(true));
}

#[test]
fn files_that_are_being_written_are_not_listed_and_go_with_their_directory() {
    let scratch = Scratch::new();
    let store = scratch.store(LocalOptions::default());
    put(&store, "a/k", "1");
    fs::write(scratch.path("store/a/.zarrite-1-0.partial"), "half").expect("a file");
    assert_eq!(store.list_dir("a"), Ok((vec!["k".to_owned()], vec![])));
    let mut keys = Vec::new();
    store
        .list("", &mut |key, _| {
            keys.push(key.to_owned());
            true
        })
        .expect("a listing");
    assert_eq!(keys, ["a/k"]);
    assert_eq!(store.delete_prefix("a"), Ok(1));
    assert!(!scratch.path("store/a").exists());
}

#[test]
fn what_is_no_file_is_never_waited_for_nor_read() {
    let scratch = Scratch::new();
    let store = scratch.store(LocalOptions::default());
    put(&store, "k", "1");
    let root = scratch.path("store");
    let made = std::process::Command::new("mkfifo")
        .arg(root.join("pipe"))
        .status()
        .expect("a pipe");
    assert!(made.success());
    std::os::unix::fs::symlink("/dev/zero", root.join("endless")).expect("a link");
    std::os::unix::fs::symlink("/dev/null", root.join("nothing")).expect("a link");
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).expect("a socket");
    for key in ["pipe", "endless", "nothing", "socket"] {
        for range in [Range::All, Range::Last(3)] {
            let mut bytes = vec![1];
            let failed = store.get(key, range, &mut bytes).expect_err("no file");
            assert!(matches!(failed, Error::Io { .. }), "{key} {failed}");
            assert_eq!(bytes, [1]);
        }
        assert!(matches!(store.open(key).map(|_| ()), Err(Error::Io { .. })), "{key}");
        assert_eq!(store.size(key), Ok(None));
    }
    assert_eq!(store.list_dir(""), Ok((vec!["k".to_owned()], vec![])));
}

#[test]
fn links_are_followed_or_not_as_asked() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.path("outside/d")).expect("a directory");
    fs::write(scratch.path("outside/d/k"), "secret").expect("a file");
    let store = scratch.store(LocalOptions::default());
    put(&store, "in/k", "1");
    let link = |to: PathBuf, name: &str| {
        std::os::unix::fs::symlink(to, scratch.path("store").join(name)).expect("a link");
    };
    link(scratch.path("outside"), "out");
    link(scratch.path("outside/d/k"), "file");
    link("..".into(), "in/up");
    link("nowhere".into(), "dangling");
    link("self".into(), "self");

    let keys = |store: &Local, prefix: &str| {
        let mut keys = Vec::new();
        store
            .list(prefix, &mut |key, _| {
                keys.push(key.to_owned());
                true
            })
            .expect("a listing");
        keys
    };
    assert_eq!(all(&store, "out/d/k"), Ok(Some("secret".to_owned())));
    assert_eq!(all(&store, "dangling"), Ok(None));
    assert_eq!(
        keys(&store, ""),
        ["file", "in/k", "out/d/k"],
        "a link that leads up is not followed for ever"
    );
    assert_eq!(keys(&store, "out"), ["out/d/k"]);

    let strict = scratch.store(LocalOptions {
        follow_symlinks: false,
        ..LocalOptions::default()
    });
    let refused = |answer: Result<()>| matches!(answer, Err(Error::KeyRefused { .. }));
    assert_eq!(all(&strict, "in/k"), Ok(Some("1".to_owned())));
    for key in [
        "out/d/k",
        "file",
        "in/up/in/k",
        "dangling",
        "self",
        "out/d/new",
        "out/new",
    ] {
        assert!(refused(all(&strict, key).map(drop)), "get {key}");
        assert!(refused(strict.open(key).map(drop)), "open {key}");
        assert!(refused(strict.size(key).map(drop)), "size {key}");
    }
    for key in ["out/d/k", "in/up/new", "out/new", "out/new/deep"] {
        assert!(refused(strict.put(key, &[b"x"], Put::Always).map(drop)), "put {key}");
        assert!(refused(strict.put(key, &[b"x"], Put::IfAbsent).map(drop)), "put {key}");
        assert!(refused(strict.delete(key)), "delete {key}");
    }
    assert_eq!(keys(&strict, ""), ["in/k"]);
    assert!(refused(strict.list("out", &mut |_, _| true)) && refused(strict.list("out/d", &mut |_, _| true)));
    assert!(refused(strict.delete_prefix("out/d").map(drop)));
    assert!(refused(strict.move_prefix("out/d", "in/d")) && refused(strict.move_prefix("in", "out/in")));
    // A put replaces a link, and does not write through it.
    put(&strict, "file", "mine");
    assert_eq!(
        fs::read_to_string(scratch.path("outside/d/k")).expect("the file"),
        "secret"
    );

    // Deleting takes the links and leaves what they lead to.
    assert_eq!(store.delete_prefix(""), Ok(6));
    assert_eq!(
        fs::read_to_string(scratch.path("outside/d/k")).expect("the file"),
        "secret"
    );
    link(scratch.path("outside"), "out");
    assert_eq!(store.delete_prefix("out"), Ok(1));
    assert_eq!(
        fs::read_to_string(scratch.path("outside/d/k")).expect("the file"),
        "secret"
    );
}

#[test]
fn puts_succeed_while_the_directories_below_them_are_deleted() {
    let scratch = Scratch::new();
    for follow_symlinks in [true, false] {
        let store = scratch.store(LocalOptions {
            follow_symlinks,
            ..LocalOptions::default()
        });
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..3)
                .map(|writer| {
                    let store = &store;
                    scope.spawn(move || {
                        for round in 0..300 {
                            put(store, &format!("a/{writer}/b/{round}"), "1");
                        }
                    })
                })
                .collect();
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    store.delete_prefix("a").expect("a delete");
                    store.list("", &mut |_, _| true).expect("a listing");
                    store.list_dir("a").expect("a listing");
                    std::thread::yield_now();
                }
            });
            for writer in writers {
                writer.join().expect("a writer");
            }
            over.store(true, Ordering::Relaxed);
        });
        store.delete_prefix("").expect("a delete");
        assert_eq!(
            fs::read_dir(scratch.path("store")).expect("the root").count(),
            0,
            "nothing is left behind"
        );
    }
}

#[test]
fn a_name_that_is_too_long_is_refused() {
    let scratch = Scratch::new();
    let store = scratch.store(LocalOptions::default());
    put(&store, "k", "1");
    let long = "n".repeat(300);
    assert!(matches!(all(&store, &long), Err(Error::KeyRefused { .. })));
    assert!(matches!(
        store.put(&long, &[b"1"], Put::Always),
        Err(Error::KeyRefused { .. })
    ));
    let deep = vec!["0123456789"; 60].join("/");
    put(&store, &deep, "1");
    assert_eq!(
        all(&store, &deep),
        Ok(Some("1".to_owned())),
        "a path that needs more room than most"
    );
    assert_eq!(store.delete_prefix("0123456789"), Ok(1));
}

#[test]
fn a_file_that_is_shortened_or_changed_in_place_is_noticed() {
    let scratch = Scratch::new();
    let store = scratch.store(LocalOptions::default());
    put(&store, "k", "0123456789");
    let object = store.open("k").expect("an open").expect("an object");
    let file = fs::File::options()
        .write(true)
        .open(scratch.path("store/k"))
        .expect("the file");
    file.set_len(4).expect("a shorter file");
    assert!(!object.is_current());
    let mut bytes = b"kept".to_vec();
    assert!(matches!(
        object.append_at(0, 10, &mut bytes),
        Err(Error::Corrupt { .. })
    ));
    assert!(matches!(object.read_at(2, &mut [0; 8]), Err(Error::Corrupt { .. })));
    assert_eq!(bytes, b"kept");
}

#[test]
fn a_store_opened_for_reading_changes_nothing() {
    let scratch = Scratch::new();
    put(&scratch.store(LocalOptions::default()), "a/k", "1");
    let store = scratch.store(LocalOptions {
        read_only: true,
        ..LocalOptions::default()
    });
    let refused = |answer: Result<()>| matches!(answer, Err(Error::ReadOnly { .. }));
    assert!(refused(store.put("a/k", &[b"2"], Put::Always).map(drop)));
    assert!(refused(store.delete("a/k")));
    assert!(refused(store.delete_prefix("a").map(drop)));
    assert!(refused(store.move_prefix("a", "b")));
    assert_eq!(all(&store, "a/k"), Ok(Some("1".to_owned())));
}
