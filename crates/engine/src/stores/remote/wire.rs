//! The way of a request to a server and back, below the dialects: who may ask now, what is asked again, and when an answer is whole.
//!
//! Everything is retried here and nowhere else, body included, so that one budget holds for a request and a torn answer is not
//! told from one that never came.

use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Uri};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService, ReqwestConnector,
};

use super::answer::{self, Wanted};
use super::failures::said;
use super::pace::Pace;
use super::rules::{Rules, header_line};

/// A line that carries less is as good as silent.
const SLOWEST_BYTES_PER_S: u64 = 64 * 1024;
/// The wait before the first retry; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// Where a cloud's machines ask who they are. Elsewhere nobody answers, and there is no point in insisting.
const METADATA_HOSTS: [&str; 4] = [
    "169.254.169.254",
    "169.254.170.2",
    "[fd00:ec2::254]",
    "metadata.google.internal",
];

/// An answer that is no success, or none at all.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    /// The status; `None` where no whole answer came.
    pub status: Option<u16>,
    /// The server's word for the cause, as S3 and its kin give one.
    pub code: String,
    /// In words.
    pub why: String,
    /// Whether a server of credentials was asked.
    pub who_am_i: bool,
}

/// Goes with a request: whether it may have been carried out before its last answer came.
#[derive(Debug, Clone, Default)]
pub struct Doubt(Arc<AtomicBool>);

impl Doubt {
    /// Whether an earlier answer was lost.
    pub fn is_there(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Makes the connections of one place.
#[derive(Debug, Clone)]
pub struct Connector {
    rules: Arc<Rules>,
    pace: Arc<Pace>,
    /// The server of the place; others are asked for credentials alone.
    host: String,
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pace")
    }
}

impl Connector {
    /// For requests by these rules; `host` alone is shown the query, the headers and the signature, where it is not empty.
    pub fn new(rules: Arc<Rules>, host: String) -> Self {
        let pace = Arc::default();
        Self { rules, pace, host }
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Wire {
            inner,
            place: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct Wire {
    inner: HttpClient,
    place: Connector,
}

impl HttpService for Wire {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            self.ask(request)
                .await
                .map_err(|refusal| HttpError::new(HttpErrorKind::Unknown, refusal))
        })
    }
}

/// Why a request is made again.
struct Again {
    why: Refusal,
    /// Whether the server may have carried it out.
    acted: bool,
    /// The server asked for patience.
    patience: bool,
    /// For how long it asked.
    wait: Option<Duration>,
}

impl Again {
    fn broken(why: String, acted: bool) -> Self {
        let why = Refusal {
            status: None,
            code: String::new(),
            why,
            who_am_i: false,
        };
        Self {
            why,
            acted,
            patience: false,
            wait: None,
        }
    }
}

enum Outcome {
    Answer(HttpResponse),
    Refused(Refusal),
    Again(Again),
}

impl Wire {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        let (parts, body) = request.into_parts();
        let (rules, pace) = (&self.place.rules, &self.place.pace);
        let host = parts.uri.host().unwrap_or_default();
        let who_am_i = METADATA_HOSTS.contains(&host);
        let most = if who_am_i { 1 } else { rules.retries };
        let (start, mut asked, mut again_count) = (Instant::now(), 0_u32, 0_u32);
        loop {
            let turn = pace.turn().await;
            let outcome = self.once(&parts, &body).await;
            asked += 1;
            let again = match outcome {
                Outcome::Answer(answer) => {
                    pace.well();
                    return Ok(answer);
                }
                Outcome::Refused(mut refusal) => {
                    refusal.who_am_i = who_am_i;
                    return Err(refusal);
                }
                Outcome::Again(again) => again,
            };
            if again.patience {
                let left = rules.retry_timeout.saturating_sub(start.elapsed());
                pace.slow(again.wait.map(|wait| wait.min(left)));
            } else {
                again_count += 1;
            }
            drop(turn);
            if again.acted
                && let Some(doubt) = parts.extensions.get::<Doubt>()
            {
                doubt.0.store(true, Ordering::Release);
            }
            let left = rules.retry_timeout.saturating_sub(start.elapsed());
            if again_count > most || left.is_zero() {
                let mut refusal = again.why;
                refusal.who_am_i = who_am_i;
                refusal.why = format!(
                    "{} (asked {asked} {} in {:.1} s)",
                    refusal.why,
                    if asked == 1 { "time" } else { "times" },
                    start.elapsed().as_secs_f64()
                );
                return Err(refusal);
            }
            // The last try comes when the time is up.
            tokio::time::sleep(wait_before(asked).min(left)).await;
        }
    }

