//! Archives as others write them, and archives as nobody should.

use super::archive::records::{self, Said};
use super::packing::{Form, Packing, checksum, pack};
use super::*;
use crate::stores::{Memory, Prefix, contract};

fn opened(archive: &[u8]) -> Result<Zip> {
    opened_as(archive, true)
}

/// The archive as one of this machine, or as one on a network, which is read in other pieces.
fn opened_as(archive: &[u8], is_local: bool) -> Result<Zip> {
    let store = Memory::with_objects([("a.zip", archive)])?;
    Zip::of(
        store.open("a.zip")?.expect("the archive"),
        "memory://a.zip".to_owned(),
        is_local,
    )
}

fn all(store: &Zip, key: &str) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    Ok(store.get(key, Range::All, &mut bytes)?.map(|_| bytes))
}

#[test]
fn archives_of_every_kind_keep_the_reading_half_of_the_contract() {
    for kind in [0, 1, 2, 4, 8, 16, 30, 31, 36, 63_u8] {
        let packing = Packing {
            deflated: kind & 1 > 0,
            descriptors: kind & 2 > 0,
            numbers: Form::of(kind & 4 == 0, kind & 32 > 0),
            before: if kind & 8 > 0 { b"#!/bin/sh\nexit\n" } else { b"" },
            comment: if kind & 16 > 0 {
                b"a comment PK\x05\x06 that looks like an end"
            } else {
                b""
            },
        };
        for is_local in [true, false] {
            contract::check_reading(&|objects| {
                Arc::new(opened_as(&pack(objects, packing), is_local).expect("an archive"))
            });
        }
    }
}

#[test]
fn an_archive_in_a_file_is_read_and_refuses_every_change() {
    let name = format!("zarrite-zip-{}.zip", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, pack(&[("a/k", b"12")], Packing::default())).expect("a file");
    let (store, again) = (
        Zip::new(&path).expect("an archive"),
        Zip::new(&path).expect("an archive"),
    );
    std::fs::write(&path, pack(&[("a/k", b"123")], Packing::default())).expect("a file");
    let changed = Zip::new(&path).expect("an archive");
    std::fs::remove_file(&path).expect("a removal");
    contract::check_refusal(&store, "a/k");
    assert_eq!(store.identity(), again.identity());
    assert_ne!(
        store.identity(),
        changed.identity(),
        "another archive at the same place"
    );
    assert!(matches!(Zip::new(&path), Err(Error::NotFound { .. })));
    assert!(matches!(Zip::new(&std::env::temp_dir()), Err(Error::NotFound { .. })));
    changed.close().expect("a close");
    assert!(matches!(all(&changed, "a/k"), Err(Error::Closed { .. })));
    assert!(matches!(changed.list_dir(""), Err(Error::Closed { .. })));
}

#[test]
fn of_two_entries_with_one_name_the_later_one_is_meant() {
    let store = opened(&pack(
        &[("k", b"old"), ("other", b""), ("k", b"new")],
        Packing::default(),
    ))
    .expect("an archive");
    assert_eq!(all(&store, "k"), Ok(Some(b"new".to_vec())));
    assert_eq!(
        store.list_dir(""),
        Ok((vec!["k".to_owned(), "other".to_owned()], vec![]))
    );
}

#[test]
fn folders_and_half_written_objects_are_no_objects() {
    let names: [(&str, &[u8]); 4] = [
        ("a/", b""),
        ("a/b/", b""),
        ("a/k", b"1"),
        ("a/.zarrite-1-0.partial", b"1"),
    ];
    let store = opened(&pack(&names, Packing::default())).expect("an archive");
    assert_eq!(store.list_dir("a"), Ok((vec!["k".to_owned()], vec![])));
}

