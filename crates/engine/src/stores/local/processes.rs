//! What a system refuses (full disks, directories of others), and what other processes do. Each test runs itself again, in
//! a process that meets it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tests::Scratch;
use super::*;

/// Names the directory to work in, in the process where the failure is met.
const INSIDE: &str = "ZARRITE_TEST_DIRECTORY";

fn inside() -> Option<PathBuf> {
    std::env::var_os(INSIDE).map(PathBuf::from)
}

/// Runs one of these tests again, by a command that gets it as its arguments. `false` when this machine does not let it.
fn again(test: &str, directory: &Path, command: &mut Command) -> bool {
    let name = format!("stores::local::processes::{test}");
    let Ok(output) = command
        .args(["--exact", &name, "--nocapture"])
        .env(INSIDE, directory)
        .output()
    else {
        return false;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if !said.contains("running 1 test") {
        return false;
    }
    assert!(output.status.success(), "{said}");
    true
}

/// A shell that prepares what is met, and then becomes the test.
fn shell(prepare: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{prepare} && exec \"$0\" \"$@\""))
        .arg(std::env::current_exe().expect("the tests"));
    command
}

/// Puts that find no room: what was there stays, and nothing is left behind.
fn no_room(directory: &Path, errno: Errno) {
    let root = directory.join("store");
    for options in [
        LocalOptions::default(),
        LocalOptions {
            fsync: true,
            follow_symlinks: false,
            read_only: false,
        },
    ] {
        let store = Local::new(&root, options).expect("a store");
        store
            .put("a/k", &[b"what was there"], Put::Always)
            .expect("a small put");
        let version = store
            .get_versioned("a/k", &mut Vec::new())
            .expect("a get")
            .expect("the object");
        let large = vec![7; 4 << 20];
        for (key, how) in [
            ("a/k", Put::Always),
            ("a/k", Put::IfVersion(version)),
            ("a/new", Put::Always),
            ("a/new", Put::IfAbsent),
        ] {
            let failed = store
                .put(key, &[&large[..100], &large], how.clone())
                .expect_err("no room");
            let Error::Io {
                key: named,
                errno: Some(number),
                ..
            } = &failed
            else {
                panic!("{how:?}: {failed:?}")
            };
            assert_eq!((named.as_str(), *number), (key, errno.raw_os_error()), "{how:?}");
            let mut bytes = Vec::new();
            assert!(store.get("a/k", Range::All, &mut bytes).expect("a get").is_some());
            assert_eq!(bytes, b"what was there", "{how:?}");
            assert_eq!(
                fs::read_dir(root.join("a")).expect("a directory").count(),
                1,
                "{how:?} left something"
            );
        }
        store.put("a/k", &[b"smaller"], Put::Always).expect("a put that fits");
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    if let Some(directory) = inside() {
        return no_room(&directory, Errno::NOSPC);
    }
    let scratch = Scratch::new();
    let mount = format!("mount -t tmpfs -o size=1m none '{}'", scratch.path("").display());
    let mut alone = Command::new("unshare");
    let shell = shell(&mount);
    alone.arg("-Urm").arg(shell.get_program()).args(shell.get_args());
    if !again("a_full_disk_loses_nothing", &scratch.path(""), &mut alone) {
        eprintln!("skipped: no small disk can be mounted here");
    }
}

#[test]
fn a_file_that_may_not_grow_loses_nothing() {
    if let Some(directory) = inside() {
        return no_room(&directory, Errno::FBIG);
    }
    let scratch = Scratch::new();
    let mut limited = shell("trap '' XFSZ && ulimit -f 64");
    if !again(
        "a_file_that_may_not_grow_loses_nothing",
        &scratch.path(""),
        &mut limited,
    ) {
        eprintln!("skipped: no shell limits the size of files here");
    }
}

#[test]
fn directories_of_others_are_a_matter_of_permission() {
    if let Some(directory) = inside() {
        return no_permission(&directory);
    }
    let scratch = Scratch::new();
    let store = scratch.store(LocalOptions::default());
    for key in ["readable/k", "closed/k", "closed/d/k"] {
        store.put(key, &[b"1"], Put::Always).expect("a put");
    }
    let allow = |path: &str, mode: u32| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(scratch.path(path), mode).expect("permissions");
    };
    allow("store/readable/k", 0o444);
    allow("store/readable", 0o555);
    allow("store/closed", 0o000);
    allow("store", 0o555);
    let mut other = Command::new(std::env::current_exe().expect("the tests"));
    if rustix::process::geteuid().is_root() {
        // For root nothing is forbidden.
        other.uid(65534).gid(65534);
    }
    if !again(
        "directories_of_others_are_a_matter_of_permission",
        &scratch.path(""),
        &mut other,
    ) {
        eprintln!("skipped: nobody else can run the tests here");
    }
    for path in ["store", "store/closed", "store/readable"] {
        allow(path, 0o755);
    }
}

