//! A row of the matrix: a fault, what the verdict has to be, and how it ends.

use super::scene::Scene;
use cache_health_report::{Document, Kind, Status, Step};

/// What a verdict has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The cache can be used.
    Pass,
    /// It can, with this to mend.
    Warn(Kind),
    /// It cannot, for this reason, found here.
    Fail(Kind, Option<Step>),
    /// It cannot: Redis answered with this code.
    Code(&'static str, Step),
}

impl Expect {
    /// What is wrong with a verdict, if anything is.
    pub fn contradicts(self, document: &Document) -> Option<String> {
        let failure = document.failure.as_ref();
        let found = (
            document.status,
            failure.map(|failure| (failure.kind, failure.step)),
            failure.and_then(|failure| failure.code.as_deref()),
        );
        let agrees = match self {
            Self::Pass => found == (Status::Pass, None, None),
            Self::Warn(kind) => {
                found == (Status::Warn, None, None)
                    && document.warnings.iter().any(|warning| warning.kind == kind)
            }
            Self::Fail(kind, step) => found == (Status::Fail, Some((kind, step)), None),
            Self::Code(code, step) => {
                let server_error = Some((Kind::ServerError, Some(step)));
                found == (Status::Fail, server_error, Some(code))
            }
        };
        let warnings: Vec<Kind> = document.warnings.iter().map(|w| w.kind).collect();
        (!agrees).then(|| format!("{found:?} {warnings:?} in place of {self:?}"))
    }

    /// The same on Spin, where one step stands for four.
    pub fn on_spin(self) -> Self {
        match self {
            Self::Fail(kind, Some(Step::Dns | Step::Tcp | Step::Tls | Step::Auth)) => {
                Self::Fail(kind, Some(Step::Connect))
            }
            other => other,
        }
    }

    /// Status, kind and step for the table.
    pub fn cells(self) -> [String; 3] {
        let step = |step: Option<Step>| step.map_or(String::new(), |step| format!("`{step}`"));
        match self {
            Self::Pass => ["pass".into(), String::new(), String::new()],
            Self::Warn(kind) => ["warn".into(), format!("`{kind}`"), String::new()],
            Self::Fail(kind, at) => ["fail".into(), format!("`{kind}`"), step(at)],
            Self::Code(code, at) => {
                let kind = format!("`{}` {code}", Kind::ServerError);
                ["fail".into(), kind, step(Some(at))]
            }
        }
    }
}

/// What becomes of a row on Spin.
#[derive(Clone, Copy, Debug)]
pub enum OnSpin {
    /// The same verdict, with `redis:connect` for the steps that Spin hides.
    Same,
    /// Another verdict, and why.
    Differs(Expect, &'static str),
    /// The fault is not there, and why.
    Absent(&'static str),
}

/// Something done to a scene.
pub type Act = Box<dyn Fn(&mut Scene) + Send + Sync>;

/// One row.
pub struct Row {
    pub group: &'static str,
    pub fault: &'static str,
    pub expect: Expect,
    pub spin: OnSpin,
    /// Before anything checks.
    pub prepare: Act,
    pub begin: Act,
    pub end: Act,
    /// Whether the fault is there when the program starts; otherwise it begins on a connection
    /// that works.
    pub from_the_start: bool,
    /// Why it can't be made to happen here, if so.
    pub needs_root: bool,
}

impl Row {
    pub fn new(group: &'static str, fault: &'static str, expect: Expect) -> Self {
        let nothing = || -> Act { Box::new(|_| {}) };
        Self {
            group,
            fault,
            expect,
            spin: OnSpin::Same,
            prepare: nothing(),
            begin: nothing(),
            end: nothing(),
            from_the_start: false,
            needs_root: false,
        }
    }

    pub fn prepare(mut self, act: impl Fn(&mut Scene) + Send + Sync + 'static) -> Self {
        self.prepare = Box::new(act);
        self
    }

    pub fn begin(mut self, act: impl Fn(&mut Scene) + Send + Sync + 'static) -> Self {
        self.begin = Box::new(act);
        self
    }

    pub fn end(mut self, act: impl Fn(&mut Scene) + Send + Sync + 'static) -> Self {
        self.end = Box::new(act);
        self
    }

    pub fn starts_with_it(mut self) -> Self {
        self.from_the_start = true;
        self
    }

    pub fn needs_root(mut self) -> Self {
        self.needs_root = true;
        self
    }

    pub fn on_spin(mut self, spin: OnSpin) -> Self {
        self.spin = spin;
        self
    }
}
