//! Deleting many objects.

use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt};

use super::{Network, failed};
use crate::store::Result;

/// Deletes objects, up to 1,000 with one request where the server takes such batches, and says how many there were.
///
/// # Errors
/// The first failure that is none of batches.
pub(super) async fn all(client: &dyn ObjectStore, paths: Vec<Path>) -> Result<u64> {
    let mut batches = client.delete_stream(futures_util::stream::iter(paths.clone().into_iter().map(Ok)).boxed());
    let mut deleted = 0;
    while let Some(answer) = batches.next().await {
        match answer {
            Ok(_) => deleted += 1,
            Err(Error::NotFound { .. }) => {}
            // Not every server takes batches: Google's, when it is spoken to as S3 is, does not.
            Err(_) => return one_by_one(client, paths).await,
        }
    }
    Ok(deleted)
}

async fn one_by_one(client: &dyn ObjectStore, paths: Vec<Path>) -> Result<u64> {
    let answers = futures_util::stream::iter(paths).map(|path| async move {
        match client.delete(&path).await {
            Ok(()) => Ok(1),
            Err(Error::NotFound { .. }) => Ok(0),
            Err(error) => Err(failed(path.as_ref(), &error)),
        }
    });
    answers
        .buffer_unordered(Network::MOST)
        .try_fold(0, |sum, one| async move { Ok(sum + one) })
        .await
}
