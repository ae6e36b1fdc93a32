//! Archives that are written, changed, and given up.

use std::sync::atomic::{AtomicU64, Ordering};

use super::opened::OPEN;
use super::*;
use crate::stores::contract;
use crate::stores::zip::Zip;
use crate::sync::Mutex;

/// A directory of its own, which goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("zarrite-archive-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn archive(&self) -> Archive {
        Archive::new(&self.0.join("a.zip"), Layout::default()).expect("an archive")
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the directory");
        entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect()
    }

    fn zip(&self) -> Zip {
        Zip::new(&self.0.join("a.zip")).expect("an archive")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn put(store: &dyn Store, key: &str, value: &[u8]) {
    assert!(store.put(key, &[value], Put::Always).expect("a put"));
}

fn get(store: &dyn Store, key: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    store.get(key, Range::All, &mut bytes).expect("a get").map(|_| bytes)
}

fn keys(store: &dyn Store) -> Vec<String> {
    let mut keys = Vec::new();
    store
        .list("", &mut |key, _| {
            keys.push(key.to_owned());
            true
        })
        .expect("a listing");
    keys
}

#[test]
fn an_archive_that_is_written_keeps_the_contract() {
    let scratches = Mutex::new(Vec::new());
    contract::check(&|| {
        let scratch = Scratch::new();
        let archive = scratch.archive();
        scratches.lock().push(scratch);
        Arc::new(archive)
    });
}

#[test]
fn an_archive_that_is_changed_keeps_the_contract() {
    let scratches = Mutex::new(Vec::new());
    contract::check(&|| {
        let scratch = Scratch::new();
        let first = scratch.archive();
        put(&first, "was/there", b"before");
        put(&first, "large", &vec![1; 100_000]);
        first.close().expect("a close");
        let archive = scratch.archive();
        archive.delete_prefix("").expect("a deletion");
        scratches.lock().push(scratch);
        Arc::new(archive)
    });
}

#[test]
fn what_was_put_is_there_once_the_store_was_closed_and_not_before() {
    let scratch = Scratch::new();
    let archive = scratch.archive();
    let large = vec![7_u8; 300_000];
    put(&archive, "c/0", &large);
    put(&archive, "zarr.json", b"{}");
    assert_eq!(get(&archive, "c/0").as_deref(), Some(&large[..]));
    assert_eq!(scratch.names(), [""; 0], "nothing shows before the end");
    archive.close().expect("a close");
    assert_eq!(scratch.names(), ["a.zip"]);
    let zip = scratch.zip();
    assert_eq!(get(&zip, "c/0"), Some(large));
    assert_eq!(get(&zip, "zarr.json").as_deref(), Some(&b"{}"[..]));
    assert!(matches!(archive.size("c/0"), Err(Error::Closed { .. })));
}

#[test]
fn changes_leave_the_rest_and_readers_of_the_old_archive_alone() {
    let scratch = Scratch::new();
    let first = scratch.archive();
    for number in 0..20_u8 {
        put(&first, &format!("c/{number}"), &vec![number; 100_000]);
    }
    put(&first, "zarr.json", b"old");
    first.close().expect("a close");
    let old = scratch.zip();
    let second = scratch.archive();
    for _ in 0..3 {
        put(&second, "c/3", &vec![99; 80_000]);
    }
    put(&second, "zarr.json", b"new");
    put(&second, "more", b"1");
    second.delete("c/4").expect("a deletion");
    second.close().expect("a close");
    let new = scratch.zip();
    for number in 0..20_u8 {
        let key = format!("c/{number}");
        let before = vec![number; 100_000];
        assert!(get(&old, &key) == Some(before.clone()), "{key}");
        let want = match number {
            3 => Some(vec![99; 80_000]),
            4 => None,
            _ => Some(before),
        };
        assert!(get(&new, &key) == want, "{key}");
    }
    assert_eq!(get(&new, "zarr.json").as_deref(), Some(&b"new"[..]));
    assert_eq!(get(&new, "more").as_deref(), Some(&b"1"[..]));
    let bytes = std::fs::metadata(scratch.0.join("a.zip")).expect("the file").len();
    assert!(
        bytes < 18 * 100_000 + 80_000 + 20_000,
        "{bytes}: nothing is in it twice"
    );
    assert_eq!(scratch.names(), ["a.zip"]);
}

#[test]
fn what_was_given_up_leaves_nothing() {
    let scratch = Scratch::new();
    let archive = scratch.archive();
    put(&archive, "c/0", &vec![1; 100_000]);
    archive.discard();
    assert_eq!(scratch.names(), [""; 0]);
    assert!(matches!(
        archive.put("k", &[b"1"], Put::Always),
        Err(Error::Closed { .. })
    ));
    archive.close().expect("a close");
    let nothing = scratch.archive();
    assert_eq!(keys(&nothing), [""; 0]);
    nothing.close().expect("a close");
    assert_eq!(
        scratch.names(),
        [""; 0],
        "an archive that nothing was put into is not made"
    );
}

#[test]
fn all_that_open_a_path_share_what_was_changed() {
    let scratch = Scratch::new();
    let (one, two) = (scratch.archive(), scratch.archive());
    put(&one, "k", b"1");
    assert_eq!(get(&two, "k").as_deref(), Some(&b"1"[..]));
    assert!(Archive::changed_at(&scratch.0.join("a.zip")).expect("a look").is_some());
    assert!(Archive::by_identity(&format!("{}/x", two.identity())).is_some());
    two.close().expect("a close");
    assert!(matches!(one.size("k"), Err(Error::Closed { .. })));
    assert!(Archive::changed_at(&scratch.0.join("a.zip")).expect("a look").is_none());
}

#[test]
fn what_another_process_wrote_meanwhile_stays() {
    let scratch = Scratch::new();
    let one = scratch.archive();
    put(&one, "a", b"1");
    // As another process does, which shares nothing with this one.
    OPEN.lock().clear();
    let two = scratch.archive();
    put(&two, "b", b"2");
    two.close().expect("a close");
    one.close().expect("a close");
    assert_eq!(keys(&scratch.zip()), ["a", "b"]);
}

#[test]
fn documents_come_first_where_they_should() {
    let scratch = Scratch::new();
    let path = scratch.0.join("a.ozx");
    let layout = Layout {
        first: vec!["zarr.json".to_owned()],
    };
    let archive = Archive::new(&path, layout).expect("an archive");
    put(&archive, "a/c/0", &vec![1; 100_000]);
    put(&archive, "a/b/zarr.json", b"{}");
    put(&archive, "a/zarr.json", b"{}");
    put(&archive, "0/zarr.json", b"{}");
    put(&archive, "zarr.json", br#"{"attributes":{"ome":{"version":"0.5"}}}"#);
    archive.close().expect("a close");
    let zip = Zip::new(&path).expect("an archive");
    let mut order: Vec<_> = zip
        .0
        .entries
        .iter()
        .map(|(key, entry)| (entry.header, key.as_str()))
        .collect();
    order.sort_unstable();
    let order: Vec<_> = order.into_iter().map(|(_, key)| key).collect();
    assert_eq!(
        order,
        ["zarr.json", "0/zarr.json", "a/zarr.json", "a/b/zarr.json", "a/c/0"]
    );
    let said = String::from_utf8_lossy(&zip.0.comment).into_owned();
    assert_eq!(
        said,
        r#"{"ome":{"version":"0.5","zipFile":{"centralDirectory":{"jsonFirst":true}}}}"#
    );
}