#[test]
fn a_folder_that_holds_everything_can_be_taken_away() {
    let store = opened(&pack(
        &[("x.zarr/", b""), ("x.zarr/zarr.json", b"{}"), ("x.zarr/c/0", b"1")],
        Packing::default(),
    ))
    .expect("an archive");
    let folder = store.folder().to_owned();
    assert_eq!(folder, "x.zarr");
    let inside = Prefix::of(Arc::new(store), &folder).expect("a prefix");
    assert_eq!(inside.size("zarr.json"), Ok(Some(2)));
    for (names, folder) in [
        (&[("zarr.json", &b""[..]), ("x/k", b"")][..], ""),
        (&[("x/k", b""), ("y/k", b"")], ""),
        (&[("x-y/k", b""), ("x/k", b"")], ""),
        (&[("a/b/k", b""), ("a/b/c/k", b"")], "a/b"),
        (&[("a/b/k", b""), ("a/bc/k", b"")], "a"),
        (&[], ""),
    ] {
        let store = opened(&pack(names, Packing::default())).expect("an archive");
        assert_eq!(store.folder(), folder);
    }
}

#[test]
fn names_that_are_no_keys_are_refused() {
    for name in [
        "/etc/passwd",
        "../k",
        "a/../../k",
        "a\\b",
        "..\\k",
        "./k",
        "a//k",
        "C:\\k",
        "a\0b",
    ] {
        let refused = opened(&pack(&[(name, b"1")], Packing::default()));
        assert!(matches!(refused, Err(Error::KeyRefused { .. })), "{name:?}");
    }
}

#[test]
fn names_of_old_writers_are_read_in_their_code_page() {
    let mut archive = pack(&[("caf_", b"1")], Packing::default());
    while let Some(at) = archive.windows(4).position(|name| name == b"caf_") {
        archive[at + 3] = 0x82;
    }
    assert_eq!(
        all(&opened(&archive).expect("an archive"), "caf\u{e9}"),
        Ok(Some(b"1".to_vec()))
    );
}

#[test]
fn a_name_that_is_given_once_more_as_unicode_is_read_as_that() {
    let mut archive = pack(&[("caf_", b"1")], Packing::default());
    let at = archive.windows(4).rposition(|name| name == b"caf_").expect("the name");
    let mut field = b"up\x0a\0\x01".to_vec();
    field.extend(checksum(b"caf_").to_le_bytes());
    field.extend("caf\u{e9}".as_bytes());
    archive.splice(at + 4..at + 4, field.iter().copied());
    archive[at - 16] = field.len() as u8;
    let end = archive.len() - END;
    archive[end + 12] += field.len() as u8;
    assert_eq!(
        all(&opened(&archive).expect("an archive"), "caf\u{e9}"),
        Ok(Some(b"1".to_vec()))
    );
    // One that was made for another name says nothing of this one.
    archive[at + 9] ^= 1;
    assert_eq!(
        all(&opened(&archive).expect("an archive"), "caf_"),
        Ok(Some(b"1".to_vec()))
    );
}

/// Replaces bytes of an archive, everywhere or in the last place alone.
fn patched(archive: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = archive
        .windows(old.len())
        .rposition(|bytes| bytes == old)
        .expect("bytes to replace");
    [&archive[..at], new, &archive[at + old.len()..]].concat()
}

#[test]
fn archives_that_contradict_themselves_are_damaged() {
    let corrupt = |archive: &[u8], what: &str| {
        let damaged = opened(archive);
        assert!(
            matches!(damaged, Err(Error::Corrupt { .. })),
            "{what}: {:?}",
            damaged.map(|_| ())
        );
    };
    let deflated = Packing {
        deflated: true,
        ..Packing::default()
    };
    let archive = pack(&[("one", b"11111"), ("two", b"22222")], Packing::default());
    corrupt(b"", "nothing");
    corrupt(&vec![0; 100_000], "zeros");
    corrupt(&archive[..archive.len() - 1], "an end that is cut");
    corrupt(
        &patched(&archive, b"PK\x01\x02", b"PK\x01\x03"),
        "an entry without its mark",
    );
    let size = |bytes: u32| [&bytes.to_le_bytes()[..], &bytes.to_le_bytes()[..], &b"\x03\0"[..]].concat();
    corrupt(
        &patched(&archive, &size(5), &size(5000)),
        "an object larger than the file",
    );
    let sizes = |stored: u32, bytes: u32| [&stored.to_le_bytes()[..], &bytes.to_le_bytes(), &b"\x03\0"[..]].concat();
    corrupt(
        &patched(&archive, &sizes(5, 5), &sizes(5, 6)),
        "a stored object of another size",
    );
    // The second entry is led to the first one's header: a small archive of large objects.
    let end = archive.len() - END;
    let mut overlapping = archive.clone();
    let second = archive[..end]
        .windows(4)
        .rposition(|bytes| bytes == b"PK\x01\x02")
        .expect("an entry");
    overlapping[second + 42..second + 46].fill(0);
    corrupt(&overlapping, "entries that share bytes");
    let mut fewer = archive.clone();
    fewer[end + 8] = 1;
    fewer[end + 10] = 1;
    corrupt(&fewer, "fewer entries than there are");
    let mut outside = archive.clone();
    outside[end + 16..end + 20].copy_from_slice(&u32::MAX.to_le_bytes());
    corrupt(&outside, "a directory behind the end");
    let mut large = archive.clone();
    large[end + 12..end + 16].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    corrupt(&large, "a directory larger than the file");
    let bomb = pack(&[("k", &vec![0; 1_000_000])], deflated);
    let stored = opened(&bomb).expect("an archive").0.entries["k"].stored_bytes as u32;
    let swollen = patched(
        &bomb,
        &[&stored.to_le_bytes()[..], &1_000_000_u32.to_le_bytes()].concat(),
        &[&stored.to_le_bytes()[..], &0x7000_0000_u32.to_le_bytes()].concat(),
    );
    corrupt(&swollen, "more bytes than deflate can give");
}

