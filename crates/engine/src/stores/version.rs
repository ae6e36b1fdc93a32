//! What tells one content of a key from another.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What tells one content of a key from another. Cheap to copy; equal versions mean that nothing was put in between.
#[derive(Clone)]
pub struct Version(Mark);

#[derive(Clone)]
enum Mark {
    Counter(u64),
    Tag(Arc<str>),
    Words {
        words: [u64; 5],
        _pin: Option<Arc<dyn Send + Sync>>,
    },
}

impl Version {
    /// A version that is a number which never comes back.
    pub fn counter(count: u64) -> Self {
        Self(Mark::Counter(count))
    }

    /// A version that is a server's word for it.
    pub fn tag(tag: &str) -> Self {
        Self(Mark::Tag(tag.into()))
    }

    /// The server's word, where it is one.
    pub fn as_tag(&self) -> Option<&str> {
        match &self.0 {
            Mark::Tag(tag) => Some(tag),
            _ => None,
        }
    }

    /// The version for who keeps it long after it was read: it holds nothing open. `None` where a later content could look the
    /// same, because the file changed so lately that its times might not tell, or because the server named no version.
    pub fn to_keep(&self) -> Option<Self> {
        // No clock of a file system ticks slower than the first; one that shows whole seconds may tick every other.
        const TICK_NS: u64 = 50_000_000;
        const COARSE_TICK_NS: u64 = 3_000_000_000;
        match &self.0 {
            Mark::Counter(_) => Some(self.clone()),
            Mark::Tag(tag) => (!tag.is_empty()).then(|| self.clone()),
            Mark::Words { words, .. } => {
                let changed = words[3].max(words[4]);
                let tick = if changed.is_multiple_of(1_000_000_000) {
                    COARSE_TICK_NS
                } else {
                    TICK_NS
                };
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
                (now > changed.saturating_add(tick)).then(|| Self::words(*words, None))
            }
        }
    }

    /// The version as text that another process understands; `None` where it means something in this one alone.
    pub fn to_text(&self) -> Option<String> {
        match &self.0 {
            Mark::Counter(_) => None,
            Mark::Tag(tag) => Some(format!("tag {tag}")).filter(|text| !text.contains('\n')),
            Mark::Words { words, .. } => Some(format!("file {}", words.map(|word| word.to_string()).join(" "))),
        }
    }

    /// A version from its text.
    pub fn from_text(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(' ')?;
        match kind {
            "tag" => Some(Self::tag(rest)),
            "file" => {
                let words: Option<Vec<u64>> = rest.split(' ').map(|word| word.parse().ok()).collect();
                Some(Self::words(words?.try_into().ok()?, None))
            }
            _ => None,
        }
    }

    /// A version made of what a file system says of a file (device, inode, bytes, times).
    ///
    /// `pin` keeps the file's inode from being given to another file while the version lives: file systems reuse the
    /// number at once, and within one tick of their clock a later content could look like an earlier one.
    pub fn words(words: [u64; 5], pin: Option<Arc<dyn Send + Sync>>) -> Self {
        Self(Mark::Words { words, _pin: pin })
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Mark::Counter(one), Mark::Counter(two)) => one == two,
            (Mark::Tag(one), Mark::Tag(two)) => one == two,
            (Mark::Words { words: one, .. }, Mark::Words { words: two, .. }) => one == two,
            _ => false,
        }
    }
}

impl Eq for Version {}

impl std::fmt::Debug for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Mark::Counter(count) => write!(f, "Version({count})"),
            Mark::Tag(tag) => write!(f, "Version({tag:?})"),
            Mark::Words { words, .. } => write!(f, "Version({words:?})"),
        }
    }
}
