//! How it went: the last results, the last failures apart from them, a day in minutes.

use super::chart::{self, HEIGHT};
use super::time;
use cache_health_report::history::{CourseDocument, HistoryDocument, MinuteDocument};
use cache_health_report::{Status, unix_seconds};
use maud::{Markup, html};

const STATUSES: [Status; 3] = [Status::Pass, Status::Warn, Status::Fail];
/// Minutes of a day.
const DAY: usize = 24 * 60;

/// The kept connection and new ones, where they differ.
pub fn connections(history: &HistoryDocument) -> Markup {
    let line = |name: &str, course: &CourseDocument| {
        html! {
            dt { (name) }
            dd {
                span class=(course.status.as_str()) { (course.status.as_str()) }
                @if let Some(kind) = course.kind { " (" (kind) ")" }
                " since " (time(&course.since))
            }
        }
    };
    html! {
        @if let (Some(kept), Some(new)) = (&history.kept_connection, &history.new_connection) {
            h2 { "Connections" }
            dl { (line("Kept", kept)) (line("New", new)) }
        }
    }
}

/// The last hundred results, and how long they took.
pub fn results(history: &HistoryDocument) -> Markup {
    let results = &history.results;
    let durations: Vec<f64> = results.iter().map(|result| result.duration_ms).collect();
    let longest = durations.iter().copied().fold(0.0, f64::max);
    let failed = results
        .iter()
        .filter(|result| result.status == Status::Fail)
        .count();
    let width = results.len().max(2);
    html! {
        @if !results.is_empty() {
            h2 { "The last " (results.len()) " checks" }
            svg viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label={ (failed) " of the last " (results.len()) " checks failed" } {
                @for status in STATUSES {
                    path class=(status.as_str()) d=(chart::bars(results.iter().map(|result| Some(result.status)), status)) {}
                }
            }
            svg viewBox={ "0 0 " (width - 1) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label={ "They took up to " (format!("{longest:.1}")) " milliseconds" } {
                path class="line" d=(chart::line(&durations)) {}
            }
            p class="soft" { "What they took: up to " (format!("{longest:.1}")) " ms." }
        }
    }
}

/// A day in minutes: each has the worst that was seen in it.
pub fn day(history: &HistoryDocument) -> Markup {
    let minutes = &history.minutes;
    let count = |of: fn(&MinuteDocument) -> u32| minutes.iter().map(of).sum::<u32>();
    let (pass, warn, fail) = (count(|m| m.pass), count(|m| m.warn), count(|m| m.fail));
    html! {
        @if !minutes.is_empty() {
            h2 { "The last day" }
            svg viewBox={ "0 0 " (DAY) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label={ (pass) " checks passed, " (warn) " warned, " (fail) " failed" } {
                @for status in STATUSES {
                    path class=(status.as_str()) d=(chart::bars(places(minutes).into_iter(), status)) {}
                }
            }
            p class="soft" { (pass) " checks passed, " (warn) " warned, " (fail) " failed; the last minute with a check is at the right." }
        }
    }
}

/// The minutes of the last day, each where it belongs.
fn places(minutes: &[MinuteDocument]) -> Vec<Option<Status>> {
    let number = |minute: &MinuteDocument| {
        let seconds = unix_seconds(&minute.time)?;
        usize::try_from(seconds / 60).ok()
    };
    let mut places = vec![None; DAY];
    let Some(last) = minutes.last().and_then(number) else {
        return places;
    };
    for minute in minutes {
        let at = number(minute).and_then(|number| (number + DAY).checked_sub(last + 1));
        let worst = match (minute.fail, minute.warn) {
            (0, 0) => Status::Pass,
            (0, _) => Status::Warn,
            _ => Status::Fail,
        };
        if let Some(place) = at.and_then(|at| places.get_mut(at)) {
            *place = Some(worst);
        }
    }
    places
}

/// The last hundred failures, newest first.
pub fn failures(history: &HistoryDocument) -> Markup {
    html! {
        @if !history.failed.is_empty() {
            h2 { "The last failures" }
            details {
                summary { (history.failed.len()) " of " (history.checks) " checks" }
                div class="scroll" tabindex="0" role="region" aria-label="The last failures" {
                    table {
                        thead { tr { th scope="col" { "When" } th scope="col" { "Kind" } th scope="col" { "What happened" } } }
                        tbody {
                            @for failed in history.failed.iter().rev() {
                                tr {
                                    td { (time(&failed.time)) }
                                    td class=(failed.status.as_str()) { (failed.failure.kind) }
                                    td { (failed.failure.output) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_stands_where_it_belongs_in_the_day() {
        let minute = |time: &str, fail| MinuteDocument {
            time: time.to_owned(),
            pass: 1,
            warn: 0,
            fail,
            longest_ms: 1.0,
        };
        let places = places(&[
            minute("2026-11-26T00:00:00Z", 0),
            minute("2026-11-26T12:00:00Z", 1),
            minute("2026-11-26T23:59:00Z", 0),
        ]);
        assert_eq!(places.len(), DAY);
        assert_eq!(places[DAY - 1], Some(Status::Pass));
        assert_eq!(places[0], Some(Status::Pass));
        assert_eq!(places[12 * 60], Some(Status::Fail));
        assert_eq!(places.iter().flatten().count(), 3);
    }
}