    /// Makes the request one time, and takes the whole answer.
    async fn once(&self, parts: &Parts, body: &HttpRequestBody) -> Outcome {
        let rules = &self.place.rules;
        let request = match self.dressed(parts, body).await {
            Ok(request) => request,
            Err(why) => {
                return Outcome::Refused(Refusal {
                    status: None,
                    code: String::new(),
                    why,
                    who_am_i: false,
                });
            }
        };
        let sending = Duration::from_secs(body.content_length() as u64 / SLOWEST_BYTES_PER_S);
        let answered = tokio::time::timeout(rules.timeout + sending, self.inner.execute(request)).await;
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let acted = error.kind() != HttpErrorKind::Connect;
                return Outcome::Again(Again::broken(said(&error), acted));
            }
            Err(_) => return Outcome::Again(Again::broken(silent(rules.timeout + sending), true)),
        };
        let wanted = Wanted::of(parts);
        let (head, body) = response.into_parts();
        let status = head.status;
        if status.is_success() {
            return match self.taken(&wanted, head, body).await {
                Ok(answer) => Outcome::Answer(answer),
                Err(outcome) => outcome,
            };
        }
        let text = error_text(rules.timeout, body).await;
        let (code, message) = answer::cause(&text);
        let conditional = parts.headers.contains_key(http::header::IF_MATCH)
            || parts.headers.contains_key(http::header::IF_NONE_MATCH)
            || parts.headers.contains_key("x-goog-if-generation-match");
        let patience = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let passing = patience
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT
                    | StatusCode::INTERNAL_SERVER_ERROR
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::GATEWAY_TIMEOUT
            )
            || (status == StatusCode::BAD_REQUEST && code == "RequestTimeout")
            || (status == StatusCode::CONFLICT && matches!(&*code, "ConditionalRequestConflict" | "OperationAborted"));
        // What the dialects read out of a status they are told.
        // To a list (PROPFIND) a plain web server answers 404 too: nothing is said of what lies below.
        let told = (status == StatusCode::NOT_FOUND
            && code != "NoSuchBucket"
            && code != "ContainerNotFound"
            && parts.method.as_str() != "PROPFIND")
            || (conditional && matches!(status, StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT))
            || matches!(status, StatusCode::NOT_MODIFIED)
            || (status == StatusCode::METHOD_NOT_ALLOWED && parts.method == Method::GET);
        if told && !passing {
            return Outcome::Answer(HttpResponse::from_parts(head, HttpResponseBody::from(text)));
        }
        let mut why = answer::in_words(status, &code, &message);
        if let Some(region) = head
            .headers
            .get("x-amz-bucket-region")
            .and_then(|region| region.to_str().ok())
            && matches!(status.as_u16(), 301 | 307 | 400)
        {
            let _ = write!(why, "; the bucket is in the region {region:?}: pass it as region_name");
        }
        let why = Refusal {
            status: Some(status.as_u16()),
            why,
            code,
            who_am_i: false,
        };
        if passing {
            let wait = head.headers.get(http::header::RETRY_AFTER).and_then(retry_after);
            return Outcome::Again(Again {
                why,
                acted: !patience,
                patience,
                wait,
            });
        }
        Outcome::Refused(why)
    }

    /// Takes the body of a success, and makes it the answer to what was asked.
    async fn taken(
        &self,
        wanted: &Wanted,
        head: http::response::Parts,
        body: HttpResponseBody,
    ) -> Result<HttpResponse, Outcome> {
        let torn = |why: String| Outcome::Again(Again::broken(why, true));
        if wanted.head {
            return Ok(HttpResponse::from_parts(head, body));
        }
        let mut taking = answer::Taking::new(wanted, &head).map_err(Outcome::Refused)?;
        let mut frames = body.bytes_stream();
        loop {
            match tokio::time::timeout(self.place.rules.timeout, frames.next()).await {
                Ok(Some(Ok(bytes))) => {
                    if !taking.take(&bytes).map_err(Outcome::Refused)? {
                        break;
                    }
                }
                Ok(None) => break,
                Ok(Some(Err(error))) => return Err(torn(format!("the answer breaks off: {}", said(&error)))),
                Err(_) => return Err(torn(silent(self.place.rules.timeout))),
            }
        }
        match taking.done(head) {
            Ok((head, bytes)) => Ok(HttpResponse::from_parts(head, bytes.into())),
            Err(answer::Wrong::Torn(why)) => Err(torn(why)),
            Err(answer::Wrong::Refused(refusal)) => Err(Outcome::Refused(refusal)),
        }
    }

    /// The request with what every one of the place carries, and what the program adds.
    async fn dressed(&self, parts: &Parts, body: &HttpRequestBody) -> Result<HttpRequest, String> {
        let rules = &self.place.rules;
        let mut request = HttpRequest::new(body.clone());
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = parts.uri.clone();
        *request.headers_mut() = parts.headers.clone();
        if !self.place.host.is_empty() && parts.uri.host() != Some(&self.place.host) {
            return Ok(request);
        }
        for (name, value) in &rules.headers {
            request.headers_mut().insert(name, value.clone());
        }
        if !rules.query.is_empty() {
            let joint = if parts.uri.query().is_some() { '&' } else { '?' };
            let url = format!("{}{joint}{}", parts.uri, rules.query);
            *request.uri_mut() = uri(&url)?;
        }
        let Some(sign) = rules.sign.clone() else {
            return Ok(request);
        };
        let (method, url) = (parts.method.to_string(), request.uri().to_string());
        // The program may take its time; other requests go on.
        let asked = tokio::task::spawn_blocking(move || sign.sign(&method, &url)).await;
        let signed = asked.map_err(|_| "the function `sign` did not come back".to_owned())??;
        if let Some(url) = &signed.url {
            *request.uri_mut() = uri(url)?;
        }
        for (name, value) in &signed.headers {
            let (name, value) = header_line(name, value)?;
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }
}

