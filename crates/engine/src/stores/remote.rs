//! Object stores on a network: S3, Google Cloud, Azure and plain HTTP.
//!
//! Signing and the dialects are the crate `object_store`'s. What is here: one runtime a process with a bound on the requests in
//! flight, retries, reads that ask for nothing twice, and what the contract says of conditions and of missing keys.

mod answer;
pub mod counted;
mod delete;
mod fetching;
mod lending;
mod missing;
mod network;
mod objects;
mod pace;
mod rules;
mod settings;
mod wire;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use self::fetching::{Fetched, update};
use self::missing::Proof;
use self::network::{Network, network};
use self::objects::RemoteObject;
use self::rules::Missing;
pub use self::rules::{Lend, Lent, Rules, Sign, Signed};
pub use self::settings::Settings;
use self::wire::{Doubt, Refusal};
use crate::handles::name;
use crate::runtime::runtime;
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

    /// An object is changed here: what was read of it ahead is old when this is dropped.
    fn changing(&self, key: &str) -> Changing {
        Changing(name(self.identity(), key))
    }

    /// Why a prefix cannot be listed.
    fn unlisted(&self, prefix: &str, error: &object_store::Error) -> Error {
        let is_web = self.0.settings.url.starts_with("http");
        match refusal(error).map(|refusal| (refusal.status, &refusal.why)) {
            Some((Some(400 | 403..=405 | 501), why)) if is_web => Error::Io {
                key: prefix.to_owned(),
                errno: None,
                why: format!(
                    "a plain web server does not list what it holds ({why}); \
                     open arrays and groups by their paths, or a hierarchy that is consolidated"
                ),
            },
            _ => failed(prefix, error),
        }
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

    /// Puts an object.
    fn putting(
        &self,
        key: &str,
        parts: Vec<Bytes>,
        how: Put,
    ) -> Result<impl Future<Output = Result<bool>> + Send + 'static> {
        self.writable()?;
        let (path, client) = (checked(key)?, self.client()?);
        let mode = match &how {
            Put::Always => PutMode::Overwrite,
            Put::IfAbsent => PutMode::Create,
            Put::IfVersion(version) => PutMode::Update(update(version)),
        };
        let changing = self.changing(key);
        let doubt = Doubt::default();
        let mut options = PutOptions::from(mode);
        options.extensions.insert(doubt.clone());
        let (store, key) = (self.clone(), key.to_owned());
        let payload: PutPayload = parts.iter().cloned().collect();
        Ok(async move {
            let _changing = changing;
            match client.put_opts(&path, payload, options).await {
                Ok(_) => Ok(true),
                // An answer was lost on the way: perhaps the object that is there is this one.
                Err(
                    object_store::Error::AlreadyExists { .. }
                    | object_store::Error::Precondition { .. }
                    | object_store::Error::NotFound { .. },
                ) if how != Put::Always && doubt.is_there() => {
                    let there = store.fetched(client.as_ref(), &key, &path, Range::All, None).await?;
                    Ok(there.is_some_and(|there| consists_of(&there.bytes, &parts)))
                }
                Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. })
                    if how != Put::Always =>
                {
                    Ok(false)
                }
                // The object that was to be replaced is gone.
                Err(object_store::Error::NotFound { .. }) if matches!(how, Put::IfVersion(_)) => Ok(false),
                Err(error) if how != Put::Always && refuses_conditions(&error) => {
                    *store.0.safety.lock() = Safety::Nothing;
                    Err(Error::Unsafe {
                        key,
                        why: "the server takes no conditional puts".into(),
                    })
                }
                Err(error) => Err(failed(&key, &error)),
            }
        })
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

/// Objects whose name begins with this are being changed.
struct Changing(String);

impl Drop for Changing {
    fn drop(&mut self) {
        runtime().ahead.forget_below(&self.0);
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

/// What a server, or the way to it, said; where the failure is not the dialect's own.
fn refusal(error: &object_store::Error) -> Option<&Refusal> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(found) = cause {
        if let Some(refusal) = found.downcast_ref::<Refusal>() {
            return Some(refusal);
        }
        cause = found.source();
    }
    None
}

/// A failure in the contract's words.
fn failed(key: &str, error: &object_store::Error) -> Error {
    let key = key.to_owned();
    let Some(refusal) = refusal(error) else {
        let why = said(error);
        return match error {
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Error::Permission { key, errno: None, why }
            }
            _ => Error::Io { key, errno: None, why },
        };
    };
    let why = refusal.why.clone();
    if refusal.who_am_i {
        let why = format!(
            "no credentials were found, and this machine lends none ({why}); \
             for public data pass storage_options={{\"anon\": True}}"
        );
        return Error::Permission { key, errno: None, why };
    }
    if missing::is_about_credentials(refusal) {
        let why = format!("{why}; the credentials are wrong or have ended");
        return Error::Permission { key, errno: None, why };
    }
    match refusal.status {
        Some(401 | 403) => Error::Permission { key, errno: None, why },
        _ => Error::Io { key, errno: None, why },
    }
}

