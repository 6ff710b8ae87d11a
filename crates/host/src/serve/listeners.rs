//! Where requests come in: the probe's own port, and the operator's where one is configured.

use cache_health_provider::Config;
use http::HeaderMap;
use http::header::HOST;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::{TcpListener, TcpStream};
use tracing::{error, info};

/// Which way a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// `CACHE_HEALTH_LISTEN`: anybody.
    Main,
    /// `CACHE_HEALTH_ADMIN_LISTEN`: whoever reaches it is the operator.
    Admin,
}

/// The ports that are listened on.
pub struct Listeners {
    main: TcpListener,
    admin: Option<TcpListener>,
}

impl Listeners {
    /// Binds them. That of the operator is not worth a probe: when it cannot be had, that is logged.
    pub async fn bind(config: &Config) -> io::Result<Self> {
        let main = TcpListener::bind(config.listen).await?;
        let admin = match config.admin_listen {
            None => None,
            Some(address) => match TcpListener::bind(address).await {
                Ok(admin) => {
                    let address = admin.local_addr().unwrap_or(address);
                    info!(%address, "serving the operator");
                    Some(admin)
                }
                Err(error) => {
                    let error = error.kind();
                    error!(%address, %error, "CACHE_HEALTH_ADMIN_LISTEN cannot be used");
                    None
                }
            },
        };
        Ok(Self { main, admin })
    }

    /// Where anybody is served.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.main.local_addr()
    }

    /// The next connection.
    pub async fn accept(&self) -> io::Result<(TcpStream, Door)> {
        let operator = async {
            match &self.admin {
                Some(admin) => admin.accept().await,
                None => pending().await,
            }
        };
        tokio::select! {
            accepted = self.main.accept() => accepted.map(|(stream, _)| (stream, Door::Main)),
            accepted = operator => accepted.map(|(stream, _)| (stream, Door::Admin)),
        }
    }
}

impl Door {
    /// Whether a request may name this host. A page in a browser can point a name of its own at this port (DNS
    /// rebinding), and would then read what is here: the operator's port answers to addresses and to localhost only.
    pub fn answers_to(self, headers: &HeaderMap) -> bool {
        if self == Self::Main {
            return true;
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority: Option<http::uri::Authority> = host.and_then(|host| host.parse().ok());
        authority.is_some_and(|authority| is_here(authority.host()))
    }
}

fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_port_answers_to_addresses_and_localhost_only() {
        let answers = |door: Door, host: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(host) = host {
                headers.insert(HOST, host.parse().expect("a header"));
            }
            door.answers_to(&headers)
        };
        for host in [
            "localhost",
            "LocalHost:18081",
            "127.0.0.1:18081",
            "[::1]:18081",
            "10.0.0.4",
        ] {
            assert!(answers(Door::Admin, Some(host)), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:18081",
            "127.0.0.1.evil.example",
            "",
            "localhost.",
        ] {
            assert!(!answers(Door::Admin, Some(host)), "{host}");
            assert!(answers(Door::Main, Some(host)), "{host}");
        }
        assert!(!answers(Door::Admin, None));
    }
}
