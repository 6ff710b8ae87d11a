use super::*;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

/// What StackExchange.Redis made of a string; recorded, see `tests/vectors/README.md`.
#[derive(Deserialize)]
struct Vector {
    input: String,
    #[serde(default)]
    endpoints: Vec<String>,
    ssl: Option<bool>,
    password: Option<String>,
    user: Option<String>,
    #[serde(rename = "sslHost")]
    ssl_host: Option<String>,
    database: Option<u32>,
    error: Option<String>,
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("../../../../tests/vectors/connection-strings.jsonl");
    let lines = text.lines().map(serde_json::from_str);
    let vectors: Vec<Vector> = lines.collect::<Result<_, _>>().expect("JSON lines");
    assert_eq!(vectors.len(), 69, "the file is whole");
    vectors
}

/// Where we differ on purpose: what we say, and why.
fn differs(vector: &Vector) -> Option<ConnectionStringError> {
    use ConnectionStringError as Error;
    let text = vector.input.as_str();
    if vector.ssl == Some(false) && text.contains("ssl=") {
        // It has no plaintext mode.
        return Some(Error::Plaintext);
    }
    Some(match text {
        // Other clients' form, which it takes for a host name: read where it means TLS.
        "redis://contoso.redis.cache.windows.net:6379" => Error::Plaintext,
        "https://contoso.redis.cache.windows.net:6380" => Error::Url,
        // Hosts that are none: it finds out when it connects.
        "ConnectionStrings:contoso.redis.cache.windows.net:6380,password=k"
        | "a.redis.cache.windows.net:6380;b.redis.cache.windows.net:6380,password=k,ssl=true"
        | "/var/run/redis.sock"
        | "!/var/run/redis.sock" => Error::Host,
        // End points that it drops: it then has none.
        "contoso.redis.cache.windows.net:notaport,password=k"
        | "contoso.redis.cache.windows.net:,password=k" => Error::Port,
        "unix:/var/run/redis.sock,password=k" => Error::Port,
        "ssl=true,password=k" => Error::NoEndPoint,
        // What it would follow, and a probe of the cache itself does not.
        text if text.contains("serviceName=") => Error::Elsewhere("a Sentinel (serviceName)"),
        text if text.contains("tunnel=") => Error::Elsewhere("a tunnel"),
        _ => return None,
    })
}

#[test]
fn every_recorded_string_is_read_as_stackexchange_redis_reads_it_or_differs_on_purpose() {
    for vector in vectors() {
        let read = ConnectionString::of(&vector.input);
        if let Some(expected) = differs(&vector) {
            assert_eq!(read.expect_err(&vector.input), expected, "{}", vector.input);
            continue;
        }
        if vector.input.starts_with("rediss://") && vector.error.is_none() {
            // Our own test reads these.
            continue;
        }
        if vector.error.is_some() {
            assert!(read.is_err(), "{}", vector.input);
            continue;
        }
        let read = read.unwrap_or_else(|error| panic!("{}: {error}", vector.input));
        let host = match read.host.contains(':') {
            true => format!("[{}]", read.host),
            false => read.host.clone(),
        };
        let first = format!("{host}:{}", read.port.unwrap_or(0));
        assert_eq!(vector.endpoints[0], first, "{}", vector.input);
        assert_eq!(read.others, vector.endpoints.len() - 1, "{}", vector.input);
        let password = read
            .password
            .as_ref()
            .map(|password| password.expose_secret());
        let recorded = vector.password.as_deref().filter(|text| !text.is_empty());
        assert_eq!(password, recorded, "{}", vector.input);
        assert_eq!(read.user, vector.user, "{}", vector.input);
        assert_eq!(read.tls_name, vector.ssl_host, "{}", vector.input);
        assert_eq!(
            read.database,
            vector.database.unwrap_or(0),
            "{}",
            vector.input
        );
    }
}

#[test]
fn a_url_is_read_with_its_password_decoded() {
    let read = ConnectionString::of("rediss://app:k%3D@contoso.redis.cache.windows.net:6380/3");
    let read = read.expect("a URL");
    assert_eq!(read.host, "contoso.redis.cache.windows.net");
    assert_eq!((read.port, read.database), (Some(6380), 3));
    assert_eq!(read.user.as_deref(), Some("app"));
    assert_eq!(read.password.expect("one").expose_secret(), "k=");
    let bare =
        ConnectionString::of("rediss://:k%3D@contoso.redis.cache.windows.net").expect("a URL");
    assert_eq!((bare.port, bare.user), (None, None));
    for wrong in [
        "redis://contoso.redis.cache.windows.net",
        "rediss://contoso.redis.cache.windows.net:6380?password=k",
        "rediss://:k=%zz/@contoso.redis.cache.windows.net",
        "rediss://",
    ] {
        assert!(ConnectionString::of(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn nothing_of_a_string_is_repeated() {
    const SECRET: &str = "Tops3cret";
    for text in [
        format!("{SECRET}=k"),
        format!("c.example:{SECRET}"),
        format!("c.example:6380,{SECRET}=1"),
        format!("c.example:6380,ssl={SECRET}"),
        format!("c.example:6380,defaultDatabase={SECRET}"),
        format!("rediss://:k@c.example/{SECRET}"),
        format!("{SECRET}/x"),
    ] {
        let error = ConnectionString::of(&text).expect_err(&text);
        assert!(!error.to_string().contains(SECRET), "{error}");
    }
    let read = ConnectionString::of(&format!("c.example,password={SECRET}")).expect("a string");
    assert!(!format!("{read:?}").contains(SECRET));
}
