//! Where the cache is: connection strings, Service Connector, another name in the certificate, another user and database.

use crate::fixtures::{Azure, Check};
use cache_health_local_azure::certificates::Leaf;
use cache_health_report::{Kind, Step};

/// A check that knows the CA, and nothing of where the cache is.
fn nowhere(azure: &Azure) -> Check {
    let check = azure.check().without("REDIS_HOST").without("REDIS_PORT");
    check.env("REDIS_AUTH", "access-key")
}

fn string(azure: &Azure) -> String {
    let (port, key) = (azure.redis.port(), &azure.access_key);
    format!("localhost:{port},password={key},ssl=True,abortConnect=False")
}

#[test]
fn a_connection_string_of_the_portal_passes() {
    let azure = Azure::start();
    let check = nowhere(&azure).env("REDIS_CONNECTION_STRING", string(&azure));
    check.run().passes().used("access-key", None);
}

#[test]
fn a_url_passes_with_its_password_percent_encoded() {
    let azure = Azure::start();
    let key = azure
        .access_key
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let url = format!("rediss://:{key}@localhost:{}", azure.redis.port());
    nowhere(&azure)
        .env("REDIS_CONNECTION_STRING", url)
        .run()
        .passes();
}

#[test]
fn a_connection_string_can_be_in_a_file_and_in_a_variable_of_another_name() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("string");
    std::fs::write(&file, string(&azure) + "\n").expect("written");
    let path = file.display().to_string();
    nowhere(&azure)
        .env("REDIS_CONNECTION_STRING_FILE", path)
        .run()
        .passes();

    let aspire = nowhere(&azure)
        .env("ConnectionStrings__cache", string(&azure))
        // What else is set says nothing then.
        .env("REDIS_HOST", "another.example");
    let named = [
        "check",
        "--connection-string-from",
        "ConnectionStrings__cache",
    ];
    let (output, _) = aspire.output(&named);
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    let misspelt = nowhere(&azure)
        .env("ConnectionStrings__cahce", string(&azure))
        // Nothing else is checked in its place.
        .env("AZURE_REDIS_CONNECTIONSTRING", string(&azure));
    let (output, _) = misspelt.output(&named);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("ConnectionStrings__cache is not set"),
        "{said}"
    );
}

#[test]
fn a_connection_string_without_tls_exits_with_two_and_the_reason() {
    let azure = Azure::start();
    let plain = string(&azure).replace("ssl=True", "ssl=False");
    let check = nowhere(&azure).env("REDIS_CONNECTION_STRING", plain);
    let (output, _) = check.output(&["check"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("REDIS_CONNECTION_STRING asks for a connection without TLS"),
        "{said}"
    );
}

#[test]
fn a_password_with_a_comma_is_a_warning_that_does_not_show_it() {
    let azure = Azure::start();
    let port = azure.redis.port();
    let text = format!(
        "localhost:{port},ssl=True,password={},rest-of-it",
        azure.access_key
    );
    let check = nowhere(&azure).env("REDIS_CONNECTION_STRING", text);
    check.secret("rest-of-it").run().warns(Kind::Config);
}

#[test]
fn service_connector_passes() {
    let azure = Azure::start();
    let check = nowhere(&azure)
        .env("AZURE_REDIS_HOST", "localhost")
        .env("AZURE_REDIS_PORT", azure.redis.port().to_string())
        .env("AZURE_REDIS_PASSWORD", &azure.access_key)
        .env("AZURE_REDIS_SSL", "true")
        .env("AZURE_REDIS_DATABASE", "0");
    check.run().passes();
}

#[test]
fn another_sources_password_is_not_sent() {
    let azure = Azure::start();
    let other = format!("other.example:6380,password={}", azure.access_key);
    let before = azure.connections();
    // The host is ours; the only key is the other's.
    let check = azure.check().env("REDIS_CONNECTION_STRING", other);
    let (output, _) = check.env("REDIS_AUTH", "access-key").output(&["check"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(azure.connections(), before);
}

#[test]
fn the_database_that_is_named_is_the_one_that_is_used() {
    let azure = Azure::start();
    let with_database = string(&azure) + ",defaultDatabase=3";
    let check = || nowhere(&azure);
    check()
        .env("REDIS_CONNECTION_STRING", with_database)
        .run()
        .passes();
    let ask = |database: &str| {
        azure
            .redis
            .command(&["-n", database, "EXISTS", "health"])
            .expect("redis-cli")
    };
    assert_eq!((ask("3").trim(), ask("0").trim()), ("1", "0"));
    // The twin: one that the server does not have.
    let missing = string(&azure) + ",defaultDatabase=99";
    let verdict = check().env("REDIS_CONNECTION_STRING", missing).run();
    verdict.fails(Kind::ServerError, Step::Auth);
}

#[test]
fn a_user_of_ones_own_goes_with_the_key() {
    let azure = Azure::with(|redis| {
        redis
            .users
            .push("app on >s3cret-of-app ~* &* +@all".to_owned())
    });
    let check = |user: &str| {
        let check = azure.check_key().env("REDIS_ACCESS_KEY", "s3cret-of-app");
        check.env("REDIS_USERNAME", user).secret("s3cret-of-app")
    };
    check("app").run().passes();
    check("nobody").run().fails(Kind::AuthRejected, Step::Auth);
}

#[test]
fn a_certificate_for_another_name_passes_where_that_name_is_given() {
    let azure = Azure::with_leaf(&Leaf {
        names: vec!["shop.redis.cache.windows.net".into()],
        ..Leaf::default()
    });
    azure.check_key().run().fails(Kind::TlsHostname, Step::Tls);
    let named = azure
        .check_key()
        .env("REDIS_TLS_NAME", "shop.redis.cache.windows.net");
    named.run().passes();
}

#[test]
fn an_extra_ca_stands_beside_the_built_in_roots() {
    let azure = Azure::start();
    let ca_file = azure.redis.ca_file().display().to_string();
    let check = || azure.check_key().without("REDIS_CA_FILE");
    check().run().fails(Kind::TlsUntrusted, Step::Tls);
    check().env("REDIS_EXTRA_CA_FILE", &ca_file).run().passes();
    let both = azure.check_key().env("REDIS_EXTRA_CA_FILE", ca_file);
    let (output, _) = both.output(&["check"]);
    assert_eq!(output.status.code(), Some(2));
}
