//! Deleting objects, many with one request where the server takes that.

use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore};

use super::{Remote, failed, network};
use crate::store::Result;

/// Deletes objects, up to 1,000 with one request, and says how many there were.
///
/// # Errors
/// The first failure. Where a server knows no batches (Google's, when it is spoken to as S3 is), each goes alone.
pub(super) fn all(store: &Remote, paths: Vec<Path>) -> Result<u64> {
    let client = store.client()?;
    let first = network().wait(async { Ok(deleted(client.as_ref(), paths.clone()).await) })?;
    match first {
        Err((_, error)) if knows_no_batches(&error) && !store.0.deletes_singly.swap(true, Ordering::Relaxed) => {
            *store.0.client.lock() = None;
            let client = store.client()?;
            let second = network().wait(async { Ok(deleted(client.as_ref(), paths).await) })?;
            second.map_err(|(key, error)| failed(&key, &error))
        }
        first => first.map_err(|(key, error)| failed(&key, &error)),
    }
}

async fn deleted(client: &dyn ObjectStore, paths: Vec<Path>) -> std::result::Result<u64, (String, Error)> {
    let key = paths.first().map_or_else(String::new, ToString::to_string);
    let mut answers = client.delete_stream(futures_util::stream::iter(paths.into_iter().map(Ok)).boxed());
    let mut count = 0;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(_) => count += 1,
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err((key, error)),
        }
    }
    Ok(count)
}

/// Whether a failure says that the server does not do what it was asked for.
fn knows_no_batches(error: &Error) -> bool {
    let said = super::said(error);
    matches!(error, Error::NotImplemented { .. } | Error::NotSupported { .. })
        || ["501 Not Implemented", "405 Method Not Allowed"]
            .iter()
            .any(|words| said.contains(words))
}
