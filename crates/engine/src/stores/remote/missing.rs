//! What a refusal says of a key.
//!
//! Where listing is not granted, S3 answers 403 for keys that are not there; and it answers 403 when a credential has ended. Who takes
//! the second for the first reads fill values in place of data. So 403 is an error, unless the user says otherwise; and
//! `missing_status="auto"` believes it only after another key was read *since*: with the same credentials, in this process.

use std::time::Instant;

use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};

use super::Remote;
use super::failures::{failed, refusal};
use super::rules::Missing;
use super::wire::Refusal;
use crate::store::{Error, Result};
use crate::sync::Mutex;

/// What servers call a credential that is wrong or has ended; never a key that is not there.
const CREDENTIALS: [&str; 12] = [
    "AuthenticationFailed",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidAuthenticationInfo",
    "InvalidSecurity",
    "InvalidToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
];

/// A key that can be read, and when that was last tried.
#[derive(Default)]
pub struct Proof {
    known: Mutex<Option<Path>>,
    /// When the last probe that went well began. Held while one is under way: who waits shares it.
    probed: tokio::sync::Mutex<Option<Instant>>,
}

impl Proof {
    /// A key was read.
    pub fn read(&self, path: &Path) {
        let mut known = self.known.lock();
        if known.is_none() {
            *known = Some(path.clone());
        }
    }
}

/// Whether a refusal names the credentials as its cause.
pub fn is_about_credentials(refusal: &Refusal) -> bool {
    CREDENTIALS.contains(&&*refusal.code)
}

impl Remote {
    /// Returns when an error says that there is no such key.
    ///
    /// # Errors
    /// The error, when it says anything else.
    pub(super) async fn missing(&self, client: &dyn ObjectStore, key: &str, error: &object_store::Error) -> Result<()> {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return Ok(());
        }
        let Some((refusal, status)) = refusal(error).and_then(|refusal| Some((refusal, refusal.status?))) else {
            return Err(failed(key, error));
        };
        if !is_about_credentials(refusal) && !refusal.who_am_i {
            let is_missing = match &self.0.settings.rules.missing {
                Missing::Statuses(statuses) => statuses.contains(&status),
                Missing::Auto => status == 403 && self.can_read(client).await,
            };
            if is_missing {
                return Ok(());
            }
        }
        let mut error = failed(key, error);
        if let (Error::Permission { why, .. }, 403) = (&mut error, status)
            && !is_about_credentials(refusal)
        {
            why.push_str(match self.0.settings.rules.missing {
                Missing::Auto => {
                    "; no key of this place could be read since, so it is not taken for a missing one \
                     (missing_status={404, 403} takes it for one always)"
                }
                Missing::Statuses(_) => {
                    "; where servers answer so for keys that are not there, pass \
                     storage_options={\"missing_status\": \"auto\"}"
                }
            });
        }
        Err(error)
    }

    /// Whether a key that could be read once can be read now.
    async fn can_read(&self, client: &dyn ObjectStore) -> bool {
        let asked = Instant::now();
        let known = self.0.proof.known.lock().clone();
        let Some(known) = known else { return false };
        let mut probed = self.0.proof.probed.lock().await;
        if probed.is_some_and(|began| began >= asked) {
            return true;
        }
        let began = Instant::now();
        let first = GetOptions {
            range: Some(GetRange::Bounded(0..1)),
            ..GetOptions::default()
        };
        let can = match client.get_opts(&known, first).await {
            Ok(_) => true,
            // An object without bytes.
            Err(error) => refusal(&error).is_some_and(|why| why.status == Some(416)),
        };
        if can {
            *probed = Some(began);
        } else {
            // It may have been deleted; another that is read takes its place.
            *self.0.proof.known.lock() = None;
        }
        can
    }
}
