//! One read of one object: the range that is wanted, in one request wherever the server lets it be.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt, UpdateVersion};

use super::Remote;
use super::failures::refusal;
use crate::store::{Error, Range, Result, Version};

/// Stands between the two words that Google's servers have for a version.
const AND: char = '\n';

/// Bytes of an object, and what the answer says of the whole.
pub struct Fetched {
    pub bytes: Bytes,
    /// Where they begin.
    pub start: u64,
    pub object_bytes: u64,
    pub version: Option<Version>,
    pub tag: Option<String>,
}

impl Remote {
    /// Asks for a range and gives its bytes; `None` when there is no such key. `only`: of this version.
    pub(super) async fn fetched(
        &self,
        client: &dyn ObjectStore,
        key: &str,
        path: &Path,
        range: Range,
        only: Option<&str>,
    ) -> Result<Option<Fetched>> {
        match self.asked(client, path, range, only).await {
            // Not every server heeds the condition.
            Ok(fetched) if only.is_some() && fetched.tag.is_some() && fetched.tag.as_deref() != only => {
                Err(Error::Changed { key: key.to_owned() })
            }
            Ok(fetched) => {
                self.0.proof.read(path);
                Ok(Some(fetched))
            }
            Err(object_store::Error::Precondition { .. }) => Err(Error::Changed { key: key.to_owned() }),
            Err(error) => self.missing(client, key, &error).await.map(|()| None),
        }
    }

    async fn asked(
        &self,
        client: &dyn ObjectStore,
        path: &Path,
        range: Range,
        only: Option<&str>,
    ) -> object_store::Result<Fetched> {
        let asked = match range {
            Range::All => None,
            Range::FromTo(start, stop) if start >= stop => return nothing(client, path, start).await,
            Range::FromTo(start, stop) => Some(GetRange::Bounded(start..stop)),
            Range::Last(0) => return nothing(client, path, u64::MAX).await,
            Range::Last(count) => Some(GetRange::Suffix(count)),
        };
        let options = |range: Option<GetRange>| GetOptions {
            range,
            if_match: only.map(str::to_owned),
            ..GetOptions::default()
        };
        let suffix = matches!(asked, Some(GetRange::Suffix(_)));
        let ranged = asked.is_some();
        if !(suffix && self.0.no_suffix.load(Ordering::Relaxed)) {
            match client.get_opts(path, options(asked)).await {
                // Not every server counts from the end, and none has a range of an object without bytes.
                Err(object_store::Error::NotSupported { .. }) if suffix => {
                    self.0.no_suffix.store(true, Ordering::Relaxed);
                }
                Err(error) if ranged && refusal(&error).is_some_and(|why| matches!(why.status, Some(416 | 501))) => {}
                found => return taken(found?).await,
            }
        }
        let meta = client.head(path).await?;
        let (start, stop) = range.within(meta.size);
        if start >= stop {
            return Ok(empty(&meta, start));
        }
        if suffix {
            self.0.no_suffix.store(true, Ordering::Relaxed);
        }
        let only = only.map(str::to_owned).or_else(|| strong(&meta));
        let options = GetOptions {
            range: Some(GetRange::Bounded(start..stop)),
            if_match: only,
            ..GetOptions::default()
        };
        taken(client.get_opts(path, options).await?).await
    }
}

/// The answer for a range of no bytes.
async fn nothing(client: &dyn ObjectStore, path: &Path, start: u64) -> object_store::Result<Fetched> {
    Ok(empty(&client.head(path).await?, start))
}

fn empty(meta: &ObjectMeta, start: u64) -> Fetched {
    Fetched {
        bytes: Bytes::new(),
        start: start.min(meta.size),
        object_bytes: meta.size,
        version: mark(meta),
        tag: strong(meta),
    }
}

/// A tag that conditions can be made of; a weak one never holds for them.
fn strong(meta: &ObjectMeta) -> Option<String> {
    meta.e_tag.clone().filter(|tag| !tag.starts_with("W/"))
}

async fn taken(found: GetResult) -> object_store::Result<Fetched> {
    let (start, object_bytes, tag) = (found.range.start, found.meta.size, strong(&found.meta));
    let version = mark(&found.meta);
    Ok(Fetched {
        bytes: found.bytes().await?,
        start,
        object_bytes,
        version,
        tag,
    })
}

/// The version that a server tells; Google's has a number beside the tag, and conditions ask for it.
pub fn mark(meta: &ObjectMeta) -> Option<Version> {
    let tag = meta.e_tag.as_deref()?;
    Some(match &meta.version {
        Some(number) => Version::tag(&format!("{tag}{AND}{number}")),
        None => Version::tag(tag),
    })
}

/// The condition that an object is still of a version.
pub fn update(version: &Version) -> UpdateVersion {
    let words = version.as_tag().unwrap_or_default();
    let (tag, number) = match words.split_once(AND) {
        Some((tag, number)) => (tag, Some(number.to_owned())),
        None => (words, None),
    };
    UpdateVersion {
        e_tag: Some(tag.to_owned()),
        version: number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_condition_again() {
        let mut meta = ObjectMeta {
            location: Path::from("a"),
            last_modified: std::time::SystemTime::UNIX_EPOCH.into(),
            size: 3,
            e_tag: Some("\"t\"".to_owned()),
            version: Some("17".to_owned()),
        };
        let condition = update(&mark(&meta).unwrap());
        assert_eq!(
            (condition.e_tag.as_deref(), condition.version.as_deref()),
            (Some("\"t\""), Some("17"))
        );
        meta.version = None;
        let condition = update(&mark(&meta).unwrap());
        assert_eq!((condition.e_tag.as_deref(), condition.version), (Some("\"t\""), None));
        meta.e_tag = None;
        assert_eq!(mark(&meta), None, "nothing tells its contents apart");
    }
}