const END: usize = 22;

#[test]
fn objects_that_are_damaged_fail_alone_and_leave_the_buffer_as_it_was() {
    let value: Vec<u8> = (0..200_000_u32)
        .map(|number| (number.wrapping_mul(number) >> 7) as u8)
        .collect();
    let fails = |archive: &[u8], what: &str| {
        let store = opened(archive).expect("an archive");
        let mut bytes = b"kept".to_vec();
        let failed = store.get("k", Range::All, &mut bytes).expect_err(what);
        assert!(
            matches!(&failed, Error::Corrupt { key, .. } if key == "k"),
            "{what}: {failed}"
        );
        assert_eq!(bytes, b"kept", "{what}");
        assert_eq!(all(&store, "good"), Ok(Some(b"good".to_vec())), "{what}");
        failed.to_string()
    };
    for deflated in [false, true] {
        let packing = Packing {
            deflated,
            ..Packing::default()
        };
        let archive = pack(&[("k", &value), ("good", b"good")], packing);
        let mut flipped = archive.clone();
        flipped[10_000] ^= 1;
        fails(&flipped, "a bit that is another");
        let mut header = archive.clone();
        header[0] = b'Q';
        assert!(fails(&header, "no header").contains("header"));
        let mut long = archive.clone();
        long[26..30].fill(0xff);
        fails(&long, "a header that leads elsewhere");
    }
    let deflated = pack(
        &[("k", &value), ("good", b"good")],
        Packing {
            deflated: true,
            ..Packing::default()
        },
    );
    let bytes = |bytes: u32| bytes.to_le_bytes();
    let said = |change: i32| patched(&deflated, &bytes(200_000), &bytes((200_000 + change) as u32));
    assert!(fails(&said(-1), "more bytes than it says").contains("more than its size"));
    assert!(fails(&said(1), "fewer bytes than it says").contains("200000 bytes and not to 200001"));
    let plain = pack(&[("k", b"1"), ("good", b"good")], Packing::default());
    let at = plain
        .windows(4)
        .position(|bytes| bytes == b"PK\x01\x02")
        .expect("an entry");
    let mut encrypted = plain.clone();
    encrypted[at + 8] |= 1;
    assert!(fails(&encrypted, "encrypted").contains("encrypted"));
    let mut other = plain;
    other[at + 10] = 93;
    assert!(fails(&other, "zstd in a zip").contains("method 93"));
}

