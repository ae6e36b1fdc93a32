//! Which place on a network is meant, and how it is asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{ClientConfigKey, ClientOptions, ObjectStore, RetryConfig};

use super::said;
use crate::store::{Error, Result};

/// How long a request that fails in passing is tried again.
const RETRY: Duration = Duration::from_secs(60);

/// A place on a network.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bucket, container or server, without a slash at its end.
    pub url: String,
    /// Names the place within this process.
    pub identity: String,
    /// Whether puts and deletes are refused.
    pub read_only: bool,
    options: BTreeMap<String, String>,
    from_environment: bool,
}

impl Settings {
    /// The place that `root` (a bucket, a container, a server) names. Options go by the names of the crate `object_store`;
    /// `from_environment` reads those that the environment sets first.
    pub fn new(root: &str, options: BTreeMap<String, String>, from_environment: bool, read_only: bool) -> Self {
        let url = root.trim_end_matches('/').to_owned();
        let endpoint = options.get("endpoint").map_or("", String::as_str).trim_end_matches('/');
        let identity = if endpoint.is_empty() {
            url.clone()
        } else {
            format!("{endpoint}|{url}")
        };
        Self {
            url,
            identity,
            read_only,
            options,
            from_environment,
        }
    }

    /// The client that speaks to the place; `deletes_singly` where the server takes no batches.
    ///
    /// # Errors
    /// [`Error::Io`] naming the option or what is missing.
    pub fn build(&self, deletes_singly: bool) -> Result<Arc<dyn ObjectStore>> {
        // The cryptography of connections; a program that chose another keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig {
            retry_timeout: RETRY,
            ..RetryConfig::default()
        };
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        let built: object_store::Result<Arc<dyn ObjectStore>> = match scheme {
            "s3" | "s3a" => {
                let start = if self.from_environment {
                    AmazonS3Builder::from_env()
                } else {
                    AmazonS3Builder::new()
                };
                let mut builder = start.with_url(self.url.as_str()).with_retry(retry);
                if deletes_singly {
                    builder = builder.with_disable_bulk_delete(true);
                }
                for (name, value) in &self.options {
                    builder = builder.with_config(self.option(name)?, value);
                }
                builder.build().map(|client| Arc::new(client) as _)
            }
            "gs" | "gcs" => {
                let start = if self.from_environment {
                    GoogleCloudStorageBuilder::from_env()
                } else {
                    GoogleCloudStorageBuilder::new()
                };
                let root = self.url.replacen("gcs://", "gs://", 1);
                let mut builder = start.with_url(root).with_retry(retry);
                for (name, value) in &self.options {
                    builder = builder.with_config(self.option(name)?, value);
                }
                builder.build().map(|client| Arc::new(client) as _)
            }
            "az" | "abfs" | "abfss" | "azure" | "adl" => {
                let start = if self.from_environment {
                    MicrosoftAzureBuilder::from_env()
                } else {
                    MicrosoftAzureBuilder::new()
                };
                let mut builder = start.with_url(self.url.as_str()).with_retry(retry);
                for (name, value) in &self.options {
                    builder = builder.with_config(self.option(name)?, value);
                }
                builder.build().map(|client| Arc::new(client) as _)
            }
            "http" | "https" => {
                let mut client = ClientOptions::new().with_allow_http(true);
                for (name, value) in &self.options {
                    client = client.with_config(self.option::<ClientConfigKey>(name)?, value);
                }
                let builder = HttpBuilder::new().with_url(self.url.as_str());
                let built = builder.with_client_options(client).with_retry(retry).build();
                built.map(|client| Arc::new(client) as _)
            }
            _ => return Err(self.refused(&format!("no store is reached by {scheme:?}"))),
        };
        built.map_err(|error| self.refused(&said(&error)))
    }

    fn option<Key: std::str::FromStr>(&self, name: &str) -> Result<Key> {
        name.parse()
            .map_err(|_| self.refused(&format!("this kind of store has no option {name:?}")))
    }

    fn refused(&self, why: &str) -> Error {
        Error::Io {
            key: self.url.clone(),
            errno: None,
            why: why.to_owned(),
        }
    }
}