/// A URL that the program made; it is not repeated, since it may hold a secret.
fn uri(url: &str) -> Result<Uri, String> {
    let made: Uri = url.parse().map_err(|_| "the signed URL is no URL".to_owned())?;
    match made.scheme_str() {
        Some("http" | "https") if made.host().is_some() => Ok(made),
        _ => Err("the signed URL names no server".to_owned()),
    }
}

fn silent(wait: Duration) -> String {
    format!("the server was silent for {:.1} s", wait.as_secs_f64())
}

/// What a server says of a failure, as far as it is short.
async fn error_text(timeout: Duration, body: HttpResponseBody) -> String {
    const MOST: usize = 16 * 1024;
    let mut text = Vec::new();
    let mut frames = body.bytes_stream();
    while let Ok(Some(Ok(bytes))) = tokio::time::timeout(timeout, frames.next()).await {
        let room = MOST - text.len();
        text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if text.len() == MOST {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The wait before another try: doubled each time, and spread so that those who failed together do not come back together.
fn wait_before(tries: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let full = FIRST_WAIT
        .saturating_mul(1 << tries.saturating_sub(1).min(16))
        .min(LONGEST_WAIT);
    let chance = RandomState::new().hash_one(tries) % 1024;
    full / 2 + full.mul_f64(chance as f64 / 1024.0)
}

fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let seconds: f64 = value.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}
