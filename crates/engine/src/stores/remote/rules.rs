//! How requests are made: patience, what a refusal means, what every request carries, and what the program is asked.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

/// What the answer "forbidden" says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// These statuses mean that there is no such key.
    Statuses(Vec<u16>),
    /// 403 means it too, as long as another key of the place can be read.
    Auto,
}

/// What the program adds to a request.
#[derive(Debug, Clone, Default)]
pub struct Signed {
    /// The URL that is asked in place of the one that was told.
    pub url: Option<String>,
    /// Headers, which replace those of the same name.
    pub headers: Vec<(String, String)>,
}

/// The program's say in each request.
pub trait Sign: Send + Sync {
    /// What is added to a request of this method for this URL. Blocks.
    ///
    /// # Errors
    /// What the program raised, in words.
    fn sign(&self, method: &str, url: &str) -> Result<Signed, String>;
}

/// Keys that the program lends for a while.
#[derive(Clone, Default)]
pub struct Lent {
    /// The key's name; empty where a token is all.
    pub key_id: String,
    /// The key itself.
    pub secret: String,
    /// A session's token, or a bearer's.
    pub token: Option<String>,
    /// For how long from now; `None` for ever.
    pub lasts: Option<Duration>,
}

impl std::fmt::Debug for Lent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lent({:?})", self.lasts)
    }
}

/// Where keys come from that have to be asked for again and again.
pub trait Lend: Send + Sync {
    /// Keys that are good now. Blocks.
    ///
    /// # Errors
    /// What the program raised, in words.
    fn lend(&self) -> Result<Lent, String>;
}

/// How requests to one place are made.
#[derive(Clone)]
pub struct Rules {
    /// How long a server may be silent.
    pub timeout: Duration,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
    /// How often a request that failed in passing is made again.
    pub retries: u32,
    /// For how long it is made again; a server that asks for patience is given that long whatever `retries` says.
    pub retry_timeout: Duration,
    /// What a refusal says of a key.
    pub missing: Missing,
    /// What follows the `?` of every URL.
    pub query: String,
    /// What every request carries.
    pub headers: HeaderMap,
    /// Whom each request is shown to.
    pub sign: Option<Arc<dyn Sign>>,
    /// Who lends the keys.
    pub lend: Option<Arc<dyn Lend>>,
}

impl std::fmt::Debug for Rules {
    // Query and headers are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules")
            .field("missing", &self.missing)
            .finish_non_exhaustive()
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            retries: 10,
            retry_timeout: Duration::from_secs(60),
            missing: Missing::Statuses(vec![404]),
            query: String::new(),
            headers: HeaderMap::new(),
            sign: None,
            lend: None,
        }
    }
}

impl Rules {
    /// Takes one rule by name and says whether there is such a rule.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match name {
            "timeout" => self.timeout = seconds(name, value)?,
            "connect_timeout" => self.connect_timeout = seconds(name, value)?,
            "retry_timeout" => self.retry_timeout = seconds(name, value)?,
            "retries" => self.retries = value.parse().map_err(|_| format!("{name} is a count, not {value:?}"))?,
            "missing_status" => self.missing = missing(value)?,
            "query" => value.clone_into(&mut self.query),
            _ => match name.strip_prefix("header:") {
                Some(header) => {
                    let (header, value) = header_line(header, value)?;
                    self.headers.insert(header, value);
                }
                None => return Ok(false),
            },
        }
        Ok(true)
    }
}

/// A header's name and value, in the forms that a request takes.
pub fn header_line(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let header = HeaderName::try_from(name).map_err(|_| format!("{name:?} is no name of a header"))?;
    // The value may be a secret: it is not repeated.
    let mut value = HeaderValue::try_from(value).map_err(|_| format!("the value of the header {name:?} is none"))?;
    value.set_sensitive(true);
    Ok((header, value))
}

fn seconds(name: &str, value: &str) -> Result<Duration, String> {
    let count: Option<f64> = value.parse().ok().filter(|count: &f64| *count > 0.0);
    count
        .and_then(|count| Duration::try_from_secs_f64(count).ok())
        .ok_or_else(|| format!("{name} is a number of seconds above 0, not {value:?}"))
}

fn missing(value: &str) -> Result<Missing, String> {
    if value == "auto" {
        return Ok(Missing::Auto);
    }
    let codes: Option<Vec<u16>> = value.split(',').map(|code| code.trim().parse().ok()).collect();
    match codes {
        Some(codes) if codes.iter().all(|code| (400..500).contains(code)) => Ok(Missing::Statuses(codes)),
        _ => Err(format!(
            "missing_status is \"auto\" or statuses from 400 to 499, as in {{404, 403}}; not {value:?}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_taken_by_name_and_refuse_what_makes_no_sense() {
        let mut rules = Rules::default();
        assert_eq!(rules.take("timeout", "0.5"), Ok(true));
        assert_eq!(rules.timeout, Duration::from_millis(500));
        assert_eq!(rules.take("missing_status", "404,403"), Ok(true));
        assert_eq!(rules.missing, Missing::Statuses(vec![404, 403]));
        assert_eq!(rules.take("missing_status", "auto"), Ok(true));
        assert_eq!(rules.take("header:x-a", "b"), Ok(true));
        assert_eq!(rules.take("bucket", "b"), Ok(false));
        for (name, value) in [
            ("timeout", "0"),
            ("timeout", "-1"),
            ("timeout", "nan"),
            ("timeout", "1e300"),
            ("retries", "-1"),
            ("missing_status", "500"),
            ("missing_status", "yes"),
            ("header:a b", "c"),
            ("header:a", "b\nc"),
        ] {
            assert!(rules.take(name, value).is_err(), "{name} {value}");
        }
    }
}
