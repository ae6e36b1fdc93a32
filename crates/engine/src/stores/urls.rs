//! How places are written: what a store prints, `zarrite.open` opens.
//!
//! Source: RFC 3986; the URL pipelines of ZEP 8, where `|` stands between two stages.

use std::borrow::Cow;
use std::fmt::Write;

/// A path as it stands in a URL: what a URL gives a meaning of its own is escaped, everything else is left to be read.
///
/// ```
/// assert_eq!(zarrite_engine::stores::urls::escaped("a b/50%|c"), "a b/50%25%7Cc");
/// ```
pub fn escaped(path: &str) -> Cow<'_, str> {
    let reserved = |byte: u8| matches!(byte, b'%' | b'|' | b'?' | b'#') || byte.is_ascii_control();
    if !path.bytes().any(reserved) && !path.contains("::") {
        return Cow::Borrowed(path);
    }
    let mut text = String::with_capacity(path.len() + 8);
    for letter in path.chars() {
        match u8::try_from(letter) {
            Ok(byte) if reserved(byte) || (byte == b':' && text.ends_with(':')) => {
                let _ = write!(text, "%{byte:02X}");
            }
            _ => text.push(letter),
        }
    }
    Cow::Owned(text)
}

/// The URL of what lies at a path below a place.
pub fn below(url: &str, path: &str) -> String {
    if path.is_empty() {
        return url.to_owned();
    }
    let path = escaped(path);
    // The body of a stage that has none yet begins with the path.
    if url.ends_with(':') && url.contains('|') {
        return format!("{url}{path}");
    }
    // What follows `?` in the last stage goes to the server with every key.
    let last = url.rfind('|').map_or(0, |place| place + 1);
    match url[last..].split_once('?') {
        Some((place, query)) => format!("{}{}/{path}?{query}", &url[..last], without_slash(place)),
        None => format!("{}/{path}", without_slash(url)),
    }
}

fn without_slash(url: &str) -> &str {
    url.strip_suffix('/').unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_reserves_is_escaped_and_letters_are_not() {
        assert_eq!(escaped("a/ä b/c.zarr"), "a/ä b/c.zarr");
        assert_eq!(escaped("a?b#c%d|e\n"), "a%3Fb%23c%25d%7Ce%0A");
        assert_eq!(
            escaped("a:b::c:::d"),
            "a:b:%3Ac:%3A:d",
            "two colons make a chain of fsspec's"
        );
    }

    #[test]
    fn a_path_goes_behind_the_last_stage_and_before_its_query() {
        assert_eq!(below("s3://b", "k/l"), "s3://b/k/l");
        assert_eq!(below("file:///d/", ""), "file:///d/");
        assert_eq!(below("file:///", "d"), "file:///d");
        assert_eq!(below("memory://", "d"), "memory://d");
        assert_eq!(below("s3://b/a.zip|zip:", "k"), "s3://b/a.zip|zip:k");
        assert_eq!(below("s3://b/a.zip|zip:k/", "l"), "s3://b/a.zip|zip:k/l");
        assert_eq!(below("https://h/a?sig=1/2", "k"), "https://h/a/k?sig=1/2");
        assert_eq!(below("https://h/a.zip?sig=1|zip:", "k"), "https://h/a.zip?sig=1|zip:k");
    }
}
