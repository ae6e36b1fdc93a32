//! Which place on a network is meant, and how it is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::{ClientConfigKey, ClientOptions, ObjectStore, RetryConfig};

use super::failures::said;
use super::lending;
use super::rules::Rules;
use super::wire::Connector;
use crate::store::{Error, Result};

/// The builder of a cloud, told what this place is: all are told alike, and they have no trait in common.
macro_rules! cloud {
    ($settings:expr, $builder:ident, $key:ident, $lending:path, $root:expr, $retry:expr, $patience:expr) => {{
        let start = if $settings.from_environment {
            $builder::from_env()
        } else {
            $builder::new()
        };
        let mut builder = start
            .with_url($root)
            .with_retry($retry)
            .with_http_connector(Connector::new(Arc::clone(&$settings.rules), String::new()));
        for (key, value) in $patience {
            builder = builder.with_config($key::Client(key), value);
        }
        if let Some(source) = &$settings.rules.lend {
            builder = builder.with_credentials($lending(Arc::clone(source)));
        }
        for (name, value) in &$settings.options {
            builder = builder.with_config($settings.option(name)?, value);
        }
        builder
    }};
}

/// A place on a network.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bucket, container or server, without a slash at its end.
    pub url: String,
    /// Names the place within this process.
    pub identity: String,
    /// Whether puts and deletes are refused.
    pub read_only: bool,
    /// How it is asked.
    pub rules: Arc<Rules>,
    options: BTreeMap<String, String>,
    from_environment: bool,
}

impl Settings {
    /// The place that `root` (a bucket, a container, a server) names. Options go by the names of the crate `object_store`;
    /// `from_environment` reads those that the environment sets first. Two places whose options differ have two identities:
    /// what was opened with one credential is not read with another.
    pub fn new(
        root: &str,
        options: BTreeMap<String, String>,
        rules: Rules,
        from_environment: bool,
        read_only: bool,
        distinct: &str,
    ) -> Self {
        let url = root.trim_end_matches('/').to_owned();
        let digest = digest(&(&options, &rules.query, distinct, from_environment));
        Self {
            identity: format!("{url}#{digest:016x}"),
            url,
            read_only,
            rules: Arc::new(rules),
            options,
            from_environment,
        }
    }

    /// Whether conditional puts are known to do what they say: those of the clouds do, and of a server that the option
    /// `conditional_put` vouches for.
    pub fn keeps_conditions(&self) -> bool {
        let given = |name: &str| {
            ["", "aws_"].iter().any(|start| {
                self.options
                    .get(&format!("{start}{name}"))
                    .is_some_and(|value| !value.is_empty())
            })
        };
        let from_environment = || {
            self.from_environment
                && ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"]
                    .iter()
                    .any(|name| std::env::var_os(name).is_some())
        };
        !self.url.starts_with("s3") || given("conditional_put") || !(given("endpoint") || from_environment())
    }

    /// The client that speaks to the place; `deletes_singly` where the server takes no batches.
    ///
    /// # Errors
    /// [`Error::Io`] naming the option or what is missing.
    pub fn build(&self, deletes_singly: bool) -> Result<Arc<dyn ObjectStore>> {
        // The cryptography of connections; a program that chose another keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        for name in ["endpoint", "base_url"] {
            if let Some(url) = self.options.get(name) {
                let parsed = url.parse::<http::Uri>().ok().filter(|url| url.host().is_some());
                if parsed.is_none_or(|url| !matches!(url.scheme_str(), Some("http" | "https"))) {
                    return Err(self.refused(&format!("{url:?} is not the URL of a server")));
                }
            }
        }
        let rules = &self.rules;
        // What fails in passing is asked again below the dialects, in `wire.rs`; so is the patience with silence.
        let retry = RetryConfig {
            max_retries: 0,
            retry_timeout: rules.retry_timeout,
            ..RetryConfig::default()
        };
        let patience = [
            (ClientConfigKey::Timeout, "1day".to_owned()),
            (
                ClientConfigKey::ConnectTimeout,
                format!("{}ms", rules.connect_timeout.as_millis().max(1)),
            ),
        ];
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        let built: object_store::Result<Arc<dyn ObjectStore>> = match scheme {
            "s3" | "s3a" => {
                let mut builder = cloud!(
                    self,
                    AmazonS3Builder,
                    AmazonS3ConfigKey,
                    lending::aws,
                    &self.url,
                    retry,
                    patience
                );
                if deletes_singly {
                    builder = builder.with_config(AmazonS3ConfigKey::DisableBulkDelete, "true");
                }
                builder.build().map(|client| Arc::new(client) as _)
            }
            "gs" | "gcs" => {
                let root = self.url.replacen("gcs://", "gs://", 1);
                cloud!(
                    self,
                    GoogleCloudStorageBuilder,
                    GoogleConfigKey,
                    lending::google,
                    root,
                    retry,
                    patience
                )
                .build()
                .map(|client| Arc::new(client) as _)
            }
            "az" | "abfs" | "abfss" | "azure" | "adl" => cloud!(
                self,
                MicrosoftAzureBuilder,
                AzureConfigKey,
                lending::azure,
                &self.url,
                retry,
                patience
            )
            .build()
            .map(|client| Arc::new(client) as _),
            "http" | "https" => {
                let mut client = ClientOptions::new().with_allow_http(true);
                for (key, value) in patience {
                    client = client.with_config(key, value);
                }
                for (name, value) in &self.options {
                    client = client.with_config(self.option::<ClientConfigKey>(name)?, value);
                }
                let host = self.url.parse::<http::Uri>().ok();
                let host = host.and_then(|url| url.host().map(str::to_owned)).unwrap_or_default();
                let builder = HttpBuilder::new()
                    .with_url(self.url.as_str())
                    .with_client_options(client)
                    .with_retry(retry)
                    .with_http_connector(Connector::new(Arc::clone(rules), host));
                builder.build().map(|client| Arc::new(client) as _)
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

/// Tells values apart within this process, and says nothing of them: the key of the digest is made by chance when it starts.
fn digest(value: &impl std::hash::Hash) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    static KEY: std::sync::OnceLock<RandomState> = std::sync::OnceLock::new();
    KEY.get_or_init(RandomState::new).hash_one(value)
}
