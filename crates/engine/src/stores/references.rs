//! A hierarchy whose chunks lie in other objects, and a table for each array that says where.
//!
//! Documents, and chunks that the tables do not lead to, are another store's to answer. A table is asked for when the first chunk of its
//! array is: a chunk it does not name was never written, and costs no request.

mod table;

use std::collections::HashMap;
use std::sync::Arc;

use self::table::{Place, chunk_of};
pub use self::table::{Reference, Table};
use crate::store::{Error, Found, Object, Put, Range, Result, Store, Version};
use crate::stores::keys::{check_key, join};
use crate::sync::Mutex;

/// Gives the table of an array by its path; `None` when the other store is to answer for its chunks.
pub type Load = dyn Fn(&str) -> Result<Option<Table>> + Send + Sync;

/// An array's table, once it was asked for.
type Slot = Arc<Mutex<Option<Option<Arc<Table>>>>>;

/// A hierarchy and the objects that its chunks lie in. Only read.
pub struct References {
    rest: Arc<dyn Store>,
    objects: Arc<dyn Store>,
    folder: String,
    load: Box<Load>,
    tables: Mutex<HashMap<String, Slot>>,
}

/// Where the answer for a key is.
enum Lies {
    /// In the other store.
    Rest,
    /// Nowhere: the chunk was never written.
    Nowhere,
    At(Place),
}

impl References {
    /// A hierarchy whose documents `rest` keeps and whose chunks lie in `objects`, below `folder`.
    pub fn new(rest: Arc<dyn Store>, objects: Arc<dyn Store>, folder: &str, load: Box<Load>) -> Self {
        Self {
            rest,
            objects,
            folder: folder.to_owned(),
            load,
            tables: Mutex::default(),
        }
    }

    fn table(&self, array: &str) -> Result<Option<Arc<Table>>> {
        let slot = Arc::clone(self.tables.lock().entry(array.to_owned()).or_default());
        // One thread loads; the others of the same array wait for it.
        let mut held = slot.lock();
        if let Some(table) = &*held {
            return Ok(table.clone());
        }
        let table = (self.load)(array)?.map(Arc::new);
        Ok(held.insert(table).clone())
    }

    fn lies(&self, key: &str) -> Result<Lies> {
        check_key(key)?;
        let Some((array, chunk)) = chunk_of(key) else {
            return Ok(Lies::Rest);
        };
        let Some(table) = self.table(array)? else {
            return Ok(Lies::Rest);
        };
        Ok(match table.find(&chunk) {
            None => Lies::Nowhere,
            Some(Reference::Elsewhere) => Lies::Rest,
            Some(found) => Lies::At(found.place(&self.folder)),
        })
    }

    /// Appends a range of what lies at a place, and says how many bytes lie there.
    fn read(&self, key: &str, place: &Place, range: Range, into: &mut Vec<u8>) -> Result<u64> {
        let (object, offset, bytes) = match place {
            Place::Here(here) => {
                let (start, stop) = range.within(here.len() as u64);
                into.extend_from_slice(&here[start as usize..stop as usize]);
                return Ok(here.len() as u64);
            }
            Place::Object { key, offset, bytes } => (key, *offset, *bytes),
        };
        let (start, stop) = range.within(bytes);
        if start == stop {
            return Ok(bytes);
        }
        let before = into.len();
        let asked = Range::FromTo(offset + start, offset + stop);
        let found = self.objects.get(object, asked, into)?;
        let got = (into.len() - before) as u64;
        if found.is_none() || got != stop - start {
            into.truncate(before);
            return Err(damaged(key, object, found.is_some().then_some(got), stop - start));
        }
        Ok(bytes)
    }

    fn refused<T>(&self) -> Result<T> {
        Err(Error::ReadOnly { url: self.url() })
    }
}

/// A chunk whose object is not what its table says.
fn damaged(key: &str, object: &str, got: Option<u64>, want: u64) -> Error {
    Error::corrupt(
        key,
        match got {
            None => format!("the chunk lies in {object}, which is missing"),
            Some(got) => format!("the chunk lies in {object}, which gave {got} bytes where {want} belong to it"),
        },
    )
}

/// A chunk as an object: a part of another one.
struct Part {
    object: Arc<dyn Object>,
    offset: u64,
    bytes: u64,
}

impl Object for Part {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn version(&self) -> Version {
        self.object.version()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        if offset.checked_add(into.len() as u64).is_none_or(|end| end > self.bytes) {
            return Err(Error::corrupt("", "a read reaches beyond the chunk"));
        }
        self.object.read_at(self.offset + offset, into)
    }

