//! What came back, held against what was asked.
//!
//! Servers that know no ranges send the whole object, and some forget the length: both are made the answer that was asked for.
//! An answer that contradicts itself was torn on the way, and is asked for again.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};

use super::wire::Refusal;

/// What a request asks for.
pub struct Wanted {
    /// Only what a get would say.
    pub head: bool,
    range: Option<Asked>,
    /// The object's key ends as that of a web page does.
    page: bool,
}

#[derive(Clone, Copy)]
enum Asked {
    FromTo(u64, u64),
    Last(u64),
}

impl Wanted {
    /// What a request asks for.
    pub fn of(parts: &Parts) -> Self {
        let get = parts.method == Method::GET;
        let range = parts
            .headers
            .get(http::header::RANGE)
            .and_then(|value| value.to_str().ok());
        let path = parts.uri.path();
        Self {
            head: parts.method == Method::HEAD,
            range: range.filter(|_| get).and_then(asked),
            page: [".html", ".htm"].iter().any(|end| path.ends_with(end)),
        }
    }
}

/// The range of a header as this crate writes them.
fn asked(value: &str) -> Option<Asked> {
    let range = value.strip_prefix("bytes=")?;
    if let Some(count) = range.strip_prefix('-') {
        return Some(Asked::Last(count.parse().ok()?));
    }
    let (start, last) = range.split_once('-')?;
    let stop = if last.is_empty() {
        u64::MAX
    } else {
        last.parse::<u64>().ok()?.checked_add(1)?
    };
    Some(Asked::FromTo(start.parse().ok()?, stop))
}

/// As much memory is taken for an answer before it comes as it announces, up to so many bytes.
const MOST_ANNOUNCED: u64 = 64 << 20;

/// Why an answer is none.
pub enum Wrong {
    /// Bytes are missing; another try may bring them.
    Torn(String),
    /// It is not what was asked for.
    Refused(Refusal),
}

/// A body on its way in.
pub struct Taking {
    /// What came, as it came: one piece, or the last ones of a whole whose length nobody told.
    pieces: Vec<Bytes>,
    /// Several pieces in one: copied as they come, so that the memory they came in serves for the next.
    whole: Vec<u8>,
    taken: u64,
    seen: u64,
    /// The first byte that is kept, and one past the last.
    keep: (u64, u64),
    /// The last bytes of a whole whose length nobody told.
    last: Option<u64>,
    /// Whole although a part was asked for.
    whole_for_part: bool,
    length: Option<u64>,
    page: bool,
}

