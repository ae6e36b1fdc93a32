//! Object stores on a network: S3, Google Cloud, Azure and plain HTTP.
//!
//! Signing and the dialects are the crate `object_store`'s. What is here: one runtime a process with a bound on the requests in
//! flight, retries, reads that ask for nothing twice, and what the contract says of conditions and of missing keys.

mod answer;
pub mod counted;
mod delete;
mod failures;
mod fetching;
mod lending;
mod many;
mod missing;
mod network;
mod objects;
mod pace;
mod putting;
mod rules;
mod settings;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use self::failures::failed;
use self::fetching::Fetched;
use self::missing::Proof;
use self::network::network;
use self::objects::RemoteObject;
pub use self::rules::{Lend, Lent, Rules, Sign, Signed};
pub use self::settings::Settings;
use crate::store::{Error, Found, Later, Object, Put, Range, Result, Safety, Store, Version, Way, named};
use crate::stores::keys::{below, check_key, check_move, check_prefix, move_by_copy};
use crate::sync::Mutex;

/// Deletes of one prefix that are handed over at once; a server's batch is at most 1,000 keys.
const DELETES: usize = 1000;

/// A bucket, a container or a web server.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// Made anew in a forked child: the parent's connections are not its own.
    client: Mutex<Option<(u32, Arc<dyn ObjectStore>)>>,
    /// Whether other keys can be read.
    proof: Proof,
    /// The server does not count from the end.
    no_suffix: AtomicBool,
    /// Whether the server was met to refuse deletions of many objects.
    deletes_singly: AtomicBool,
    /// What is known of conditional puts here; each finding is final.
    safety: Mutex<Safety>,
    /// Held by who tries them out.
    proving: Mutex<()>,
}

impl Remote {
    /// The place that a URL names.
    ///
    /// # Errors
    /// [`Error::Io`] for a URL or a setting that no store of the kind takes.
    pub fn new(settings: Settings) -> Result<Self> {
        let safety = if settings.keeps_conditions() {
            Safety::Conditions
        } else {
            Safety::Unproven
        };
        let store = Self(Arc::new(Inner {
            safety: Mutex::new(safety),
            proving: Mutex::default(),
            settings,
            client: Mutex::new(None),
            proof: Proof::default(),
            no_suffix: AtomicBool::new(false),
            deletes_singly: AtomicBool::new(false),
        }));
        store.client()?;
        Ok(store)
    }

    fn client(&self) -> Result<Arc<dyn ObjectStore>> {
        let process = std::process::id();
        let mut held = self.0.client.lock();
        if let Some((owner, client)) = &*held
            && *owner == process
        {
            return Ok(Arc::clone(client));
        }
        let client = counted::Counted::of(self.0.settings.build(self.0.deletes_singly.load(Ordering::Relaxed))?);
        // A parent's client is not dropped here: its connections belong to a runtime that does not live.
        if let Some(parents) = held.replace((process, Arc::clone(&client))) {
            std::mem::forget(parents);
        }
        Ok(client)
    }

    fn writable(&self) -> Result<()> {
        if self.read_only() {
            return Err(Error::ReadOnly { url: self.url() });
        }
        Ok(())
    }

    /// Asks for a range and gives its bytes; `None` when there is no such key.
    fn fetch(&self, key: &str, range: Range, only: Option<&str>) -> Result<Option<Fetched>> {
        let (path, client) = (checked(key)?, self.client()?);
        let (store, key, only) = (self.clone(), key.to_owned(), only.map(str::to_owned));
        // On the runtime's own thread: this one wakes once, when all is there.
        network().wait_for(async move {
            store
                .fetched(client.as_ref(), &key, &path, range, only.as_deref())
                .await
        })
    }

    /// As `fetch`, without waiting.
    fn fetch_later(
        &self,
        key: &str,
        range: Range,
        only: Option<&str>,
        then: impl FnOnce(Result<Option<Fetched>>) + Send + 'static,
    ) -> Option<Way> {
        let (path, client) = match checked(key).and_then(|path| Ok((path, self.client()?))) {
            Ok(ready) => ready,
            Err(error) => {
                then(Err(error));
                return None;
            }
        };
        let (store, key, only) = (self.clone(), key.to_owned(), only.map(str::to_owned));
        Some(network().begin(async move {
            let answer = store.fetched(client.as_ref(), &key, &path, range, only.as_deref());
            then(answer.await);
        }))
    }
}