    fn is_current(&self) -> bool {
        self.object.is_current()
    }

    fn in_memory(&self) -> Option<&[u8]> {
        let whole = self.object.in_memory()?;
        let start = usize::try_from(self.offset).ok()?;
        whole.get(start..start.checked_add(usize::try_from(self.bytes).ok()?)?)
    }
}

/// A chunk that lies in its table.
struct Here(Arc<[u8]>);

impl Object for Here {
    fn bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn version(&self) -> Version {
        Version::tag("")
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = start.checked_add(into.len()).and_then(|end| self.0.get(start..end));
        into.copy_from_slice(found.ok_or_else(|| Error::corrupt("", "a read reaches beyond the chunk"))?);
        Ok(())
    }

    fn is_current(&self) -> bool {
        true
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(&self.0)
    }
}

impl Store for References {
    fn url(&self) -> String {
        self.rest.url()
    }

    fn identity(&self) -> &str {
        self.rest.identity()
    }

    fn is_local(&self) -> bool {
        self.objects.is_local()
    }

    fn read_only(&self) -> bool {
        true
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        let place = match self.lies(key)? {
            Lies::Rest => return self.rest.get(key, range, into),
            Lies::Nowhere => return Ok(None),
            Lies::At(place) => place,
        };
        let bytes = self.read(key, &place, range, into)?;
        Ok(Some(Found {
            object_bytes: Some(bytes),
            version: None,
        }))
    }

    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        let (mut rest, mut whole) = (Vec::new(), Vec::new());
        for (at, key) in keys.iter().enumerate() {
            let answer = match self.lies(key) {
                Ok(Lies::Rest) => {
                    rest.push((at, key.clone()));
                    continue;
                }
                Ok(Lies::At(Place::Object {
                    key: object,
                    offset: 0,
                    bytes,
                })) => {
                    whole.push((at, object, bytes));
                    continue;
                }
                Ok(Lies::At(place)) => {
                    let mut into = Vec::new();
                    self.read(key, &place, Range::All, &mut into).map(|_| Some(into))
                }
                Ok(Lies::Nowhere) => Ok(None),
                Err(error) => Err(error),
            };
            if !each(at, answer) {
                return;
            }
        }
        let mut go_on = true;
        let objects: Vec<String> = whole.iter().map(|(_, object, _)| object.clone()).collect();
        if !objects.is_empty() {
            self.objects.get_many(&objects, &mut |place, answer| {
                let (at, object, bytes) = &whole[place];
                let answer = answer.and_then(|found| match found {
                    Some(found) if found.len() as u64 == *bytes => Ok(Some(found)),
                    found => Err(damaged(
                        &keys[*at],
                        object,
                        found.map(|found| found.len() as u64),
                        *bytes,
                    )),
                });
                go_on = each(*at, answer);
                go_on
            });
        }
        if go_on && !rest.is_empty() {
            let asked: Vec<String> = rest.iter().map(|(_, key)| key.clone()).collect();
            self.rest
                .get_many(&asked, &mut |place, answer| each(rest[place].0, answer));
        }
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        self.open_part(key, Range::FromTo(0, 1))
    }

    fn open_part(&self, key: &str, part: Range) -> Result<Option<Arc<dyn Object>>> {
        let (object, offset, bytes) = match self.lies(key)? {
            Lies::Rest => return self.rest.open_part(key, part),
            Lies::Nowhere => return Ok(None),
            Lies::At(Place::Here(here)) => return Ok(Some(Arc::new(Here(here)))),
            Lies::At(Place::Object { key, offset, bytes }) => (key, offset, bytes),
        };
        let (start, stop) = part.within(bytes);
        let wanted = Range::FromTo(offset + start, offset + stop);
        let Some(opened) = self.objects.open_part(&object, wanted)? else {
            return Err(damaged(key, &object, None, bytes));
        };
        if opened.bytes() < offset + bytes {
            return Err(damaged(
                key,
                &object,
                Some(opened.bytes().saturating_sub(offset)),
                bytes,
            ));
        }
        Ok(Some(Arc::new(Part {
            object: opened,
            offset,
            bytes,
        })))
    }

    fn put(&self, _key: &str, _parts: &[&[u8]], _how: Put) -> Result<bool> {
        self.refused()
    }

    fn delete(&self, _key: &str) -> Result<()> {
        self.refused()
    }

    fn delete_prefix(&self, _prefix: &str) -> Result<u64> {
        self.refused()
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        self.rest.list(prefix, each)
    }

    fn list_keys(&self, prefix: &str, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        self.rest.list_keys(prefix, each)
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        self.rest.list_dir(prefix)
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        Ok(match self.lies(key)? {
            Lies::Rest => return self.rest.size(key),
            Lies::Nowhere => None,
            Lies::At(Place::Here(here)) => Some(here.len() as u64),
            Lies::At(Place::Object { bytes, .. }) => Some(bytes),
        })
    }

    fn move_prefix(&self, _from: &str, _to: &str) -> Result<()> {
        self.refused()
    }

    fn close(&self) -> Result<()> {
        self.rest.close()
    }
}

