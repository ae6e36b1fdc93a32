//! Many objects, or many ranges of one: up to as many requests at once as the process may have in flight.

use super::failures::failed;
use super::network::{Network, network};
use super::rules::Missing;
use super::{Remote, checked, path};
use crate::store::{Error, Range, Result};
use bytes::Bytes;
use futures_util::StreamExt;
use object_store::{ObjectStoreExt, PutPayload};

/// Who was told to stop before all was answered hears of it in the place of an answer.
fn unanswered<T>(done: Result<()>, answered: &[bool], each: &mut dyn FnMut(usize, Result<T>) -> bool) {
    if let (Err(error), Some(place)) = (done, answered.iter().position(|answered| !answered)) {
        each(place, Err(error));
    }
}

impl Remote {
    /// As [`Store::get_ranges`](crate::store::Store::get_ranges).
    pub(super) fn getting_ranges(
        &self,
        key: &str,
        ranges: &[Range],
        each: &mut dyn FnMut(usize, Vec<u8>) -> bool,
    ) -> Result<bool> {
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

    /// As [`Store::get_many`](crate::store::Store::get_many).
    pub(super) fn getting_many(&self, keys: &[String], each: &mut dyn FnMut(usize, Result<Option<Vec<u8>>>) -> bool) {
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

    /// As [`Store::put_many`](crate::store::Store::put_many).
    pub(super) fn putting_many(&self, items: &[(String, &[u8])], each: &mut dyn FnMut(usize, Result<()>) -> bool) {
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
}
