//! The collector of `collector.py`.

use crate::fixtures::told;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long anything may take that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// A collector; killed when dropped.
pub struct Collector {
    process: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    pub grpc: u16,
    pub http: u16,
}

impl Collector {
    pub fn start() -> Self {
        let python = Path::new(&told("CACHE_HEALTH_COLLECTOR")).join("bin/python");
        let mut process = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("telemetry/collector.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python");
        let mut output = BufReader::new(process.stdout.take().expect("piped")).lines();
        let first = output.next().expect("a line").expect("UTF-8");
        let first: Value = serde_json::from_str(&first).expect("JSON");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in output.map_while(Result::ok) {
                let value = serde_json::from_str(&line).expect("JSON");
                sink.lock().expect("whole").push(value);
            }
        });
        let port =
            |name: &str| u16::try_from(first[name].as_u64().expect("a port")).expect("a port");
        Self {
            process,
            lines,
            grpc: port("grpc"),
            http: port("http"),
        }
    }

    /// What it has taken.
    pub fn taken(&self) -> Vec<Value> {
        self.lines.lock().expect("whole").clone()
    }

    /// Waits for a request.
    #[track_caller]
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(found) = self.taken().into_iter().find(|line| wanted(line)) {
                return found;
            }
            std::thread::sleep(LOOK);
        }
        panic!("waited in vain for {what}: {:#?}", self.taken());
    }

    /// Stops it in whatever it does, or lets it go on.
    pub fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        let status = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(status.is_ok_and(|status| status.success()));
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The spans of a request.
pub fn spans(request: &Value) -> Vec<Value> {
    let of = request["request"]["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array();
    of.cloned().unwrap_or_default()
}

/// A metric of a request.
pub fn metric(request: &Value, name: &str) -> Option<Value> {
    let all = request["request"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array()?;
    all.iter().find(|metric| metric["name"] == name).cloned()
}

/// An attribute, as text.
pub fn attribute(of: &Value, key: &str) -> Option<String> {
    let all = of["attributes"].as_array()?;
    let found = all.iter().find(|attribute| attribute["key"] == key)?;
    let value = found["value"].as_object()?.values().next()?;
    Some(
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned),
    )
}
