//! Credentials that the program lends: asked for again before they end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use object_store::azure::AzureCredential;
use object_store::gcp::GcpCredential;
use tokio::sync::Mutex;

use super::rules::{Lend, Lent};

/// Keys are asked for anew so long before they end, or when a tenth of their time is left.
const BEFORE: Duration = Duration::from_secs(300);

/// The keys of one cloud.
pub struct Lending<T> {
    source: Arc<dyn Lend>,
    made: fn(Lent) -> T,
    held: Mutex<Option<(Arc<T>, Option<Instant>)>>,
}

impl<T> std::fmt::Debug for Lending<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lending")
    }
}

impl<T> Lending<T> {
    fn new(source: Arc<dyn Lend>, made: fn(Lent) -> T) -> Arc<Self> {
        let held = Mutex::new(None);
        Arc::new(Self { source, made, held })
    }

    async fn current(&self) -> object_store::Result<Arc<T>> {
        let mut held = self.held.lock().await;
        if let Some((keys, until)) = &*held
            && until.is_none_or(|until| Instant::now() < until)
        {
            return Ok(Arc::clone(keys));
        }
        let source = Arc::clone(&self.source);
        let asked = tokio::task::spawn_blocking(move || source.lend()).await;
        let lent = asked
            .unwrap_or_else(|_| Err("the function `credentials` did not come back".to_owned()))
            .map_err(|why| object_store::Error::Generic {
                store: "credentials",
                source: why.into(),
            })?;
        let until = lent
            .lasts
            .and_then(|lasts| Instant::now().checked_add(lasts.saturating_sub(BEFORE.min(lasts / 10))));
        let keys = Arc::new((self.made)(lent));
        *held = Some((Arc::clone(&keys), until));
        Ok(keys)
    }
}

impl<T: std::fmt::Debug + Send + Sync + 'static> CredentialProvider for Lending<T> {
    type Credential = T;

    fn get_credential<'a, 'b>(
        &'a self,
    ) -> Pin<Box<dyn Future<Output = object_store::Result<Arc<Self::Credential>>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.current())
    }
}

/// Keys for S3.
pub fn aws(source: Arc<dyn Lend>) -> Arc<Lending<AwsCredential>> {
    Lending::new(source, |lent| AwsCredential {
        key_id: lent.key_id,
        secret_key: lent.secret,
        token: lent.token,
    })
}

/// A bearer's token for Google Cloud.
pub fn google(source: Arc<dyn Lend>) -> Arc<Lending<GcpCredential>> {
    Lending::new(source, |lent| GcpCredential {
        bearer: lent.token.unwrap_or_default(),
    })
}

/// A bearer's token for Azure.
pub fn azure(source: Arc<dyn Lend>) -> Arc<Lending<AzureCredential>> {
    Lending::new(source, |lent| {
        AzureCredential::BearerToken(lent.token.unwrap_or_default())
    })
}