/// Adds what came to a buffer; to an empty one without a copy.
fn append(into: &mut Vec<u8>, came: Bytes) {
    if into.is_empty() {
        *into = came.into();
    } else {
        into.extend_from_slice(&came);
    }
}

/// A key as the dialects take it.
fn path(key: &str) -> Result<Path> {
    Path::parse(key).map_err(|why| Error::refused(key, why.to_string()))
}

/// As `path`, of a key that a store takes.
fn checked(key: &str) -> Result<Path> {
    check_key(key)?;
    path(key)
}

impl Store for Remote {
    fn url(&self) -> String {
        self.0.settings.url.clone()
    }

    fn identity(&self) -> &str {
        &self.0.settings.identity
    }

    fn is_local(&self) -> bool {
        false
    }

    fn read_only(&self) -> bool {
        self.0.settings.read_only
    }

    fn reads_ahead(&self) -> bool {
        true
    }

    fn safety(&self) -> Safety {
        *self.0.safety.lock()
    }

    fn prove(&self, key: &str, parts: &[&[u8]]) -> Result<Safety> {
        self.proving(key, parts)
    }

    fn get(&self, key: &str, range: Range, into: &mut Vec<u8>) -> Result<Option<Found>> {
        let Some(fetched) = self.fetch(key, range, None)? else {
            return Ok(None);
        };
        append(into, fetched.bytes);
        Ok(Some(Found {
            object_bytes: Some(fetched.object_bytes),
            version: fetched.version,
        }))
    }

    fn get_with(&self, key: &str, range: Range, each: &mut dyn FnMut(&[u8], &Found)) -> Result<Option<Found>> {
        let Some(fetched) = self.fetch(key, range, None)? else {
            return Ok(None);
        };
        let found = Found {
            object_bytes: Some(fetched.object_bytes),
            version: fetched.version,
        };
        each(&fetched.bytes, &found);
        Ok(Some(found))
    }

    fn answers_later(&self) -> bool {
        true
    }

    fn get_later(&self, key: &str, range: Range, then: Later<Option<(Bytes, Found)>>) -> Option<Way> {
        self.fetch_later(key, range, None, move |answer| {
            then(answer.map(|fetched| {
                fetched.map(|fetched| {
                    let found = Found {
                        object_bytes: Some(fetched.object_bytes),
                        version: fetched.version,
                    };
                    (fetched.bytes, found)
                })
            }));
        })
    }

    fn get_versioned(&self, key: &str, into: &mut Vec<u8>) -> Result<Option<Version>> {
        let Some(fetched) = self.fetch(key, Range::All, None)? else {
            return Ok(None);
        };
        let version = named(fetched.version, key)?;
        append(into, fetched.bytes);
        Ok(Some(version))
    }

    fn knows_versions(&self) -> bool {
        true
    }

    fn version(&self, key: &str) -> Result<Option<Version>> {
        let (path, client) = (checked(key)?, self.client()?);
        network().wait(async {
            match client.head(&path).await {
                Ok(meta) => Ok(Some(Version::tag(meta.e_tag.as_deref().unwrap_or_default()))),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(failed(key, &error)),
            }
        })
    }

