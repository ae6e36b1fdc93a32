//! Puts: what a condition that does not hold is told by, and whether a server looks at conditions at all.

use super::failures::{failed, refuses_conditions};
use super::fetching::update;
use super::network::network;
use super::wire::Doubt;
use super::{Remote, checked};
use crate::handles::name;
use crate::runtime::runtime;
use crate::store::{Error, Put, Range, Result, Safety, Store};
use bytes::Bytes;
use object_store::{PutMode, PutOptions, PutPayload};
use std::future::Future;

/// Objects whose name begins with this are being changed.
pub(super) struct Changing(String);

impl Drop for Changing {
    fn drop(&mut self) {
        runtime().ahead.forget_below(&self.0);
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

impl Remote {
    /// An object is changed here: what was read of it ahead is old when this is dropped.
    pub(super) fn changing(&self, key: &str) -> Changing {
        Changing(name(self.identity(), key))
    }

    /// Puts an object.
    pub(super) fn putting(
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

    /// Tries out whether conditions are looked at, by one that does not hold.
    pub(super) fn proving(&self, key: &str, parts: &[&[u8]]) -> Result<Safety> {
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
}
