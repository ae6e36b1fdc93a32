//! Keys and prefixes: which are refused, and how they are put together.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::store::{Error, Put, Range, Result, Store};

/// Objects that are still being written carry such a name; no key may, and no listing shows one.
pub const RESERVED_START: &str = ".zarrite-";
/// The end of the names of objects that are still being written.
pub const RESERVED_END: &str = ".partial";

/// Whether a name belongs to an object that is still being written.
pub fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED_START) && name.ends_with(RESERVED_END)
}

/// Refuses the keys that could leave a store's root or mean two things.
///
/// # Errors
/// [`Error::KeyRefused`] for an empty key, an empty component (a leading, trailing or double slash), `.`, `..`, a NUL, a name
/// kept for objects being written, and, on Windows, a backslash or a colon.
pub fn check_key(key: &str) -> Result<()> {
    if key.is_empty() {
        return Err(Error::refused(key, "it is empty"));
    }
    // The one pass over the bytes that keys of chunks get; all that is rare happens behind it.
    let mut previous = b'/';
    let mut rare = false;
    for &byte in key.as_bytes() {
        rare |= byte == 0 || (previous == b'/' && (byte == b'/' || byte == b'.'));
        rare |= cfg!(windows) && (byte == b'\\' || byte == b':');
        previous = byte;
    }
    if rare || previous == b'/' {
        check_components(key)
    } else {
        Ok(())
    }
}

#[cold]
fn check_components(key: &str) -> Result<()> {
    if key.contains('\0') {
        return Err(Error::refused(key, "it contains a NUL"));
    }
    if cfg!(windows) && key.contains(['\\', ':']) {
        return Err(Error::refused(
            key,
            "it contains a backslash or a colon, which this system takes for a path",
        ));
    }
    for component in key.split('/') {
        match component {
            "" => return Err(Error::refused(key, "it has an empty component")),
            "." | ".." => return Err(Error::refused(key, format!("{component:?} is not a name"))),
            name if is_reserved(name) => {
                return Err(Error::refused(
                    key,
                    "the name is kept for objects that are being written",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A prefix without its trailing slash, checked as a key is; `""` stays.
///
/// # Errors
/// As [`check_key`].
pub fn check_prefix(prefix: &str) -> Result<&str> {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if !prefix.is_empty() {
        check_key(prefix)?;
    }
    Ok(prefix)
}

/// Whether a key lies below a checked prefix, and its rest.
pub fn below<'key>(key: &'key str, prefix: &str) -> Option<&'key str> {
    if prefix.is_empty() {
        Some(key)
    } else {
        key.strip_prefix(prefix)?.strip_prefix('/')
    }
}

/// A checked prefix and a name below it.
pub fn join(prefix: &str, name: &str) -> String {
    match (prefix, name) {
        ("", name) => name.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, name) => format!("{prefix}/{name}"),
    }
}

/// What lies below a checked prefix, of a map in the order of its keys.
pub fn all_below<'a, Held>(
    objects: &'a BTreeMap<String, Held>,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a String, &'a Held)> + 'a {
    let start = if prefix.is_empty() {
        String::new()
    } else {
        format!("{prefix}/")
    };
    objects
        .range(start..)
        .take_while(move |(key, _)| below(key, prefix).is_some())
}

/// The names of objects and of prefixes directly below a checked prefix, of a map in the order of its keys: one look-up a
/// name, however much lies below it.
pub fn names_below<Held>(objects: &BTreeMap<String, Held>, prefix: &str) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut prefixes) = (Vec::new(), Vec::new());
    let start = if prefix.is_empty() {
        String::new()
    } else {
        format!("{prefix}/")
    };
    let mut from = Bound::Included(start);
    while let Some((key, _)) = objects.range::<String, _>((from.as_ref(), Bound::Unbounded)).next() {
        let Some(rest) = below(key, prefix) else { break };
        if let Some((name, _)) = rest.split_once('/') {
            prefixes.push(name.to_owned());
            // `0` follows `/`: the first key that is not below the name.
            from = Bound::Included(format!("{}0", join(prefix, name)));
        } else {
            keys.push(rest.to_owned());
            from = Bound::Excluded(key.clone());
        }
    }
    // In the order of the keys `a-b/` comes before `a/`.
    prefixes.sort_unstable();
    (keys, prefixes)
}

