//! What the `serve` in the same replica remembers. Whatever listens on its port is asked: it may be somebody else's, so it
//! is shown no token, and what it says is read as a history or not at all.

use crate::clock;
use crate::http_client;
use cache_health_provider::Config;
use cache_health_report::history::{ExportsDocument, HistoryDocument};
use cache_health_report::{Status, unix_seconds};
use http::header::HOST;
use http::{Request, Version};
use http_body_util::Full;
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;

/// How long an answer may take: it is in the same replica.
const LIMIT: Duration = Duration::from_secs(2);
/// How long a check can take at most: `CACHE_HEALTH_TIMEOUT` is no longer.
const SLOWEST: Duration = Duration::from_secs(300);
/// The most bytes of an answer: a history has up to a tenth of this.
const MOST: usize = 1024 * 1024;

/// What was found beside.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Beside {
    /// Where.
    pub address: SocketAddr,
    /// In one sentence.
    pub said: String,
    /// What it remembers; null where nothing of ours listens.
    pub history: Option<HistoryDocument>,
}

/// Asks the `serve` of this configuration.
pub async fn ask(config: &Config) -> Beside {
    // The operator's port also answers where a component has the other one.
    let address = here(config.admin_listen.unwrap_or(config.listen));
    let asked = tokio::time::timeout(LIMIT, get(address)).await;
    let history = asked.ok().flatten();
    Beside {
        address,
        said: history
            .as_ref()
            .map_or_else(|| format!("no cache-health answers on {address}"), said),
        history,
    }
}

/// An address that is listened on, as one that can be called.
fn here(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn get(address: SocketAddr) -> Option<HistoryDocument> {
    let stream = TcpStream::connect(address).await.ok()?;
    let request = Request::get("/history").header(HOST, address.to_string());
    let request = request.body(Full::default()).ok()?;
    let answer = http_client::send(stream, Version::HTTP_11, request, MOST).await;
    serde_json::from_slice(&answer.ok()?.into_body().to_bytes()).ok()
}

/// What matters of a history.
fn said(history: &HistoryDocument) -> String {
    let since = |time: &str| plain(time);
    let Some(verdict) = &history.verdict else {
        return "it has no verdict yet".to_owned();
    };
    let counted = format!(
        "{} of {} checks failed since {}{}",
        history.failures,
        history.checks,
        since(&history.started),
        exports(history)
    );
    if let Some(last) = history
        .results
        .last()
        .filter(|last| is_old(&last.time, history))
    {
        return format!("it has not checked since {}; {counted}", since(&last.time));
    }
    let kind = |kind: Option<cache_health_report::Kind>| {
        kind.map_or_else(String::new, |kind| format!(" ({kind})"))
    };
    let kept = history.kept_connection.as_ref();
    let new = history.new_connection.as_ref();
    match (kept, new) {
        (Some(kept), Some(new)) if kept.status != Status::Fail && new.status == Status::Fail => {
            format!(
                "the kept connection works, new ones fail since {}{}; {counted}",
                since(&new.since),
                kind(new.kind)
            )
        }
        _ => format!(
            "{}{} since {}; {counted}",
            verdict.status.as_str(),
            kind(verdict.kind),
            since(&verdict.since)
        ),
    }
}

/// Whether a result is older than three intervals, and than the slowest check that is sensible.
fn is_old(time: &str, history: &HistoryDocument) -> bool {
    let most = (history.interval_seconds * 3.0).max(SLOWEST.as_secs_f64());
    let age = unix_seconds(time).map(|ended| clock::wall_seconds().saturating_sub(ended));
    age.is_some_and(|age| age as f64 > most)
}

/// What became of telemetry, where not all of it was taken.
fn exports(history: &HistoryDocument) -> String {
    let lost = history.exports.iter().filter(|e| e.failed + e.dropped > 0);
    let signal = |exports: &ExportsDocument| match exports.signal.as_str() {
        "traces" => "traces",
        _ => "metrics",
    };
    lost.map(|exports| {
        let ExportsDocument {
            failed, dropped, ..
        } = exports;
        let signal = signal(exports);
        format!("; of {signal} {failed} exports failed and {dropped} checks were dropped")
    })
    .collect()
}

/// A time, if it is one: what listens may be anybody's.
fn plain(time: &str) -> String {
    let kept = time
        .chars()
        .filter(|c| c.is_ascii_digit() || "-:TZ.".contains(*c));
    kept.take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cache_health_report::Kind;
    use cache_health_report::history::CourseDocument;

    fn history(kept: Status, new: Option<(Status, Kind)>) -> HistoryDocument {
        let course = |status, kind| CourseDocument {
            status,
            kind,
            since: "2026-11-27T02:10:00Z".to_owned(),
        };
        HistoryDocument {
            version: "0.1.0".to_owned(),
            replica: None,
            revision: None,
            started: "2026-11-26T00:00:00Z".to_owned(),
            time: "2026-11-27T03:00:00Z".to_owned(),
            interval_seconds: 10.0,
            checks: 9000,
            failures: 12,
            changes: 3,
            verdict: Some(course(kept, None)),
            kept_connection: Some(course(kept, None)),
            new_connection: new.map(|(status, kind)| course(status, Some(kind))),
            exports: Vec::new(),
            results: Vec::new(),
            failed: Vec::new(),
            minutes: Vec::new(),
        }
    }

    #[test]
    fn a_kept_connection_that_hides_that_new_ones_fail_is_named() {
        let hidden = history(Status::Pass, Some((Status::Fail, Kind::AuthRejected)));
        assert_eq!(
            said(&hidden),
            "the kept connection works, new ones fail since 2026-11-27T02:10:00Z (auth-rejected); \
             12 of 9000 checks failed since 2026-11-26T00:00:00Z"
        );
        let mut lossy = history(Status::Pass, None);
        assert!(said(&lossy).starts_with("pass since "));
        lossy.exports = vec![ExportsDocument {
            signal: "traces".to_owned(),
            sent: 5,
            failed: 3,
            dropped: 2,
        }];
        let lost = "; of traces 3 exports failed and 2 checks were dropped";
        assert!(said(&lossy).ends_with(lost), "{}", said(&lossy));
    }

    #[test]
    fn what_listens_may_be_anybodys_and_its_times_are_times() {
        assert_eq!(
            plain("2026-11-27T02:10:00Z\u{1b}[31m; rm"),
            "2026-11-27T02:10:00Z31"
        );
    }

    #[test]
    fn every_address_is_called_where_it_is() {
        let here = |listen: &str| here(listen.parse().expect("an address")).to_string();
        assert_eq!(here("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(here("[::]:8080"), "[::1]:8080");
        assert_eq!(here("10.0.0.4:80"), "10.0.0.4:80");
    }
}
