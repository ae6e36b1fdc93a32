//! A store on a network that costs as little as one can: the server of `bench/remote.py`.
//!
//! It speaks as much of S3 as array libraries use (GET with ranges, HEAD, PUT with conditions, DELETE, lists), keeps everything in
//! memory, signs for nothing and waits a set time before each answer. The test server (`tests/servers`) does far more, and
//! is written in Python: with it a benchmark would measure the server.
//!
//! `s3_server` prints its address. `PUT /_latency?0.02` sets the seconds before each answer; `GET /_summary` says how many requests
//! there were and how many at once, and begins anew.

use bytes::{Bytes, BytesMut};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{ErrorKind, IoSlice, Result, Write as _};
use std::net::SocketAddr;
use std::ops::Bound;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::LocalSet;

/// Heads and bodies beyond this are refused.
const MOST_HEAD: usize = 64 << 10;
const MOST_BODY: usize = 1 << 30;

#[derive(Default)]
struct State {
    objects: BTreeMap<String, (u64, Bytes)>,
    version: u64,
    latency: Duration,
    requests: usize,
    in_flight: usize,
    most_in_flight: usize,
}

/// What of a request's head matters.
#[derive(Default)]
struct Request {
    method: String,
    path: String,
    query: String,
    range: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    bytes: usize,
    waits_for_leave: bool,
}

struct Reply {
    status: &'static str,
    headers: String,
    body: Bytes,
    /// Said instead of the body's own, for the answer to a HEAD.
    length: Option<usize>,
}

impl Reply {
    fn new(status: &'static str) -> Self {
        Self {
            status,
            headers: String::new(),
            body: Bytes::new(),
            length: None,
        }
    }

    fn xml(status: &'static str, text: String) -> Self {
        Self {
            headers: "Content-Type: application/xml\r\n".into(),
            body: text.into(),
            ..Self::new(status)
        }
    }

    fn error(status: &'static str, code: &str) -> Self {
        Self::xml(
            status,
            format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>"),
        )
    }
}

fn parse(head: &str) -> Option<Request> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method,
        path: unquoted(path.trim_start_matches('/'))?,
        query: query.to_owned(),
        ..Request::default()
    };
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "range" => request.range = Some(value.to_owned()),
            "if-match" => request.if_match = Some(value.to_owned()),
            "if-none-match" => request.if_none_match = Some(value.to_owned()),
            "content-length" => request.bytes = value.parse().ok().filter(|&bytes| bytes <= MOST_BODY)?,
            "expect" => request.waits_for_leave = value.eq_ignore_ascii_case("100-continue"),
            "transfer-encoding" => return None,
            _ => {}
        }
    }
    Some(request)
}

/// Text without its `%` signs.
fn unquoted(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, more)) = rest.split_first() {
        if byte == b'%' {
            let code = std::str::from_utf8(more.get(..2)?).ok()?;
            out.push(u8::from_str_radix(code, 16).ok()?);
            rest = &more[2..];
        } else {
            out.push(byte);
            rest = more;
        }
    }
    String::from_utf8(out).ok()
}

impl State {
    fn reply(&mut self, request: &Request, body: &Bytes) -> Reply {
        match (request.method.as_str(), request.path.as_str()) {
            ("PUT", "_latency") => {
                self.latency = Duration::from_secs_f64(request.query.parse().unwrap_or(0.0));
                Reply::new("200 OK")
            }
            ("GET", "_summary") => {
                let (requests, most) = (
                    std::mem::take(&mut self.requests),
                    std::mem::take(&mut self.most_in_flight),
                );
                Reply::xml(
                    "200 OK",
                    format!("{{\"requests\": {requests}, \"most_in_flight\": {most}}}"),
                )
            }
            ("GET", bucket) if !bucket.trim_end_matches('/').contains('/') => self.list(bucket, &request.query),
            ("GET" | "HEAD", key) => self.get(key, request),
            ("PUT", key) => self.put(key, request, body),
            ("DELETE", key) => {
                self.objects.remove(key);
                Reply::new("204 No Content")
            }
            ("POST", bucket) => {
                let text = String::from_utf8_lossy(body);
                for part in text.split("<Key>").skip(1) {
                    let key = part.split("</Key>").next().unwrap_or_default();
                    self.objects.remove(&format!("{}/{key}", bucket.trim_end_matches('/')));
                }
                Reply::xml("200 OK", "<DeleteResult></DeleteResult>".into())
            }
            _ => Reply::error("405 Method Not Allowed", "MethodNotAllowed"),
        }
    }

