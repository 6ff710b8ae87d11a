//! Connection strings: the form that StackExchange.Redis reads and Azure's portal shows, and `rediss://` URLs.
//!
//! What comes in may be wrong in any way and holds a password, so a problem says what is wrong and repeats nothing of the
//! string: the rest of a password with a comma in it reads as an end point, or as a keyword.

mod url;

use secrecy::SecretString;
use thiserror::Error;

/// What a connection string says, as far as a probe needs it.
#[derive(Clone, Debug)]
pub struct ConnectionString {
    /// The host of the first end point.
    pub host: String,
    /// Its port; none for the service's own.
    pub port: Option<u16>,
    /// How many more end points there are. They are not used.
    pub others: usize,
    /// `user`.
    pub user: Option<String>,
    /// `password`.
    pub password: Option<SecretString>,
    /// `defaultDatabase`.
    pub database: u32,
    /// `sslHost`: the name that the certificate is for.
    pub tls_name: Option<String>,
}

/// Why a connection string cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConnectionStringError {
    /// It asks for no TLS.
    #[error(
        "asks for a connection without TLS (ssl=False, or redis://), which would send the key in the clear: use ssl=True \
         and the TLS port, 6380 or 10000, or rediss://"
    )]
    Plaintext,
    /// There is no host in it.
    #[error(
        "has no end point: it begins with a host name, as in name.redis.cache.windows.net:6380,password=...,ssl=True"
    )]
    NoEndPoint,
    /// A port is no port.
    #[error("has an end point whose port is not a number from 1 to 65535")]
    Port,
    /// A host is no host name.
    #[error(
        "has an end point that is not a host name: semicolons do not separate, and paths of sockets are not followed"
    )]
    Host,
    /// A keyword that StackExchange.Redis does not know either.
    #[error(
        "has a keyword that StackExchange.Redis does not know (the password's is `password`, the user's is `user`, and \
         commas separate)"
    )]
    Keyword,
    /// A value is not of its keyword's kind.
    #[error("has a value for {0} that cannot be used")]
    Value(&'static str),
    /// It leads somewhere else than to its end point.
    #[error("asks for {0}, which is not followed: name the cache itself")]
    Elsewhere(&'static str),
    /// A URL that cannot be read.
    #[error(
        "is a URL that cannot be read: rediss://user:password@host:port/database, with the password percent-encoded"
    )]
    Url,
}

/// Keywords that say how a client works and nothing of where the cache is (StackExchange.Redis 3.4).
const IGNORED: [&str; 27] = [
    "abortconnect",
    "allowadmin",
    "asynctimeout",
    "channelprefix",
    "checkcertificaterevocation",
    "configchannel",
    "configcheckseconds",
    "connectretry",
    "connecttimeout",
    "heartbeatconsistencychecks",
    "heartbeatinterval",
    "highintegrity",
    "includedetailinexceptions",
    "includeperformancecountersinexceptions",
    "keepalive",
    "name",
    "preserveasyncorder",
    "protocol",
    "proxy",
    "resolvedns",
    "responsetimeout",
    "setclientlibrary",
    "sslprotocols",
    "synctimeout",
    "tiebreaker",
    "version",
    "writebuffer",
];
/// A database that Redis may have; Azure has at most 16 to 64.
const MOST_DATABASES: u32 = 1 << 20;

impl ConnectionString {
    /// Reads either form.
    ///
    /// Without `ssl` it means TLS, where StackExchange.Redis decides by port and suffix.
    ///
    /// # Errors
    ///
    /// When it cannot be used. The last of two equal keywords wins.
    pub fn of(text: &str) -> Result<Self, ConnectionStringError> {
        if text.contains("://") {
            return url::read(text);
        }
        let mut read = Reading::default();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match part.split_once('=') {
                Some((keyword, value)) => read.keyword(keyword.trim(), value.trim())?,
                None => read.end_point(part)?,
            }
        }
        read.ended()
    }
}

#[derive(Default)]
struct Reading {
    first: Option<(String, Option<u16>)>,
    others: usize,
    plaintext: bool,
    user: Option<String>,
    password: Option<SecretString>,
    database: u32,
    tls_name: Option<String>,
}

impl Reading {
    fn keyword(&mut self, keyword: &str, value: &str) -> Result<(), ConnectionStringError> {
        let some = || Some(value.to_owned()).filter(|value| !value.is_empty());
        let keyword = keyword.to_ascii_lowercase();
        match keyword.as_str() {
            "password" => self.password = some().map(SecretString::from),
            "user" => self.user = some(),
            "sslhost" => self.tls_name = some(),
            "ssl" => self.plaintext = !boolean(value).ok_or(ConnectionStringError::Value("ssl"))?,
            "defaultdatabase" => {
                let database = value.parse().ok();
                let database = database.filter(|database| *database < MOST_DATABASES);
                self.database = database.ok_or(ConnectionStringError::Value("defaultDatabase"))?;
            }
            "servicename" => {
                return Err(ConnectionStringError::Elsewhere("a Sentinel (serviceName)"));
            }
            "tunnel" => return Err(ConnectionStringError::Elsewhere("a tunnel")),
            // `$COMMAND=`: how a client calls a command.
            other if IGNORED.contains(&other) || other.starts_with('$') => {}
            _ => return Err(ConnectionStringError::Keyword),
        }
        Ok(())
    }

    fn end_point(&mut self, text: &str) -> Result<(), ConnectionStringError> {
        if self.first.is_some() {
            // It may be the rest of a password, so it is not even looked at.
            self.others += 1;
            return Ok(());
        }
        self.first = Some(end_point(text)?);
        Ok(())
    }

    fn ended(self) -> Result<ConnectionString, ConnectionStringError> {
        let (host, port) = self.first.ok_or(ConnectionStringError::NoEndPoint)?;
        if self.plaintext {
            return Err(ConnectionStringError::Plaintext);
        }
        Ok(ConnectionString {
            host,
            port,
            others: self.others,
            user: self.user,
            password: self.password,
            database: self.database,
            tls_name: self.tls_name,
        })
    }
}

/// A boolean, as StackExchange.Redis reads one.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// `host`, `host:port`, `[address]:port`, or an address of IPv6 by itself.
fn end_point(text: &str) -> Result<(String, Option<u16>), ConnectionStringError> {
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok((text.to_owned(), None));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let host = crate::config::host(bare).map_err(|_| ConnectionStringError::Host)?;
    let port = match port {
        None | Some("0") => None,
        Some(port) => Some(port.parse().map_err(|_| ConnectionStringError::Port)?),
    };
    Ok((host, port))
}

#[cfg(test)]
mod tests;