fn no_permission(directory: &Path) {
    fn refused<T>(answer: Result<T>, what: &str) {
        let failed = answer.err().unwrap_or_else(|| panic!("{what} was let through"));
        assert!(
            matches!(&failed, Error::Permission { errno: Some(_), .. }),
            "{what}: {failed:?}"
        );
    }
    for follow_symlinks in [true, false] {
        let options = LocalOptions {
            follow_symlinks,
            ..LocalOptions::default()
        };
        let store = Local::new(&directory.join("store"), options).expect("a store");
        let mut bytes = Vec::new();
        assert!(
            store
                .get("readable/k", Range::All, &mut bytes)
                .expect("a get")
                .is_some()
        );
        for key in ["readable/k", "readable/new", "readable/new/k", "new/k", "k", "closed/k"] {
            refused(store.put(key, &[b"2"], Put::Always), key);
        }
        refused(store.put("readable/new", &[b"2"], Put::IfAbsent), "a put if absent");
        refused(store.delete("readable/k"), "delete");
        refused(store.delete_prefix("readable"), "delete_prefix");
        refused(store.move_prefix("readable", "elsewhere"), "move_prefix");
        refused(store.get("closed/k", Range::All, &mut bytes), "get");
        refused(store.get_versioned("closed/k", &mut bytes), "get_versioned");
        refused(store.open("closed/k").map(|_| ()), "open");
        refused(store.size("closed/k"), "size");
        refused(store.list("", &mut |_, _| true), "list");
        refused(store.list_dir("closed"), "list_dir");
        refused(store.delete_prefix("closed"), "delete_prefix");
        assert_eq!(bytes, b"1", "what could not be read left the buffer alone");
        assert_eq!(
            fs::read_dir(directory.join("store/readable"))
                .expect("a directory")
                .count(),
            1
        );
    }
}

#[test]
fn processes_that_add_up_in_one_object_lose_nothing() {
    const PROCESSES: u64 = 4;
    const ROUNDS: u64 = 100;
    let test = "processes_that_add_up_in_one_object_lose_nothing";
    let sum = |store: &Local| {
        let mut bytes = Vec::new();
        let version = store
            .get_versioned("a/sum", &mut bytes)
            .expect("a get")
            .expect("the sum");
        (u64::from_le_bytes(bytes.try_into().expect("eight bytes")), version)
    };
    if let Some(directory) = inside() {
        let store = Local::new(&directory.join("store"), LocalOptions::default()).expect("a store");
        for _ in 0..ROUNDS {
            while {
                let (now, version) = sum(&store);
                !store
                    .put("a/sum", &[&(now + 1).to_le_bytes()], Put::IfVersion(version))
                    .expect("a put")
            } {}
        }
        return;
    }
    let scratch = Scratch::new();
    let store = scratch.store(LocalOptions::default());
    store.put("a/sum", &[&0_u64.to_le_bytes()], Put::Always).expect("a put");
    std::thread::scope(|scope| {
        for _ in 0..PROCESSES {
            let mut other = Command::new(std::env::current_exe().expect("the tests"));
            let directory = scratch.path("");
            scope.spawn(move || assert!(again(test, &directory, &mut other), "the tests can run themselves"));
        }
    });
    assert_eq!(sum(&store).0, PROCESSES * ROUNDS);
}