impl Taking {
    /// For the body behind this head.
    ///
    /// # Errors
    /// The answer is a web page where an object was asked for.
    pub fn new(wanted: &Wanted, head: &http::response::Parts) -> Result<Self, Refusal> {
        let text = |name| {
            head.headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let length: Option<u64> = text(CONTENT_LENGTH).and_then(|value| value.trim().parse().ok());
        let html =
            text(CONTENT_TYPE).is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"));
        let whole_for_part = wanted.range.is_some() && head.status != StatusCode::PARTIAL_CONTENT;
        let mut keep = (0, u64::MAX);
        let mut last = None;
        if whole_for_part {
            match (wanted.range, length) {
                (Some(Asked::FromTo(start, stop)), _) => keep = (start, stop),
                (Some(Asked::Last(count)), Some(length)) => keep = (length.saturating_sub(count), length),
                (Some(Asked::Last(count)), None) => last = Some(count),
                (None, _) => {}
            }
        }
        let page = html && !wanted.page;
        if page && whole_for_part {
            return Err(is_a_page());
        }
        Ok(Self {
            pieces: Vec::new(),
            whole: Vec::new(),
            taken: 0,
            seen: 0,
            keep,
            last,
            whole_for_part,
            length,
            page,
        })
    }

    fn put_down(&mut self, part: Bytes) -> Result<(), Refusal> {
        if self.last.is_some() || (self.pieces.is_empty() && self.whole.is_empty()) {
            self.pieces.push(part);
            return Ok(());
        }
        let first = self.pieces.pop().unwrap_or_default();
        let more = first.len() + part.len();
        if self.whole.capacity() - self.whole.len() < more {
            // As much as is announced, unless that is more than is believed before it comes.
            let announced = self.keep.1.min(self.length.unwrap_or(0)).saturating_sub(self.keep.0);
            let room = self.whole.try_reserve(more.max(announced.min(MOST_ANNOUNCED) as usize));
            room.map_err(|_| no_memory(self.taken))?;
        }
        self.whole.extend_from_slice(&first);
        self.whole.extend_from_slice(&part);
        Ok(())
    }

    /// Takes what came, and says whether more is wanted.
    ///
    /// # Errors
    /// As `new`.
    pub fn take(&mut self, bytes: &Bytes) -> Result<bool, Refusal> {
        if std::mem::take(&mut self.page) {
            let start = bytes.trim_ascii_start();
            if start.len() >= 5
                && (start[..5].eq_ignore_ascii_case(b"<html") || start[..5].eq_ignore_ascii_case(b"<!doc"))
            {
                return Err(is_a_page());
            }
        }
        let (start, stop) = (self.seen, self.seen + bytes.len() as u64);
        self.seen = stop;
        let from = self.keep.0.clamp(start, stop) - start;
        let to = self.keep.1.clamp(start, stop) - start;
        if from < to {
            let part = bytes.slice(from as usize..to as usize);
            self.taken += part.len() as u64;
            self.put_down(part)?;
        }
        while let Some(count) = self.last
            && let Some(first) = self.pieces.first()
            && self.taken - first.len() as u64 >= count
        {
            self.taken -= first.len() as u64;
            self.pieces.remove(0);
        }
        // What is left of a whole is not waited for, once its length is known.
        Ok(!(self.whole_for_part && self.length.is_some() && stop >= self.keep.1))
    }

    /// The whole answer.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn done(self, mut head: http::response::Parts) -> Result<(http::response::Parts, Bytes), Wrong> {
        let all = self.length.unwrap_or(self.seen);
        let bytes = if self.whole.is_empty() {
            joined(self.pieces, self.taken).map_err(Wrong::Refused)?
        } else {
            self.whole.into()
        };
        if self.whole_for_part {
            let (bytes, start) = match self.last {
                Some(count) => {
                    let surplus = (bytes.len() as u64).saturating_sub(count);
                    (bytes.slice(surplus as usize..), all.saturating_sub(count))
                }
                None => (bytes, self.keep.0),
            };
            if bytes.is_empty() {
                return Err(Wrong::Refused(refused(
                    Some(416),
                    "the object ends before the range that was asked for".to_owned(),
                )));
            }
            if bytes.len() as u64 != self.keep.1.min(all) - start {
                return Err(Wrong::Torn(format!(
                    "the answer ends after {} of {all} bytes",
                    self.seen
                )));
            }
            let range = format!("bytes {start}-{}/{all}", start + bytes.len() as u64 - 1);
            head.status = StatusCode::PARTIAL_CONTENT;
            if let Ok(range) = HeaderValue::try_from(range) {
                head.headers.insert(CONTENT_RANGE, range);
            }
            head.headers.insert(CONTENT_LENGTH, bytes.len().into());
            return Ok((head, bytes));
        }
        if head.status == StatusCode::PARTIAL_CONTENT
            && let Some(span) = head.headers.get(CONTENT_RANGE).and_then(span)
            && span != bytes.len() as u64
        {
            let came = bytes.len();
            return Err(Wrong::Torn(format!(
                "the answer has {came} bytes where it tells of {span}"
            )));
        }
        if let Some(length) = self.length
            && length != bytes.len() as u64
        {
            let came = bytes.len();
            return Err(Wrong::Torn(format!(
                "the answer has {came} bytes where it tells of {length}"
            )));
        }
        head.headers.insert(CONTENT_LENGTH, bytes.len().into());
        Ok((head, bytes))
    }
}

fn is_a_page() -> Refusal {
    let why = "the server answers with a web page (HTML) and not with the object: perhaps it wants a login, \
               or answers every path with the same page";
    refused(Some(200), why.to_owned())
}

fn no_memory(bytes: u64) -> Refusal {
    refused(None, format!("there is no memory for an answer of {bytes} bytes"))
}

fn refused(status: Option<u16>, why: String) -> Refusal {
    Refusal {
        status,
        code: String::new(),
        why,
        who_am_i: false,
    }
}