    fn get(&self, key: &str, request: &Request) -> Reply {
        let Some((version, data)) = self.objects.get(key) else {
            return Reply::error("404 Not Found", "NoSuchKey");
        };
        let tag = format!("\"{version:x}\"");
        if request.if_match.as_ref().is_some_and(|wanted| *wanted != tag) {
            return Reply::error("412 Precondition Failed", "PreconditionFailed");
        }
        if request.if_none_match.as_ref() == Some(&tag) {
            return Reply::new("304 Not Modified");
        }
        let mut reply = Reply::new("200 OK");
        reply.body = data.clone();
        if let Some(range) = &request.range {
            let Some((first, last)) = within(range, data.len()) else {
                return Reply::error("416 Range Not Satisfiable", "InvalidRange");
            };
            reply.status = "206 Partial Content";
            reply.body = data.slice(first..=last);
            let _ = write!(reply.headers, "Content-Range: bytes {first}-{last}/{}\r\n", data.len());
        }
        let _ = write!(
            reply.headers,
            "ETag: {tag}\r\nAccept-Ranges: bytes\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/octet-stream\r\n"
        );
        if request.method == "HEAD" {
            reply.length = Some(reply.body.len());
            reply.body = Bytes::new();
        }
        reply
    }

    fn put(&mut self, key: &str, request: &Request, body: &Bytes) -> Reply {
        let there = self.objects.get(key).map(|(version, _)| format!("\"{version:x}\""));
        let fails = request.if_none_match.is_some() && there.is_some()
            || request.if_match.is_some() && request.if_match != there;
        if fails {
            return Reply::error("412 Precondition Failed", "PreconditionFailed");
        }
        self.version += 1;
        self.objects.insert(key.to_owned(), (self.version, body.clone()));
        let mut reply = Reply::new("200 OK");
        reply.headers = format!("ETag: \"{:x}\"\r\n", self.version);
        reply
    }

    /// A list of up to 1,000 keys, with what is needed to go on.
    fn list(&self, bucket: &str, query: &str) -> Reply {
        let mut asked = BTreeMap::new();
        for part in query.split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            asked.insert(name, unquoted(&value.replace('+', " ")).unwrap_or_default());
        }
        let word = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let root = format!("{}/", bucket.trim_end_matches('/'));
        let (prefix, delimiter) = (format!("{root}{}", word("prefix")), word("delimiter"));
        let from = word("continuation-token").max(word("start-after"));
        let (mut text, mut count, mut last, mut more) = (String::new(), 0, String::new(), false);
        let mut at = if from.is_empty() {
            Bound::Included(prefix.clone())
        } else {
            Bound::Excluded(root.clone() + &from)
        };
        while let Some((key, (version, data))) = self.objects.range((at.clone(), Bound::Unbounded)).next() {
            let Some(rest) = key.strip_prefix(&prefix) else { break };
            if count == 1000 {
                more = true;
                break;
            }
            count += 1;
            let cut = if delimiter.is_empty() {
                None
            } else {
                rest.find(&delimiter)
            };
            if let Some(cut) = cut {
                let folder = &key[..prefix.len() + cut + delimiter.len()];
                let _ = write!(
                    text,
                    "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>",
                    &folder[root.len()..]
                );
                last = format!("{folder}\u{10ffff}");
            } else {
                let _ = write!(
                    text,
                    "<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"{version:x}\"</ETag><Size>{}</Size></Contents>",
                    &key[root.len()..],
                    data.len()
                );
                last.clone_from(key);
            }
            at = Bound::Excluded(last.clone());
        }
        let token = if more {
            format!("<NextContinuationToken>{}</NextContinuationToken>", &last[root.len()..])
        } else {
            String::new()
        };
        Reply::xml(
            "200 OK",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><Name>{bucket}</Name><KeyCount>{count}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>{more}</IsTruncated>{token}{text}</ListBucketResult>"
            ),
        )
    }
}

