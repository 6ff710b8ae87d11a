//! The cases of `cases.json`, made real.

use crate::fixtures::application::Application as EntraApplication;
use crate::fixtures::spin_host::{Application, SpinHost, runtime};
use crate::fixtures::{Azure, Check, HOUR, secrets};
use cache_health_local_azure::certificates::Leaf;
use cache_health_local_azure::identity::Behaviour;
use cache_health_local_azure::issuer::Proof;
use cache_health_local_azure::token::{self, Token};
use cache_health_report::{Document, Status, Step};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::PathBuf;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    pub name: String,
    auth: String,
    identity: bool,
    /// A service principal: whether it is registered with the secret that is configured.
    #[serde(default)]
    principal: Option<String>,
    key: String,
    fault: String,
    pub expect: Expectation,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    pub status: Status,
    pub kind: Option<String>,
    pub step: Option<Step>,
    code: Option<String>,
    warning: Option<String>,
    pub method: Option<String>,
    fallback_reason: Option<String>,
}

/// A case made real.
pub struct Scene {
    pub azure: Azure,
    environment: HashMap<&'static str, String>,
    ca_file: PathBuf,
    _entra: Option<EntraApplication>,
    _foreign: Option<Azure>,
}

impl Scene {
    pub fn of(case: &Case) -> Self {
        let azure = match case.fault.as_str() {
            "wrong-name" => Azure::with_leaf(&Leaf {
                names: vec!["elsewhere.test".into()],
                ..Leaf::default()
            }),
            "expired" => {
                let (starts, ends) = (time::Duration::days(-9), time::Duration::days(-1));
                Azure::with_leaf(&Leaf {
                    starts,
                    ends,
                    ..Leaf::default()
                })
            }
            "out-of-memory" => Azure::with(|redis| {
                redis
                    .config
                    .extend(["maxmemory 1".into(), "maxmemory-policy noeviction".into()]);
            }),
            "cluster-down" => Azure::with(|redis| redis.cluster = true),
            _ => Azure::start(),
        };
        let foreign = (case.fault == "unknown-ca").then(Azure::start);
        let ca_file = foreign.as_ref().unwrap_or(&azure).redis.ca_file();
        let mut environment = HashMap::from([
            ("REDIS_HOST", "localhost".to_owned()),
            ("REDIS_PORT", azure.redis.port().to_string()),
            ("REDIS_AUTH", case.auth.clone()),
            ("CACHE_HEALTH_TIMEOUT", "1s".to_owned()),
        ]);
        if case.identity {
            environment.insert("IDENTITY_ENDPOINT", azure.identity.url());
            environment.insert("IDENTITY_HEADER", azure.identity.header.clone());
        }
        let entra = case.principal.as_deref().map(|secret| {
            let proof = Proof::Secret("right".to_owned());
            let application = EntraApplication::register(&azure, proof, HOUR);
            environment.extend(application.environment(&azure));
            environment.insert("AZURE_CLIENT_SECRET", secret.to_owned());
            application
        });
        match case.key.as_str() {
            "right" => drop(environment.insert("REDIS_ACCESS_KEY", azure.access_key.clone())),
            "wrong" => drop(environment.insert("REDIS_ACCESS_KEY", token::access_key())),
            "secondary" => {
                environment.insert("REDIS_ACCESS_KEY", token::access_key());
                environment.insert("REDIS_ACCESS_KEY_SECONDARY", azure.access_key.clone());
            }
            other => assert_eq!(other, "none"),
        }
        apply(&case.fault, &azure, &mut environment);
        Self {
            azure,
            environment,
            ca_file,
            _entra: entra,
            _foreign: foreign,
        }
    }

    /// The verdict of the standalone host.
    pub fn on_standalone_host(&self) -> Document {
        let mut check = Check::of("localhost", 0)
            .env("REDIS_CA_FILE", self.ca_file.display().to_string())
            .secret(&self.azure.access_key)
            .secret(&self.azure.token.text)
            .secret(&self.azure.identity.header);
        for (name, value) in &self.environment {
            check = check.env(name, value);
        }
        check.run().document
    }

