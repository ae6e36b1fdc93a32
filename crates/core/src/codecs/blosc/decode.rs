//! Frames to plain bytes, whole or in part.

use super::compressors::Compressor;
use super::frame::{Frame, HEADER, Shuffled, word};
use super::{NAME, first};
use crate::codecs::shuffling;
use crate::context::kept;
use crate::{Context, Error, Result};

/// Decodes block number `at` into `plain`, which has its size.
fn decode_block(frame: &Frame, bytes: &[u8], at: usize, plain: &mut [u8], context: &mut Context) -> Result<()> {
    if frame.shuffled == Shuffled::No {
        return decode_streams(frame, bytes, at, plain, context);
    }
    let mut buffer = std::mem::take(&mut context.blosc.shuffled);
    let cells = first(&mut buffer, plain.len());
    let done = decode_streams(frame, bytes, at, cells, context);
    if done.is_ok() {
        match frame.shuffled {
            Shuffled::Bits => shuffling::unshuffle_bits(frame.width, cells, plain),
            _ => shuffling::unshuffle(frame.width, cells, plain),
        }
    }
    context.blosc.shuffled = kept(buffer);
    done
}

/// Decodes the streams of block number `at`, one after the other, into `cells`.
fn decode_streams(frame: &Frame, bytes: &[u8], at: usize, cells: &mut [u8], context: &mut Context) -> Result<()> {
    let damaged = || Error::decode(NAME, "a block lies outside of the frame");
    let compressor = Compressor::of_format(frame.format)
        .ok_or_else(|| Error::decode(NAME, format!("compressed format {} is not known", frame.format)))?;
    let mut place = word(bytes, HEADER + 4 * at).ok_or_else(damaged)?;
    let block = frame.nth(at);
    let stream_bytes = block.bytes / block.streams;
    if stream_bytes * block.streams != block.bytes {
        return Err(Error::decode(NAME, "a block cannot be split into its streams"));
    }
    for cells in cells.chunks_mut(stream_bytes) {
        let length = word(bytes, place).ok_or_else(damaged)?;
        let stream = bytes
            .get(place + 4..)
            .and_then(|rest| rest.get(..length))
            .ok_or_else(damaged)?;
        if length == cells.len() {
            cells.copy_from_slice(stream);
        } else {
            compressor.decode(stream, cells, context)?;
        }
        place += 4 + length;
    }
    Ok(())
}

/// Decodes the bytes from `start` on that `plain` has room for; they lie within the frame.
pub fn decode_part(frame: &Frame, bytes: &[u8], start: usize, plain: &mut [u8], context: &mut Context) -> Result<()> {
    if frame.copied {
        plain.copy_from_slice(&bytes[HEADER + start..][..plain.len()]);
        return Ok(());
    }
    let (mut at, mut rest) = (start, plain);
    while !rest.is_empty() {
        let number = at / frame.block;
        let block = frame.nth(number);
        let skipped = at - block.start;
        let (now, later) = rest.split_at_mut((block.bytes - skipped).min(rest.len()));
        if now.len() == block.bytes {
            decode_block(frame, bytes, number, now, context)?;
        } else {
            let mut buffer = std::mem::take(&mut context.blosc.part);
            let whole = first(&mut buffer, block.bytes);
            let done = decode_block(frame, bytes, number, whole, context);
            now.copy_from_slice(&whole[skipped..][..now.len()]);
            context.blosc.part = kept(buffer);
            done?;
        }
        at += now.len();
        rest = later;
    }
    Ok(())
}