/// Who was told to stop before all was answered hears of it in the place of an answer.
fn unanswered<T>(done: Result<()>, answered: &[bool], each: &mut dyn FnMut(usize, Result<T>) -> bool) {
    if let (Err(error), Some(place)) = (done, answered.iter().position(|answered| !answered)) {
        each(place, Err(error));
    }
}

/// Whether an object is made of these parts.
fn consists_of(object: &[u8], parts: &[Bytes]) -> bool {
    let mut rest = object;
    parts.iter().all(|part| match rest.strip_prefix(&part[..]) {
        Some(left) => {
            rest = left;
            true
        }
        None => false,
    }) && rest.is_empty()
}

/// Whether a server, or its settings, said that it knows no conditional puts.
fn refuses_conditions(error: &object_store::Error) -> bool {
    let own = matches!(
        error,
        object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }
    );
    own || refusal(error).is_some_and(|refusal| refusal.status == Some(501))
}

/// An error and what caused it, each said once.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(found) = cause {
        let words = found.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = found.source();
    }
    text
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
        self.writable()?;
        let (path, client) = (checked(key)?, self.client()?);
        let _proving = self.0.proving.lock();
        // Another thread was faster.
        if self.safety() != Safety::Unproven {
            return Ok(self.safety());
        }
        let payload: PutPayload = parts.iter().map(|part| Bytes::copy_from_slice(part)).collect();
        network().wait(async {
            let found = match client.put_opts(&path, payload, PutMode::Create.into()).await {
                Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                    Safety::Conditions
                }
                Err(error) if !refuses_conditions(&error) => return Err(failed(key, &error)),
                _ => Safety::Nothing,
            };
            *self.0.safety.lock() = found;
            Ok(found)
        })
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
        let (path, client) = (checked(key)?, self.client()?);
        network().wait(async {
            let mut answers = futures_util::stream::iter(ranges.iter().enumerate())
                .map(|(place, &range)| {
                    let (client, path) = (&client, &path);
                    async move { (place, self.fetched(client.as_ref(), key, path, range, None).await) }
                })
                .buffer_unordered(Network::MOST);
            while let Some((place, answer)) = answers.next().await {
                let Some(found) = answer? else { return Ok(false) };
                if !each(place, found.bytes.into()) {
                    break;
                }
            }
            Ok(true)
        })
    }

    fn get_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
        let client = match self.client() {
            Ok(client) => client,
            Err(error) => {
                for place in 0..keys.len() {
                    if !each(place, Err(error.clone())) {
                        return;
                    }
                }
                return;
            }
        };
        let may_wait = self.0.settings.rules.missing == Missing::Auto && keys.len() > 1;
        let mut answered = vec![false; keys.len()];
        let done = network().wait(async {
            let mut answers = futures_util::stream::iter(keys.iter().enumerate())
                .map(|(place, key)| {
                    let client = &client;
                    async move {
                        let path = match checked(key) {
                            Ok(path) => path,
                            Err(error) => return (place, Err(error)),
                        };
                        let answer = self.fetched(client.as_ref(), key, &path, Range::All, None).await;
                        (place, answer.map(|found| found.map(|found| found.bytes.into())))
                    }
                })
                .buffer_unordered(Network::MOST);
            let mut postponed = Vec::new();
            while let Some((place, answer)) = answers.next().await {
                // What the others of the batch prove is known when they have come.
                if may_wait && matches!(answer, Err(Error::Permission { .. })) {
                    postponed.push(place);
                    continue;
                }
                answered[place] = true;
                if !each(place, answer) {
                    return Ok(());
                }
            }
            for place in postponed {
                let key = &keys[place];
                let answer = self.fetched(client.as_ref(), key, &path(key)?, Range::All, None).await;
                answered[place] = true;
                if !each(place, answer.map(|found| found.map(|found| found.bytes.into()))) {
                    break;
                }
            }
            Ok(())
        });
        unanswered(done, &answered, each);
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
        if let Err(error) = self.writable() {
            for place in 0..items.len() {
                if !each(place, Err(error.clone())) {
                    return;
                }
            }
            return;
        }
        let mut answered = vec![false; items.len()];
        let done = network().wait(async {
            let mut answers = futures_util::stream::iter(items.iter().enumerate())
                .map(|(place, (key, value))| async move {
                    let done = async {
                        let (path, client) = (checked(key)?, self.client()?);
                        let _changing = self.changing(key);
                        let payload = PutPayload::from(Bytes::copy_from_slice(value));
                        let done = client.put(&path, payload).await;
                        done.map(drop).map_err(|error| failed(key, &error))
                    };
                    (place, done.await)
                })
                .buffer_unordered(Network::MOST);
            while let Some((place, answer)) = answers.next().await {
                answered[place] = true;
                if !each(place, answer) {
                    break;
                }
            }
            Ok(())
        });
        unanswered(done, &answered, each);
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
