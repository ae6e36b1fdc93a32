//! A client that counts what is asked of it: `zarrite.stats` shows the sums.
//!
//! A request that was tried again counts once; bytes are those of objects, as many as the answer announces.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream::BoxStream;
use futures_util::{Future, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

/// What was asked of stores on a network by this process.
#[derive(Debug, Default)]
pub struct Requests {
    get: AtomicU64,
    head: AtomicU64,
    put: AtomicU64,
    delete: AtomicU64,
    list: AtomicU64,
    copy: AtomicU64,
    in_bytes: AtomicU64,
    out_bytes: AtomicU64,
}

/// The sums of the process.
pub static REQUESTS: Requests = Requests {
    get: AtomicU64::new(0),
    head: AtomicU64::new(0),
    put: AtomicU64::new(0),
    delete: AtomicU64::new(0),
    list: AtomicU64::new(0),
    copy: AtomicU64::new(0),
    in_bytes: AtomicU64::new(0),
    out_bytes: AtomicU64::new(0),
};

impl Requests {
    /// The sums by name; `reset` begins anew.
    pub fn counts(&self, reset: bool) -> [(&'static str, u64); 8] {
        let sum = |count: &AtomicU64| {
            if reset {
                count.swap(0, Ordering::Relaxed)
            } else {
                count.load(Ordering::Relaxed)
            }
        };
        [
            ("get", sum(&self.get)),
            ("head", sum(&self.head)),
            ("put", sum(&self.put)),
            ("delete", sum(&self.delete)),
            ("list", sum(&self.list)),
            ("copy", sum(&self.copy)),
            ("in_bytes", sum(&self.in_bytes)),
            ("out_bytes", sum(&self.out_bytes)),
        ]
    }
}

fn one(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// The client.
#[derive(Debug)]
pub struct Counted {
    inner: Arc<dyn ObjectStore>,
}

impl Counted {
    /// The same client, counted.
    pub fn of(inner: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        Arc::new(Self { inner })
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(to)
    }
}

/// What the trait's asynchronous methods give.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

impl ObjectStore for Counted {
    fn put_opts<'one, 'two, 'out>(
        &'one self,
        location: &'two Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Answer<'out, PutResult>
    where
        'one: 'out,
        'two: 'out,
    {
        one(&REQUESTS.put);
        REQUESTS
            .out_bytes
            .fetch_add(payload.content_length() as u64, Ordering::Relaxed);
        self.inner.put_opts(location, payload, options)
    }

    fn put_multipart_opts<'one, 'two, 'out>(
        &'one self,
        location: &'two Path,
        options: PutMultipartOptions,
    ) -> Answer<'out, Box<dyn MultipartUpload>>
    where
        'one: 'out,
        'two: 'out,
    {
        one(&REQUESTS.put);
        self.inner.put_multipart_opts(location, options)
    }

    fn get_opts<'one, 'two, 'out>(&'one self, location: &'two Path, options: GetOptions) -> Answer<'out, GetResult>
    where
        'one: 'out,
        'two: 'out,
    {
        let head = options.head;
        one(if head { &REQUESTS.head } else { &REQUESTS.get });
        let answer = self.inner.get_opts(location, options);
        if head {
            return answer;
        }
        Box::pin(async move {
            let found = answer.await?;
            let bytes = found.range.end.saturating_sub(found.range.start);
            REQUESTS.in_bytes.fetch_add(bytes, Ordering::Relaxed);
            Ok(found)
        })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let answers = self.inner.delete_stream(locations);
        answers.inspect(|_| one(&REQUESTS.delete)).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        one(&REQUESTS.list);
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        one(&REQUESTS.list);
        self.inner.list_with_offset(prefix, offset)
    }

    fn list_with_delimiter<'one, 'two, 'out>(&'one self, prefix: Option<&'two Path>) -> Answer<'out, ListResult>
    where
        'one: 'out,
        'two: 'out,
    {
        one(&REQUESTS.list);
        self.inner.list_with_delimiter(prefix)
    }

    fn copy_opts<'one, 'two, 'three, 'out>(
        &'one self,
        from: &'two Path,
        to: &'three Path,
        options: CopyOptions,
    ) -> Answer<'out, ()>
    where
        'one: 'out,
        'two: 'out,
        'three: 'out,
    {
        one(&REQUESTS.copy);
        self.inner.copy_opts(from, to, options)
    }
}