/// Checks the two prefixes of a move and returns them without trailing slashes.
///
/// # Errors
/// [`Error::KeyRefused`] when one is empty or no key, or when one lies below the other.
pub fn check_move<'a>(from: &'a str, to: &'a str) -> Result<(&'a str, &'a str)> {
    let (from, to) = (check_prefix(from)?, check_prefix(to)?);
    if from.is_empty() || to.is_empty() {
        return Err(Error::refused("", "the whole of a store cannot be moved within it"));
    }
    if from == to || below(to, from).is_some() || below(from, to).is_some() {
        return Err(Error::refused(
            to,
            format!("{from:?} cannot be moved into itself or onto what holds it"),
        ));
    }
    Ok((from, to))
}

/// Moves by copying and deleting, for stores that cannot rename.
///
/// # Errors
/// As [`Store::move_prefix`].
pub fn move_by_copy(store: &dyn Store, from: &str, to: &str) -> Result<()> {
    let (from, to) = check_move(from, to)?;
    let mut taken = false;
    store.list(to, &mut |_, _| {
        taken = true;
        false
    })?;
    if taken {
        return Err(taken_error(to));
    }
    let mut keys = Vec::new();
    store.list(from, &mut |key, _| {
        keys.push(key.to_owned());
        true
    })?;
    let mut bytes = Vec::new();
    // The objects nearest to the prefix are put last: a copy that was stopped has no documents and reads as nothing.
    keys.sort_by_key(|key| std::cmp::Reverse(key.matches('/').count()));
    for key in &keys {
        let target = join(to, below(key, from).unwrap_or(key));
        if store.copy_from(store, key, &target)?.is_some() {
            continue;
        }
        bytes.clear();
        if store.get(key, Range::All, &mut bytes)?.is_some() {
            store.put(&target, &[&bytes], Put::Always)?;
        }
    }
    store.delete_prefix(from).map(drop)
}

/// The failure of a move onto something.
pub fn taken_error(to: &str) -> Error {
    Error::Io {
        key: to.to_owned(),
        errno: Some(EEXIST),
        why: "something is there already".to_owned(),
    }
}

/// `EEXIST` has this number on every system there is.
const EEXIST: i32 = 17;

/// Makes room for more bytes, or says that there is none, where `Vec::reserve` would end the process.
///
/// # Errors
/// [`Error::Io`] when memory cannot hold them.
pub fn reserve(key: &str, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
    let fits = usize::try_from(bytes).is_ok_and(|bytes| into.try_reserve(bytes).is_ok());
    if fits {
        return Ok(());
    }
    Err(Error::Io {
        key: key.to_owned(),
        errno: None,
        why: format!("memory has no room for {bytes} bytes"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_could_leave_the_root_are_refused() {
        for key in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/..",
            "../a",
            "a/./b",
            "a/../b",
            "a\0b",
            ".zarrite-1-2.partial",
        ] {
            assert!(matches!(check_key(key), Err(Error::KeyRefused { .. })), "{key:?}");
        }
        for key in [
            "a",
            "a/b",
            ".zarray",
            "a/.zattrs",
            "...",
            "c/0/0",
            "..a",
            "a..",
            "\u{e9}/x",
            "__a",
        ] {
            assert_eq!(check_key(key), Ok(()), "{key:?}");
        }
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        assert_eq!(below("ab/c", "a"), None);
        assert_eq!(below("a", "a"), None);
        assert_eq!(below("a/c", "a"), Some("c"));
        assert_eq!(below("a/c", ""), Some("a/c"));
        assert_eq!(check_prefix("a/b/"), Ok("a/b"));
        assert!(check_prefix("a//").is_err() && check_prefix("/").is_ok());
    }

    #[test]
    fn memory_that_is_not_there_is_an_error_and_not_the_end() {
        assert!(reserve("k", u64::MAX, &mut Vec::new()).is_err());
    }
}