/// The first and the last byte of a range as HTTP writes it.
fn within(range: &str, bytes: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = bytes.checked_sub(1)?;
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last && first <= end => Some((first, last.min(end))),
        (Ok(first), Err(_)) if last.is_empty() && first <= end => Some((first, end)),
        (Err(_), Ok(count)) if first.is_empty() && count > 0 => Some((bytes.saturating_sub(count), end)),
        _ => None,
    }
}

/// One connection.
struct Wire {
    stream: TcpStream,
    inbox: BytesMut,
}

impl Wire {
    /// Waits for more bytes; `false` when the other side is done.
    async fn more(&mut self) -> Result<bool> {
        loop {
            self.stream.readable().await?;
            self.inbox.reserve(256 << 10);
            match self.stream.try_read_buf(&mut self.inbox) {
                Ok(count) => return Ok(count > 0),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn head(&mut self) -> Result<Option<Request>> {
        loop {
            if let Some(end) = self.inbox.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.inbox.split_to(end + 4);
                return Ok(std::str::from_utf8(&head[..end]).ok().and_then(parse));
            }
            if self.inbox.len() > MOST_HEAD || !self.more().await? {
                return Ok(None);
            }
        }
    }

    async fn body(&mut self, request: &Request) -> Result<Option<Bytes>> {
        if request.waits_for_leave && self.inbox.len() < request.bytes {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n", b"").await?;
        }
        self.inbox.reserve(request.bytes.saturating_sub(self.inbox.len()));
        while self.inbox.len() < request.bytes {
            if !self.more().await? {
                return Ok(None);
            }
        }
        Ok(Some(self.inbox.split_to(request.bytes).freeze()))
    }

    async fn send(&mut self, mut head: &[u8], mut body: &[u8]) -> Result<()> {
        while !head.is_empty() || !body.is_empty() {
            match self
                .stream
                .try_write_vectored(&[IoSlice::new(head), IoSlice::new(body)])
            {
                Ok(count) => {
                    let of_head = count.min(head.len());
                    head = &head[of_head..];
                    body = &body[count - of_head..];
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn serve(mut self, state: Rc<RefCell<State>>) -> Result<()> {
        while let Some(request) = self.head().await? {
            let steers = request.path.starts_with('_');
            if !steers {
                let state = &mut *state.borrow_mut();
                state.requests += 1;
                state.in_flight += 1;
                state.most_in_flight = state.most_in_flight.max(state.in_flight);
            }
            let arrived = self.body(&request).await;
            let latency = state.borrow().latency;
            if !latency.is_zero() && !steers {
                tokio::time::sleep(latency).await;
            }
            if !steers {
                state.borrow_mut().in_flight -= 1;
            }
            let Some(body) = arrived? else { return Ok(()) };
            let reply = state.borrow_mut().reply(&request, &body);
            let length = reply.length.unwrap_or(reply.body.len());
            let head = format!(
                "HTTP/1.1 {}\r\n{}Content-Length: {length}\r\n\r\n",
                reply.status, reply.headers
            );
            self.send(head.as_bytes(), &reply.body).await?;
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        // Room for as many connections as clients begin at once: one that finds none tries again a second later.
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(4096)?;
        println!("http://{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let state = Rc::new(RefCell::new(State::default()));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let wire = Wire {
                stream,
                inbox: BytesMut::new(),
            };
            let state = Rc::clone(&state);
            // A connection that fails is the client's to notice.
            tokio::task::spawn_local(async move { wire.serve(state).await.ok() });
        }
    })
}