    fn get_ranges(&self, key: &str, ranges: &[Range], each: &mut dyn FnMut(usize, Vec<u8>) -> bool) -> Result<bool> {
        self.getting_ranges(key, ranges, each)
    }

    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        self.getting_many(keys, each);
    }

    fn open(&self, key: &str) -> Result<Option<Arc<dyn Object>>> {
        self.open_part(key, Range::FromTo(0, 1))
    }

    fn open_part(&self, key: &str, part: Range) -> Result<Option<Arc<dyn Object>>> {
        let fetched = self.fetch(key, part, None)?;
        Ok(fetched.map(|fetched| Arc::new(RemoteObject::new(self.clone(), key, fetched)) as Arc<dyn Object>))
    }

    fn put(&self, key: &str, parts: &[&[u8]], how: Put) -> Result<bool> {
        let parts = parts.iter().map(|part| Bytes::copy_from_slice(part)).collect();
        network().wait(self.putting(key, parts, how)?)
    }

    fn takes_later(&self) -> bool {
        true
    }

    fn put_later(&self, key: &str, parts: Vec<Bytes>, how: Put, then: Later<bool>) {
        match self.putting(key, parts, how) {
            Ok(putting) => network().send(async move { then(putting.await) }),
            Err(error) => then(Err(error)),
        }
    }

    fn put_many(&self, items: &[(String, &[u8])], each: &mut dyn FnMut(usize, Result<()>) -> bool) {
        self.putting_many(items, each);
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.writable()?;
        let _changing = self.changing(key);
        delete::all(self, vec![checked(key)?]).map(drop)
    }

    fn delete_many(&self, keys: &[String]) -> Result<()> {
        self.writable()?;
        let paths: Vec<_> = keys.iter().map(|key| checked(key)).collect::<Result<_>>()?;
        let _changing: Vec<_> = keys.iter().map(|key| self.changing(key)).collect();
        delete::all(self, paths).map(drop)
    }

    fn copy_from(&self, source: &dyn Store, from: &str, to: &str) -> Result<Option<bool>> {
        // Servers copy within a bucket: what lies elsewhere passes through this process.
        let name = format!("{}/{from}", source.identity());
        let Some(within) = name
            .strip_prefix(self.identity())
            .and_then(|rest| rest.strip_prefix('/'))
        else {
            return Ok(None);
        };
        self.writable()?;
        let _changing = self.changing(to);
        let (within, to_path, client) = (checked(within)?, checked(to)?, self.client()?);
        network().wait(async {
            match client.copy(&within, &to_path).await {
                Ok(()) => Ok(Some(true)),
                Err(object_store::Error::NotFound { .. }) => Ok(Some(false)),
                // Servers that know no copies say so in many ways, and the handle of the source may see what this one does not:
                // if it is more than that, reading or writing says it again.
                Err(_) => Ok(None),
            }
        })
    }

    fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        self.writable()?;
        let _changing = self.changing(prefix);
        let mut keys = Vec::new();
        self.list(prefix, &mut |key, _| {
            keys.push(key.to_owned());
            true
        })?;
        keys.sort_by_cached_key(|key| key.matches('/').count());
        let mut deleted = 0;
        // One batch after another: those of one stream go at the same time.
        for batch in keys.chunks(DELETES) {
            let paths: Vec<_> = batch.iter().map(|key| path(key)).collect::<Result<_>>()?;
            deleted += delete::all(self, paths)?;
        }
        Ok(deleted)
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<()> {
        let prefix = check_prefix(prefix)?;
        let (path, client) = (path(prefix)?, self.client()?);
        network().wait(async {
            let mut found = client.list(Some(&path));
            while let Some(meta) = found.try_next().await.map_err(|error| self.unlisted(prefix, &error))? {
                let key = meta.location.as_ref();
                // A "directory" that a browser of buckets made is an empty object named like the prefix itself.
                if below(key, prefix).is_some() && check_key(key).is_ok() && !each(key, meta.size) {
                    break;
                }
            }
            Ok(())
        })
    }

    fn list_dir(&self, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
        let prefix = check_prefix(prefix)?;
        let (path, client) = (path(prefix)?, self.client()?);
        let found = network().wait(async {
            let found = client.list_with_delimiter(Some(&path)).await;
            found.map_err(|error| self.unlisted(prefix, &error))
        })?;
        let name = |path: &Path| {
            below(path.as_ref(), prefix)
                .filter(|name| !name.is_empty() && !name.contains('/'))
                .map(str::to_owned)
        };
        let mut keys: Vec<_> = found.objects.iter().filter_map(|meta| name(&meta.location)).collect();
        let mut prefixes: Vec<_> = found.common_prefixes.iter().filter_map(name).collect();
        keys.sort_unstable();
        prefixes.sort_unstable();
        Ok((keys, prefixes))
    }

    fn size(&self, key: &str) -> Result<Option<u64>> {
        let (path, client) = (checked(key)?, self.client()?);
        network().wait(async {
            match client.head(&path).await {
                Ok(meta) => Ok(Some(meta.size)),
                Err(error) => self.missing(client.as_ref(), key, &error).await.map(|()| None),
            }
        })
    }

    fn move_prefix(&self, from: &str, to: &str) -> Result<()> {
        self.writable()?;
        let (from, to) = check_move(from, to)?;
        move_by_copy(self, from, to)
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}
