//! `rediss://user:password@host:port/database`, as other clients than StackExchange.Redis write it.

use super::{ConnectionString, ConnectionStringError};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;

pub fn read(text: &str) -> Result<ConnectionString, ConnectionStringError> {
    let uri: http::Uri = text.parse().map_err(|_| ConnectionStringError::Url)?;
    match uri.scheme_str() {
        Some("rediss") => {}
        Some("redis") => return Err(ConnectionStringError::Plaintext),
        _ => return Err(ConnectionStringError::Url),
    }
    // What would stand there says how a client works, or is a password in the wrong place.
    if uri.query().is_some() {
        return Err(ConnectionStringError::Url);
    }
    let authority = uri.authority().ok_or(ConnectionStringError::Url)?.as_str();
    let (credentials, end_point) = match authority.rsplit_once('@') {
        Some((credentials, end_point)) => (credentials, end_point),
        None => ("", authority),
    };
    let (host, port) = super::end_point(end_point)?;
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let database = match uri.path().trim_start_matches('/') {
        "" => 0,
        database => database
            .parse()
            .map_err(|_| ConnectionStringError::Value("the database"))?,
    };
    Ok(ConnectionString {
        host,
        port,
        others: 0,
        user: decoded(user)?,
        password: decoded(password)?.map(SecretString::from),
        database,
        tls_name: None,
    })
}

/// What is meant; none where there is nothing.
fn decoded(text: &str) -> Result<Option<String>, ConnectionStringError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded
        .map_err(|_| ConnectionStringError::Url)?
        .into_owned();
    Ok(Some(decoded).filter(|text| !text.is_empty()))
}
