use crate::config::{Config, ConfigError, ManagedEndpoint, NotText, Variables, Which};
use crate::config::{Identity, KeySource, Source};
use secrecy::ExposeSecret as _;
use std::collections::HashMap;
use std::time::Duration;

/// A machine: what is set, which programs there are, and whether it may be a virtual machine of Azure's.
struct Machine {
    variables: HashMap<String, String>,
    programs: &'static [&'static str],
}

impl Variables for Machine {
    fn get(&self, name: &str) -> Result<Option<String>, NotText> {
        Ok(self.variables.get(name).cloned())
    }

    fn has_program(&self, name: &str) -> bool {
        self.programs.contains(&name)
    }

    fn has_imds(&self) -> bool {
        true
    }
}

const LAPTOP: &[&str] = &["az", "azd"];
const CONTAINER: &[&str] = &[];

fn on(programs: &'static [&'static str], text: &str) -> Result<Config, ConfigError> {
    let pairs = text.split_whitespace().map(|pair| {
        let (name, value) = pair.split_once('=').expect("NAME=value");
        (name.to_owned(), value.to_owned())
    });
    let mut variables: HashMap<_, _> = pairs.collect();
    variables
        .entry("REDIS_HOST".to_owned())
        .or_insert("c.example".to_owned());
    Config::from_variables(&Machine {
        variables,
        programs,
    })
}

