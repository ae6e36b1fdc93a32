//! Codecs from bytes to bytes, one after the other, inside another codec; each may have been left out of what is stored.

use super::growing::over_limit;
use super::{Codec, build};
use crate::chain::Foreign;
use crate::{Context, Error, Result};
use serde_json::Value;

/// The codecs, in encoding order.
pub struct Line {
    codecs: Vec<Box<dyn Codec>>,
}

/// What a step between may need beyond the larger of what is stored and what comes out.
const SLACK: usize = 1 << 20;

impl Line {
    /// From a list of lowered entries; a `bytes` entry that turns nothing round is no step.
    ///
    /// # Errors
    /// [`Error::Document`] when an entry is unknown, or works on cells.
    pub fn build(owner: &str, entries: &Value, foreign: Foreign<'_>) -> Result<Self> {
        let entries = entries
            .as_array()
            .ok_or_else(|| Error::Document(format!("codec {owner:?} needs a list of codecs")))?;
        let mut codecs = Vec::new();
        for entry in entries {
            match entry["name"].as_str().unwrap_or_default() {
                "bytes" if entry["swap"].as_array().is_some_and(Vec::is_empty) => {}
                "bytes" | "transpose" | "reshape" | "zarrs.squeeze" | "sharding_indexed" => {
                    return Err(Error::Document(format!(
                        "codec {owner:?} holds codecs from bytes to bytes, and {} is none",
                        entry["name"]
                    )));
                }
                "python" => codecs.push(foreign(entry)?),
                _ => codecs.push(build(entry, &[], foreign)?),
            }
        }
        Ok(Self { codecs })
    }

    /// How many codecs there are.
    pub fn len(&self) -> usize {
        self.codecs.len()
    }

    /// What is stored of `plain` and which codecs made it, told by bit: those whose output has a length of its own are left out
    /// where they make nothing smaller, if `skips`.
    ///
    /// # Errors
    /// A codec's refusal.
    pub fn encode(&self, plain: &[u8], skips: bool, context: &mut Context) -> Result<(Vec<u8>, Vec<bool>)> {
        let mut held: Option<Vec<u8>> = None;
        let mut applied = Vec::with_capacity(self.codecs.len());
        for codec in &self.codecs {
            let source = held.as_deref().unwrap_or(plain);
            let mut made = Vec::new();
            codec.encode(source, &mut made, context)?;
            let keeps = !skips || codec.stored_bytes(source.len()).is_some() || made.len() < source.len();
            applied.push(keeps);
            if keeps {
                held = Some(made);
            }
        }
        Ok((held.unwrap_or_else(|| plain.to_vec()), applied))
    }

    /// Fills `plain` from what the codecs that were `applied` made of it.
    ///
    /// # Errors
    /// A codec's refusal, or a size that does not fit.
    pub fn decode(&self, stored: &[u8], applied: &[bool], plain: &mut [u8], context: &mut Context) -> Result<()> {
        let steps: Vec<&dyn Codec> = self.steps(applied).collect();
        // The bytes before each step, where they follow from the size of what comes out.
        let mut sizes = vec![Some(plain.len())];
        for codec in &steps {
            sizes.push(sizes.last().copied().flatten().and_then(|n| codec.stored_bytes(n)));
        }
        let limit = plain.len().max(stored.len()).saturating_mul(2).saturating_add(SLACK);
        let mut held: Option<Vec<u8>> = None;
        for (at, codec) in steps.iter().enumerate().rev() {
            let source = held.as_deref().unwrap_or(stored);
            if at == 0 {
                return codec.decode(source, plain, context);
            }
            let mut made = Vec::new();
            match sizes[at] {
                Some(n) if n <= limit => {
                    made.resize(n, 0);
                    codec.decode(source, &mut made, context)?;
                }
                _ => codec.decode_unsized(source, &mut made, limit, context)?,
            }
            held = Some(made);
        }
        if stored.len() != plain.len() {
            return Err(Error::size("what is stored as it is", plain.len(), stored.len()));
        }
        plain.copy_from_slice(stored);
        Ok(())
    }

    /// As [`Line::decode`] where the size is not known: appends at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Line::decode`], and when more would come out.
    pub fn decode_unsized(
        &self,
        stored: &[u8],
        applied: &[bool],
        plain: &mut Vec<u8>,
        limit: usize,
        context: &mut Context,
    ) -> Result<()> {
        let most = limit.max(stored.len()).saturating_mul(2).saturating_add(SLACK);
        let mut held: Option<Vec<u8>> = None;
        let steps: Vec<&dyn Codec> = self.steps(applied).collect();
        for (at, codec) in steps.iter().enumerate().rev() {
            let source = held.as_deref().unwrap_or(stored);
            if at == 0 {
                return codec.decode_unsized(source, plain, limit, context);
            }
            let mut made = Vec::new();
            codec.decode_unsized(source, &mut made, most, context)?;
            held = Some(made);
        }
        if stored.len() > limit {
            return Err(over_limit("bytes", limit));
        }
        plain.extend_from_slice(stored);
        Ok(())
    }

    fn steps<'a>(&'a self, applied: &'a [bool]) -> impl Iterator<Item = &'a dyn Codec> {
        let chosen = self.codecs.iter().zip(applied).filter(|(_, applied)| **applied);
        chosen.map(|(codec, _)| codec.as_ref())
    }
}