    /// The variables of the environment, with the CA to trust.
    pub fn environment(&self) -> HashMap<&'static str, String> {
        let mut environment = self.environment.clone();
        environment.insert("REDIS_CA_FILE", self.ca_file.display().to_string());
        environment
    }

    /// Looks for secrets in what was printed.
    pub fn search(&self, printed: &str) {
        let azure = &self.azure;
        let secrets = [&azure.access_key, &azure.token.text, &azure.identity.header];
        secrets::assert_none(printed, &secrets.map(String::clone));
    }

    pub fn application(&self) -> Application {
        let mut application = Application::of(&self.environment, self.ca_file.clone());
        application.has_an_operator();
        application
    }

    /// The verdict of the Spin composition.
    pub fn on_spin(&self) -> (u16, Document) {
        runtime().block_on(async { SpinHost::new(self.application()).fresh().await })
    }
}

fn apply(fault: &str, azure: &Azure, environment: &mut HashMap<&'static str, String>) {
    let user = azure.object_id.as_str();
    let identity = |behaviour| azure.identity.behave(behaviour);
    let acl = |rule| {
        drop(
            azure
                .redis
                .command(&["ACL", "SETUSER", user, rule])
                .expect("redis-cli"),
        )
    };
    match fault {
        "identity-500" => identity(Behaviour::status(500)),
        "identity-400" => identity(Behaviour::status(400)),
        "identity-hang" => identity(Behaviour::Hang),
        "identity-rubbish" => identity(Behaviour::body("<html>")),
        "identity-no-oid" => {
            let token = token::jwt(r#"{"aud":"x"}"#);
            let end = token::now() + HOUR;
            identity(Behaviour::body(format!(
                r#"{{"access_token":"{token}","expires_on":"{end}"}}"#
            )));
        }
        "token-refused" => {
            identity(Behaviour::Token(Token::mint(&token::object_id(), HOUR)));
        }
        "noperm-set" => acl("-set"),
        "noperm-get" => acl("-get"),
        "hung" => azure.redis.hang().expect("SIGSTOP"),
        "refused-port" => {
            let nobody = cache_health_local_azure::port::NOBODY;
            environment.insert("REDIS_PORT", nobody.to_string());
        }
        "none" | "unknown-ca" | "wrong-name" | "expired" | "out-of-memory" | "cluster-down" => {}
        other => panic!("no such fault: {other}"),
    }
}

impl Expectation {
    /// The same expectation on Spin, where one step stands for four.
    pub fn on_spin(&self) -> Option<Step> {
        match self.step {
            Some(Step::Dns | Step::Tcp | Step::Tls | Step::Auth) => Some(Step::Connect),
            step => step,
        }
    }

    pub fn compare(&self, seen: &Seen, step: Option<Step>) -> Result<(), String> {
        let actual = (seen.status, &seen.kind, seen.step, &seen.code);
        if actual != (self.status, &self.kind, step, &self.code) {
            return Err(format!("{seen:#?} in place of {self:#?}"));
        }
        let (method, reason) = seen.auth.clone().unzip();
        if self.method.is_some() && (method, reason.flatten()) != self.credential() {
            return Err(format!("{:?} was used", seen.auth));
        }
        let warns = |kind: &String| seen.warnings.contains(kind);
        if !self.warning.as_ref().is_none_or(warns) {
            return Err(format!("no such warning in {:?}", seen.warnings));
        }
        Ok(())
    }

    fn credential(&self) -> (Option<String>, Option<String>) {
        (self.method.clone(), self.fallback_reason.clone())
    }
}

/// What of a verdict is compared.
#[derive(Debug)]
pub struct Seen {
    pub status: Status,
    pub kind: Option<String>,
    pub step: Option<Step>,
    pub code: Option<String>,
    /// The method, and why it was not a more preferred one.
    pub auth: Option<(String, Option<String>)>,
    pub warnings: Vec<String>,
}

impl From<&Document> for Seen {
    fn from(document: &Document) -> Self {
        let failure = document.failure.as_ref();
        let auth = document.auth.as_ref();
        let warnings = document.warnings.iter();
        Self {
            status: document.status,
            kind: failure.map(|failure| failure.kind.to_string()),
            step: failure.and_then(|failure| failure.step),
            code: failure.and_then(|failure| failure.code.clone()),
            auth: auth.map(|auth| {
                (
                    auth.method.as_str().to_owned(),
                    auth.fallback_reason.clone(),
                )
            }),
            warnings: warnings.map(|warning| warning.kind.to_string()).collect(),
        }
    }
}

pub fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("cases.json")).expect("cases")
}