/// The bytes of an answer that came in pieces.
fn joined(mut pieces: Vec<Bytes>, bytes: u64) -> Result<Bytes, Refusal> {
    if pieces.len() == 1 {
        return Ok(pieces.remove(0));
    }
    let mut whole = Vec::new();
    whole.try_reserve_exact(bytes as usize).map_err(|_| no_memory(bytes))?;
    for piece in &pieces {
        whole.extend_from_slice(piece);
    }
    Ok(whole.into())
}

/// How many bytes a `Content-Range` tells of.
fn span(value: &HeaderValue) -> Option<u64> {
    let (range, _) = value.to_str().ok()?.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    last.checked_sub(first)?.checked_add(1)
}

/// What a server's words for a failure come to: its code and a sentence, both perhaps empty.
pub fn cause(text: &str) -> (String, String) {
    let code = between(text, "<Code>", "</Code>").or_else(|| between(text, "\"code\":\"", "\""));
    let message = between(text, "<Message>", "</Message>").or_else(|| between(text, "\"message\":\"", "\""));
    let short = |words: Option<&str>| {
        let words: String = words
            .unwrap_or_default()
            .chars()
            .filter(|char| !char.is_control())
            .collect();
        words.chars().take(200).collect()
    };
    (short(code), short(message))
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// A refusal as a sentence.
pub fn in_words(status: StatusCode, code: &str, message: &str) -> String {
    let mut words = format!("the server answers {status}");
    if !code.is_empty() {
        words.push_str(", ");
        words.push_str(code);
    }
    if !message.is_empty() {
        words.push_str(": ");
        words.push_str(message.trim_end_matches('.'));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(range: &str) -> Parts {
        let request = http::Request::get("http://h/a").header("range", range).body(());
        request.unwrap().into_parts().0
    }

    fn answered(range: &str, pieces: &[&[u8]], length: Option<u64>) -> Result<(String, Vec<u8>), String> {
        let wanted = Wanted::of(&parts(range));
        let mut response = http::Response::builder().status(200);
        if let Some(length) = length {
            response = response.header("content-length", length);
        }
        let head = response.body(()).unwrap().into_parts().0;
        let mut taking = Taking::new(&wanted, &head).map_err(|refusal| refusal.why)?;
        for piece in pieces {
            if !taking
                .take(&Bytes::copy_from_slice(piece))
                .map_err(|refusal| refusal.why)?
            {
                break;
            }
        }
        match taking.done(head) {
            Ok((head, bytes)) => Ok((head.headers[CONTENT_RANGE].to_str().unwrap().to_owned(), bytes.to_vec())),
            Err(Wrong::Torn(why)) => Err(why),
            Err(Wrong::Refused(refusal)) => Err(format!("{:?}", refusal.status)),
        }
    }

    #[test]
    fn a_whole_object_answers_for_each_of_its_parts() {
        let pieces: [&[u8]; 3] = [b"012", b"345", b"6789"];
        for length in [Some(10), None] {
            let told = |range| answered(range, &pieces, length);
            assert_eq!(told("bytes=0-0"), Ok(("bytes 0-0/10".into(), b"0".to_vec())));
            assert_eq!(told("bytes=2-6"), Ok(("bytes 2-6/10".into(), b"23456".to_vec())));
            assert_eq!(told("bytes=8-99"), Ok(("bytes 8-9/10".into(), b"89".to_vec())));
            assert_eq!(told("bytes=-4"), Ok(("bytes 6-9/10".into(), b"6789".to_vec())));
            assert_eq!(told("bytes=-2"), Ok(("bytes 8-9/10".into(), b"89".to_vec())));
            assert_eq!(told("bytes=-99"), Ok(("bytes 0-9/10".into(), b"0123456789".to_vec())));
            assert_eq!(told("bytes=10-12"), Err("Some(416)".into()));
        }
        assert!(answered("bytes=2-6", &pieces[..1], Some(10)).is_err(), "torn");
    }

    #[test]
    fn the_cause_is_taken_out_of_what_the_clouds_say() {
        let text = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        assert_eq!(cause(text), ("AccessDenied".into(), "Access Denied".into()));
        assert_eq!(cause("<html>"), (String::new(), String::new()));
        assert_eq!(
            in_words(StatusCode::FORBIDDEN, "AccessDenied", "No."),
            "the server answers 403 Forbidden, AccessDenied: No"
        );
    }
}
