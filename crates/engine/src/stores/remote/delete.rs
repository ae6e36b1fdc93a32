//! Deleting objects, many with one request where the server takes that.

use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore};

use super::failures::{failed, said};
use super::{Remote, network};
use crate::store::Result;

/// Deletes objects, up to 1,000 with one request, and says how many there were.
///
/// # Errors
/// The first failure. Where a server knows no batches (Google's, when it is spoken to as S3 is), each goes alone.
pub(super) fn all(store: &Remote, paths: Vec<Path>) -> Result<u64> {
    let takes_batches = !store.0.deletes_singly.load(Ordering::Relaxed);
    let client = store.client()?;
    if let Some(count) = network().wait(deleted(client.as_ref(), paths.clone(), takes_batches))? {
        return Ok(count);
    }
    store.0.deletes_singly.store(true, Ordering::Relaxed);
    *store.0.client.lock() = None;
    let client = store.client()?;
    let count = network().wait(deleted(client.as_ref(), paths, false))?;
    Ok(count.unwrap_or(0))
}

/// `None` when the server may know no batches, and says that it does not do this.
async fn deleted(client: &dyn ObjectStore, paths: Vec<Path>, may_know_none: bool) -> Result<Option<u64>> {
    let key = paths.first().map_or_else(String::new, ToString::to_string);
    let mut answers = client.delete_stream(futures_util::stream::iter(paths.into_iter().map(Ok)).boxed());
    let mut count = 0;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(_) => count += 1,
            Err(Error::NotFound { .. }) => {}
            Err(error) if may_know_none && knows_no_batches(&error) => return Ok(None),
            Err(error) => return Err(failed(&key, &error)),
        }
    }
    Ok(Some(count))
}

/// Whether a failure says that the server does not do what it was asked for.
fn knows_no_batches(error: &Error) -> bool {
    let said = said(error);
    matches!(error, Error::NotImplemented { .. } | Error::NotSupported { .. })
        || ["501 Not Implemented", "405 Method Not Allowed"]
            .iter()
            .any(|words| said.contains(words))
}
