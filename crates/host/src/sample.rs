//! A verdict that was had, and when.

use crate::clock;
use bytes::Bytes;
use cache_health_report::{Document, Kind, Report, View, probe};
use std::sync::OnceLock;
use std::time::Duration;

/// A verdict, and when it was had.
#[derive(Debug)]
pub struct Sample {
    /// The verdict.
    pub report: Report,
    /// When it was had, by [`clock::now`].
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
    rendered: [OnceLock<Bytes>; 2],
}

impl Sample {
    /// A verdict that was had just now, asked for at `asked` by [`clock::now`].
    pub fn new(report: Report, asked: Duration) -> Self {
        let at = clock::now();
        Self {
            report,
            at,
            took: at.saturating_sub(asked),
            rendered: Default::default(),
        }
    }

    /// The verdict with its age, as JSON.
    pub fn document(&self, view: View) -> Document {
        let mut report = self.report.clone();
        report.age = clock::since(self.at);
        Document::of(report, view)
    }

    /// The verdict without its age, as JSON, rendered once however many ask.
    pub fn rendered(&self, view: View) -> Bytes {
        let rendered = &self.rendered[usize::from(view == View::Details)];
        rendered
            .get_or_init(|| probe::render(&Document::of(self.report.clone(), view)).into())
            .clone()
    }

    /// What is broken, by its kind.
    pub fn failure_kind(&self) -> Option<Kind> {
        self.report.failure.as_ref().map(|finding| finding.kind)
    }
}