/// The key of an object in a folder.
fn in_folder(folder: &str, name: &str) -> String {
    join(folder, name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::Memory;

    fn id(name: &str) -> [u8; 20] {
        let mut id = [b'0'; 20];
        id[..name.len()].copy_from_slice(name.as_bytes());
        id
    }

    fn at(name: &str, offset: u64, bytes: u64) -> Reference {
        let id = id(name);
        Reference::Object { id, offset, bytes }
    }

    fn store() -> References {
        let rest = Memory::with_objects([("a/doc", &b"{}"[..]), ("a/c/1/1", &b"far"[..])]).unwrap();
        let names = ["chunks/A0000000000000000000", "chunks/B0000000000000000000"];
        let objects = Memory::with_objects([(names[0], &b"12345"[..]), (names[1], &b"xx67xx"[..])]).unwrap();
        let load = |array: &str| {
            if array != "a" {
                return Ok(None);
            }
            let chunks = vec![1, 0, 0, 0, 0, 1, 1, 1, 2, 2];
            let there = vec![
                at("B", 2, 2),
                at("A", 0, 5),
                Reference::Inline(b"here"[..].into()),
                Reference::Elsewhere,
                at("GONE", 0, 9),
            ];
            Table::new(2, &chunks, there).map(Some)
        };
        References::new(Arc::new(rest), Arc::new(objects), "chunks", Box::new(load))
    }

    fn got(key: &str, range: Range) -> Result<Option<Vec<u8>>> {
        let mut into = Vec::new();
        store().get(key, range, &mut into).map(|found| found.map(|_| into))
    }

    #[test]
    fn each_kind_of_reference_is_read() {
        for (key, wanted) in [
            ("a/c/0/0", Some(&b"12345"[..])),
            ("a/c/1/0", Some(b"67")),
            ("a/c/0/1", Some(b"here")),
            ("a/c/1/1", Some(b"far")),
            ("a/c/1/2", None),
            ("a/c/7/7", None),
            ("a/doc", Some(b"{}")),
            ("b/c/0", None),
        ] {
            assert_eq!(got(key, Range::All).unwrap().as_deref(), wanted, "{key}");
        }
        assert_eq!(got("a/c/1/0", Range::Last(1)).unwrap().unwrap(), b"7");
        assert_eq!(got("a/c/0/1", Range::FromTo(1, 99)).unwrap().unwrap(), b"ere");
        assert_eq!(store().size("a/c/1/0").unwrap(), Some(2));
    }

    #[test]
    fn a_chunk_whose_object_is_gone_is_no_fill() {
        assert!(matches!(got("a/c/2/2", Range::All), Err(Error::Corrupt { .. })));
        assert!(matches!(store().open("a/c/2/2"), Err(Error::Corrupt { .. })));
    }

    #[test]
    fn many_are_answered_each_in_its_place() {
        let keys: Vec<String> = ["a/c/1/0", "a/doc", "a/c/0/0", "a/c/5/5", "a/c/0/1"]
            .map(str::to_owned)
            .into();
        let mut answers = vec![None; keys.len()];
        store().get_many(&keys, &mut |at, answer| {
            answers[at] = answer.unwrap();
            true
        });
        let wanted = [Some(&b"67"[..]), Some(b"{}"), Some(b"12345"), None, Some(b"here")];
        assert_eq!(answers.iter().map(Option::as_deref).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn an_open_chunk_is_its_part_and_no_more() {
        let object = store().open_part("a/c/1/0", Range::Last(1)).unwrap().unwrap();
        assert_eq!(object.bytes(), 2);
        let mut two = [0; 2];
        object.read_at(0, &mut two).unwrap();
        assert_eq!(&two, b"67");
        assert!(object.read_at(1, &mut two).is_err());
    }
}