fn chain(programs: &'static [&'static str], text: &str) -> String {
    let config = on(programs, text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let labels: Vec<_> = config.candidates().iter().map(|c| c.label()).collect();
    labels.join(" ")
}

const PRINCIPAL: &str = "AZURE_TENANT_ID=t AZURE_CLIENT_ID=c AZURE_CLIENT_SECRET=s ";
const WORKLOAD: &str = "AZURE_TENANT_ID=t AZURE_CLIENT_ID=c AZURE_FEDERATED_TOKEN_FILE=/f ";
const APP_SERVICE: &str = "IDENTITY_ENDPOINT=http://localhost/msi IDENTITY_HEADER=h ";
const KEY: &str = "REDIS_ACCESS_KEY=k ";

#[test]
fn the_order_is_that_of_default_azure_credential_and_keys_come_last() {
    let all = [PRINCIPAL, WORKLOAD, APP_SERVICE, KEY].concat();
    let deployment = "service-principal workload-identity managed-identity primary";
    for (programs, text, expected) in [
        // What is configured is tried in this order, wherever it runs; tools are not.
        (CONTAINER, all.clone(), deployment),
        (LAPTOP, all.clone(), deployment),
        (LAPTOP, PRINCIPAL.to_owned(), "service-principal"),
        (LAPTOP, KEY.to_owned(), "primary"),
        // Where nothing is, the machine's own identity, and then whoever is logged in.
        (CONTAINER, String::new(), "managed-identity"),
        (
            LAPTOP,
            String::new(),
            "managed-identity azure-cli azure-developer-cli",
        ),
        (
            &["azd"],
            String::new(),
            "managed-identity azure-developer-cli",
        ),
        // REDIS_AUTH rules out the other kind.
        (LAPTOP, all.clone() + "REDIS_AUTH=access-key", "primary"),
        (
            CONTAINER,
            all.clone() + "REDIS_AUTH=entra",
            "service-principal workload-identity managed-identity",
        ),
        // AZURE_TOKEN_CREDENTIALS narrows, in any case of letters, and never the keys.
        (
            LAPTOP,
            all.clone() + "AZURE_TOKEN_CREDENTIALS=prod",
            deployment,
        ),
        (
            LAPTOP,
            all.clone() + "AZURE_TOKEN_CREDENTIALS=Dev",
            "azure-cli azure-developer-cli primary",
        ),
        (
            LAPTOP,
            all.clone() + "AZURE_TOKEN_CREDENTIALS=managedidentitycredential",
            "managed-identity primary",
        ),
        (
            LAPTOP,
            all.clone() + "AZURE_TOKEN_CREDENTIALS=EnvironmentCredential",
            "service-principal primary",
        ),
        (
            LAPTOP,
            all.clone() + "AZURE_TOKEN_CREDENTIALS=WorkloadIdentityCredential",
            "workload-identity primary",
        ),
        (
            LAPTOP,
            all + "AZURE_TOKEN_CREDENTIALS=AzureCliCredential",
            "azure-cli primary",
        ),
        (
            LAPTOP,
            "AZURE_TOKEN_CREDENTIALS=prod".to_owned(),
            "managed-identity",
        ),
        (
            LAPTOP,
            "AZURE_TOKEN_CREDENTIALS=AzureDeveloperCliCredential".to_owned(),
            "azure-developer-cli",
        ),
        // The machine's own identity is asked for by name, beside a key.
        (
            CONTAINER,
            KEY.to_owned() + "AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential",
            "managed-identity primary",
        ),
    ] {
        assert_eq!(chain(programs, &text), expected, "{text}");
    }
}

#[test]
fn a_name_of_no_credential_lists_those_there_are() {
    for name in ["nonsense", "VisualStudioCredential"] {
        let error = on(LAPTOP, &format!("AZURE_TOKEN_CREDENTIALS={name}")).expect_err("unusable");
        assert_eq!(error.variable, "AZURE_TOKEN_CREDENTIALS");
        assert!(
            error.problem.contains("ManagedIdentityCredential"),
            "{error}"
        );
        assert!(!error.problem.contains(name), "{error}");
    }
    let none = on(CONTAINER, "AZURE_TOKEN_CREDENTIALS=dev").expect_err("no tool is there");
    assert_eq!(none.variable, "AZURE_TOKEN_CREDENTIALS");
}

fn managed(text: &str) -> (ManagedEndpoint, Which) {
    let config = on(CONTAINER, text).expect("usable");
    match config.identities.into_iter().next() {
        Some(Identity::Managed(managed)) => (managed.endpoint, managed.which),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_managed_identity_is_found_where_its_platform_puts_it() {
    assert!(matches!(
        managed(APP_SERVICE).0,
        ManagedEndpoint::AppService { .. }
    ));
    let arc = "IDENTITY_ENDPOINT=http://localhost:40342/token IMDS_ENDPOINT=http://localhost:40342";
    assert!(matches!(managed(arc).0, ManagedEndpoint::Arc { .. }));
    // Container Instances: a header and a thumbprint, and the tokens are where virtual machines have them.
    let instances = "IDENTITY_HEADER=h IDENTITY_SERVER_THUMBPRINT=ab";
    let ManagedEndpoint::Imds { uri } = managed(instances).0 else {
        panic!("not IMDS");
    };
    assert_eq!(uri, "http://169.254.169.254/metadata/identity/oauth2/token");
    // With a key it is not asked, and the warning says how it would be.
    let with_key = on(CONTAINER, &format!("{instances} {KEY}")).expect("usable");
    assert!(with_key.identities.is_empty());
    let warning = with_key.warnings[0].to_string();
    assert!(warning.contains("Azure Container Instances"), "{warning}");
    assert_eq!(
        chain(
            CONTAINER,
            &format!("{instances} {KEY} AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential")
        ),
        "managed-identity primary"
    );
}

#[test]
fn a_user_assigned_identity_is_named_by_client_resource_or_object() {
    let which = |text: &str| managed(&(APP_SERVICE.to_owned() + text)).1;
    assert_eq!(which(""), Which::Default);
    assert_eq!(which("AZURE_CLIENT_ID=c"), Which::ClientId("c".into()));
    assert_eq!(which("AZURE_OBJECT_ID=o"), Which::ObjectId("o".into()));
    let resource = "/subscriptions/s/resourceGroups/g/providers/p/userAssignedIdentities/i";
    let by_resource = which(&format!("AZURE_CLIENT_ID=c AZURE_RESOURCE_ID={resource}"));
    assert_eq!(by_resource, Which::ResourceId(resource.into()));
    let arc =
        "IDENTITY_ENDPOINT=http://localhost/t IMDS_ENDPOINT=http://localhost AZURE_CLIENT_ID=c";
    assert_eq!(
        on(CONTAINER, arc).expect_err("it has one").variable,
        "AZURE_CLIENT_ID"
    );
}

#[test]
fn a_secret_wins_over_a_certificate() {
    let both = PRINCIPAL.to_owned() + "AZURE_CLIENT_CERTIFICATE_PATH=/pem";
    let config = on(CONTAINER, &both).expect("usable");
    assert!(matches!(
        &config.identities[0],
        Identity::Application(_, crate::config::Proof::Secret(KeySource::Value(_)))
    ));
    assert!(!format!("{config:?}").contains("\"s\""));
}

#[test]
fn only_where_a_tool_is_asked_does_a_check_take_longer_by_itself() {
    let timeout = |programs, text| on(programs, text).expect("usable").timeout;
    assert_eq!(timeout(LAPTOP, ""), Duration::from_secs(20));
    assert_eq!(timeout(CONTAINER, ""), Duration::from_secs(5));
    assert_eq!(timeout(LAPTOP, APP_SERVICE), Duration::from_secs(5));
    assert_eq!(
        timeout(LAPTOP, "CACHE_HEALTH_TIMEOUT=3s"),
        Duration::from_secs(3)
    );
}

/// The end point and the password that would be sent there.
fn sent(text: &str) -> (Source, String, u16, Option<String>, Option<String>) {
    let pairs = text.split_whitespace().map(|pair| {
        let (name, value) = pair.split_once('=').expect("NAME=value");
        (name.to_owned(), value.to_owned())
    });
    let variables: HashMap<String, String> = pairs.collect();
    let config =
        Config::from_variables(&variables).unwrap_or_else(|error| panic!("{text}: {error}"));
    let endpoint = config.endpoint;
    let password = endpoint.primary.map(|key| match key {
        KeySource::Value(value) => value.expose_secret().to_owned(),
        KeySource::File(file) => file.display().to_string(),
    });
    (
        endpoint.source,
        endpoint.host,
        endpoint.port,
        endpoint.user,
        password,
    )
}

#[test]
fn no_sources_password_is_sent_to_anothers_host() {
    let string = "REDIS_CONNECTION_STRING=s.redis.cache.windows.net:6390,password=of-s,user=u ";
    let connector = "AZURE_REDIS_HOST=a.redis.azure.net AZURE_REDIS_PASSWORD=of-a ";
    let host = "REDIS_HOST=h.example REDIS_USERNAME=app REDIS_ACCESS_KEY=of-h ";
    let of = |host: &str, port, user: Option<&str>, password: &str| {
        (
            host.to_owned(),
            port,
            user.map(str::to_owned),
            Some(password.to_owned()),
        )
    };
    let h = of("h.example", 6380, Some("app"), "of-h");
    let s = of("s.redis.cache.windows.net", 6390, Some("u"), "of-s");
    let a = of("a.redis.azure.net", 10000, None, "of-a");
    for (text, expected) in [
        ([host, string, connector].concat(), &h),
        ([string, connector].concat(), &s),
        (
            [
                string,
                connector,
                "REDIS_ACCESS_KEY=of-h REDIS_USERNAME=app",
            ]
            .concat(),
            &s,
        ),
        ([connector, "REDIS_ACCESS_KEY=of-h"].concat(), &a),
    ] {
        let (_, host, port, user, password) = sent(&text);
        assert_eq!((host, port, user, password), *expected, "{text}");
    }
    // Without a password of its own, a string gets none.
    let error = Config::from_variables(&HashMap::from([
        (
            "REDIS_CONNECTION_STRING".to_owned(),
            "s.example,ssl=True".to_owned(),
        ),
        ("REDIS_ACCESS_KEY".to_owned(), "of-h".to_owned()),
        ("REDIS_AUTH".to_owned(), "access-key".to_owned()),
    ]));
    assert_eq!(error.expect_err("no key").variable, "REDIS_AUTH");
}

#[test]
fn service_connector_names_the_identity_it_gave_access_to() {
    let text = "AZURE_REDIS_HOST=a.redis.azure.net AZURE_REDIS_CLIENTID=theirs AZURE_CLIENT_ID=another AZURE_OBJECT_ID=third ";
    let variables = text.to_owned() + APP_SERVICE;
    let pairs = variables
        .split_whitespace()
        .filter_map(|pair| pair.split_once('='));
    let map: HashMap<String, String> = pairs.map(|(n, v)| (n.into(), v.into())).collect();
    let config = Config::from_variables(&map).expect("usable");
    let Identity::Managed(identity) = &config.identities[0] else {
        panic!("{:?}", config.identities);
    };
    assert_eq!(identity.which, Which::ClientId("theirs".into()));
}

#[test]
fn a_connection_without_tls_is_refused_with_the_reason() {
    for (name, value) in [
        (
            "REDIS_CONNECTION_STRING",
            "c.example:6379,password=k,ssl=False",
        ),
        ("REDIS_CONNECTION_STRING", "redis://:k@c.example"),
        (
            "AZURE_REDIS_CONNECTIONSTRING",
            "c.example:6379,password=k,ssl=False",
        ),
    ] {
        let map = HashMap::from([(name.to_owned(), value.to_owned())]);
        let error = Config::from_variables(&map).expect_err("plaintext");
        assert_eq!(error.variable, name);
        assert!(error.problem.contains("without TLS"), "{error}");
    }
    let map = HashMap::from([
        ("AZURE_REDIS_HOST".to_owned(), "c.example".to_owned()),
        ("AZURE_REDIS_SSL".to_owned(), "false".to_owned()),
    ]);
    let error = Config::from_variables(&map).expect_err("plaintext");
    assert_eq!(error.variable, "AZURE_REDIS_SSL");
}

#[test]
fn each_cloud_has_its_own_authority_and_a_wrong_one_is_named() {
    let of = |text: &str| {
        let config = on(CONTAINER, &(PRINCIPAL.to_owned() + text)).expect("usable");
        let Identity::Application(application, _) = &config.identities[0] else {
            panic!("{:?}", config.identities);
        };
        let host = application.authority.host().expect("a host").to_owned();
        let warned = config.warnings.first().map(ToString::to_string);
        (host, warned)
    };
    const CHINA: &str = "REDIS_HOST=c.redis.cache.chinacloudapi.cn ";
    const GOVERNMENT: &str = "REDIS_HOST=c.redis.cache.usgovcloudapi.net ";
    assert_eq!(of(CHINA), ("login.chinacloudapi.cn".to_owned(), None));
    assert_eq!(
        of(GOVERNMENT),
        ("login.microsoftonline.us".to_owned(), None)
    );
    assert_eq!(of(""), ("login.microsoftonline.com".to_owned(), None));
    let wrong =
        of(&(GOVERNMENT.to_owned() + "AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/"));
    assert_eq!(wrong.0, "login.microsoftonline.com");
    let warned = wrong.1.expect("a warning");
    assert!(
        warned.contains("the cache is in Azure Government"),
        "{warned}"
    );
    // The twin: an authority of one's own, for a private endpoint, is nobody's business.
    let own = of(&(CHINA.to_owned() + "AZURE_AUTHORITY_HOST=https://sts.example.cn/"));
    assert_eq!(own, ("sts.example.cn".to_owned(), None));
}
