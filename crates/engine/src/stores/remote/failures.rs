//! What a server's failures are in the contract's words.

use super::wire::Refusal;
use super::{Remote, missing};
use crate::store::Error;

/// What a server, or the way to it, said; where the failure is not the dialect's own.
pub(super) fn refusal(error: &object_store::Error) -> Option<&Refusal> {
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
pub(super) fn failed(key: &str, error: &object_store::Error) -> Error {
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

/// Whether a server, or its settings, said that it knows no conditional puts.
pub(super) fn refuses_conditions(error: &object_store::Error) -> bool {
    let own = matches!(
        error,
        object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }
    );
    own || refusal(error).is_some_and(|refusal| refusal.status == Some(501))
}

/// An error and what caused it, each said once.
pub(super) fn said(error: &dyn std::error::Error) -> String {
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

impl Remote {
    /// Why a prefix cannot be listed.
    pub(super) fn unlisted(&self, prefix: &str, error: &object_store::Error) -> Error {
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
}