/// Archives are changed at random, a few bytes at a time: whatever they then say, it ends in an answer.
#[test]
fn no_archive_however_damaged_ends_the_process() {
    let value: Vec<u8> = (0..5000_u32).map(|number| ((number * number) >> 5) as u8).collect();
    let objects: [(&str, &[u8]); 4] = [
        ("a/zarr.json", b"{}"),
        ("a/c/0", &value),
        ("a/c/1", &[7; 3000]),
        ("b/", b""),
    ];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below.max(1) as u64) as usize
    };
    let (mut opens, mut reads) = (0, 0);
    for round in 0..12_000_u32 {
        let packing = Packing {
            deflated: round & 1 > 0,
            descriptors: round & 2 > 0,
            numbers: Form::of(round & 4 == 0, round & 8 > 0),
            before: b"before",
            comment: b"comment",
        };
        let mut archive = pack(&objects, packing);
        for _ in 0..=random(4) {
            // Where the numbers are: in the directory and behind it, most of the time.
            let from = if random(4) > 0 {
                archive.len() - archive.len().min(400)
            } else {
                0
            };
            let at = from + random(archive.len() - from);
            match random(6) {
                0 => archive.truncate(at),
                1 => archive.insert(at, random(256) as u8),
                2 if at < archive.len() => {
                    archive.remove(at);
                }
                3 => archive[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff),
                4 => archive[at..].iter_mut().take(4).for_each(|byte| *byte = 0),
                _ => archive[at..]
                    .iter_mut()
                    .take(1)
                    .for_each(|byte| *byte = random(256) as u8),
            }
        }
        let Ok(store) = opened_as(&archive, round & 16 > 0) else {
            continue;
        };
        opens += 1;
        let mut keys = Vec::new();
        store
            .list("", &mut |key, bytes| {
                assert!(bytes <= (archive.len() as u64) << 20);
                keys.push(key.to_owned());
                true
            })
            .expect("a listing");
        let mut many = vec![None; keys.len()];
        store.get_many(&keys, &mut |place, answer| {
            many[place] = Some(answer);
            true
        });
        for (key, among_many) in keys.into_iter().zip(many) {
            let mut bytes = Vec::new();
            let whole = store.get(&key, Range::All, &mut bytes);
            let alone = whole.clone().map(|_| Some(bytes.clone()));
            match among_many.expect("an answer") {
                Ok(answer) => assert_eq!(Ok(answer), alone),
                Err(_) => assert!(alone.is_err()),
            }
            let mut last = Vec::new();
            let part = store.get(&key, Range::Last(100), &mut last);
            if whole.is_ok() {
                part.expect("a part of what could be read");
                assert!(bytes.ends_with(&last) && bytes.len() <= archive.len() * 1032);
                reads += 1;
            }
            let _ = store
                .open(&key)
                .map(|object| object.map(|object| object.append_at(0, object.bytes(), &mut bytes)));
        }
    }
    assert!(
        opens > 500 && reads > 500,
        "{opens} archives could be opened still, {reads} objects read"
    );
}

/// Nothing but zeros, and records at its end.
struct Sparse {
    bytes: u64,
    end: Vec<u8>,
}

impl Object for Sparse {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn version(&self) -> Version {
        Version::counter(0)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        let start = self.bytes - self.end.len() as u64;
        for (at, byte) in (offset..).zip(into) {
            *byte = at.checked_sub(start).map_or(0, |at| self.end[at as usize]);
        }
        Ok(())
    }

    fn is_current(&self) -> bool {
        true
    }
}

#[test]
fn numbers_beyond_four_gigabytes_come_back_as_they_were_written() {
    let (large, small) = (5_u64 << 30, 3_u64);
    let said = |name, bytes| Said {
        name,
        bytes,
        stored_bytes: bytes,
        crc: 7,
        words: (0, 0),
    };
    let (first, second) = (said("large", large), said("small", small));
    let second_at = first.header_bytes() + large;
    let directory_at = second_at + second.header_bytes() + small;
    let mut end = Vec::new();
    first.entry(0, &mut end);
    second.entry(second_at, &mut end);
    let directory_bytes = end.len() as u64;
    records::end(2, directory_at, directory_bytes, false, b"said", &mut end);
    let sparse = Sparse {
        bytes: directory_at + end.len() as u64,
        end,
    };
    let zip = Zip::of(Arc::new(sparse), "sparse".to_owned(), true).expect("an archive");
    assert_eq!(zip.0.comment, b"said");
    let found = |key: &str| zip.0.entries.get(key).map(|entry| (entry.header, entry.bytes));
    assert_eq!(found("large"), Some((0, large)));
    assert_eq!(found("small"), Some((second_at, small)));
}
