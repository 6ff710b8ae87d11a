//! One run of `cache-health serve`.

use super::{Azure, Check};
use cache_health_report::{Document, Kind, Status};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The longest anything may take that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// How many requests may wait for an answer at once (the README's table of limits).
const MAX_IN_FLIGHT: usize = 256;
/// How long the program may take to start.
const START: Duration = Duration::from_secs(180);
/// How often to look.
const LOOK: Duration = Duration::from_millis(10);

/// A program that serves; killed when dropped.
pub struct Server {
    pub process: Child,
    pub address: String,
    log: Arc<Mutex<String>>,
    secrets: Vec<String>,
    agent: ureq::Agent,
}

/// What it answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: String,
    pub took: Duration,
}

impl Answer {
    pub fn document(&self) -> Document {
        super::document::read(&self.body)
    }
}

impl Answer {
    /// Whether it is a verdict of this status, and which kinds it names.
    pub fn verdict(&self) -> (Status, Vec<Kind>) {
        let document = self.document();
        let kinds = document.failure.iter().chain(&document.warnings);
        (document.status, kinds.map(|finding| finding.kind).collect())
    }
}

impl Azure {
    /// Serves a check of this cache with the identity, five samples a second, once it is ready.
    pub fn serve(&self) -> Server {
        let server = self
            .check_entra()
            .env("CACHE_HEALTH_INTERVAL", "200ms")
            .env("CACHE_HEALTH_TIMEOUT", "1s")
            .serve();
        server.wait_for_status("/readyz", 200);
        server
    }
}

impl Check {
    /// Serves in place of checking once.
    pub fn serve(self) -> Server {
        self.serve_with(&[])
    }

    /// The same with further arguments.
    pub fn serve_with(self, arguments: &[&str]) -> Server {
        let mut process = self
            .program()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let log = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(process.stderr.take().expect("piped")).lines();
        let sink = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                sink.lock().expect("whole").push_str(&(line + "\n"));
            }
        });
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let secrets = self.secrets;
        let mut server = Server {
            process,
            address: String::new(),
            log,
            secrets,
            agent,
        };
        // A component that is compiled at the start may have twenty megabytes.
        let until = Instant::now() + START;
        server.address = loop {
            if let Some(address) = server.logged_address() {
                break address;
            }
            let ended = server.process.try_wait().expect("waitable");
            let waiting = ended.is_none() && Instant::now() < until;
            assert!(waiting, "does not serve ({ended:?}):\n{}", server.log());
            std::thread::sleep(LOOK);
        };
        server
    }
}

impl Server {
    /// What it logged so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("whole").clone()
    }

    /// Where it says that it serves.
    fn logged_address(&self) -> Option<String> {
        let log = self.log();
        let line = log.lines().find(|line| line.contains("\"serving /livez"))?;
        let rest = line.split("\"address\":\"").nth(1)?;
        Some(rest.split('"').next()?.to_owned())
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        let started = Instant::now();
        let response = self.agent.get(self.url(path)).call();
        self.answer(response, started)
    }

    /// Sends a GET or a POST to the path in it.
    pub fn send(&self, request: &http::Request<bytes::Bytes>) -> http::Response<bytes::Bytes> {
        let (url, body) = (self.url(&request.uri().to_string()), request.body());
        let sent = match (request.method(), body.is_empty()) {
            (&http::Method::POST, _) => self.agent.post(url).send(&body[..]),
            (_, true) => self.agent.get(url).call(),
            (_, false) => self.agent.get(url).force_send_body().send(&body[..]),
        };
        sent.expect("an answer").map(|mut body| {
            let bytes = body.read_to_vec().expect("a body");
            bytes::Bytes::from(bytes)
        })
    }

    pub fn head(&self, path: &str) -> Answer {
        let started = Instant::now();
        let response = self.agent.head(self.url(path)).call();
        self.answer(response, started)
    }

    pub fn post(&self, path: &str, body: &str) -> Answer {
        let started = Instant::now();
        let response = self.agent.post(self.url(path)).send(body);
        self.answer(response, started)
    }

    fn answer(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
        started: Instant,
    ) -> Answer {
        let mut response = response.expect("an answer");
        let body = response.body_mut().read_to_string().expect("UTF-8");
        for secret in &self.secrets {
            assert!(!body.contains(secret.as_str()), "a secret in:\n{body}");
        }
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
            took: started.elapsed(),
        }
    }

    /// Looks until there is something, within the patience of tests.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(found) = look(self) {
                return found;
            }
            std::thread::sleep(LOOK);
        }
        panic!("waited in vain for {what}; the log:\n{}", self.log());
    }

    /// Looks until the log says this: it is written by a thread of its own.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        self.wait_for(&format!("{text:?} in the log"), |server| {
            server.log().contains(text).then_some(())
        });
    }

    /// Looks until a route answers with this status; returns how long that took.
    #[track_caller]
    pub fn wait_for_status(&self, path: &str, status: u16) -> Duration {
        let started = Instant::now();
        self.wait_for(&format!("{status} on {path}"), |server| {
            (server.get(path).status == status).then_some(())
        });
        started.elapsed()
    }

    /// As many clients as there is room for ask for this, and their requests have arrived: the log has to
    /// have them, at debug.
    #[track_caller]
    pub fn take_all_places(&self, path_and_query: &str) -> Vec<TcpStream> {
        let request = format!("GET {path_and_query} HTTP/1.1\r\nhost: x\r\n\r\n");
        let clients = (0..MAX_IN_FLIGHT)
            .map(|_| {
                let mut stream = TcpStream::connect(&self.address).expect("connected");
                stream.write_all(request.as_bytes()).expect("written");
                stream
            })
            .collect();
        let path = path_and_query.split('?').next().expect("a path");
        let path = format!("\"{path}\"");
        self.wait_for("all requests", |server| {
            let arrived = |line: &&str| line.contains("\"request\"") && line.contains(&path);
            (server.log().lines().filter(arrived).count() >= MAX_IN_FLIGHT).then_some(())
        });
        clients
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.process.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    /// Waits for its end; returns the exit code.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> i32 {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if let Some(status) = self.process.try_wait().expect("waitable") {
                return status.code().expect("an exit code");
            }
            std::thread::sleep(LOOK);
        }
        panic!("still runs after {limit:?}; the log:\n{}", self.log());
    }

    /// How many files and sockets it has open.
    pub fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.process.id());
        std::fs::read_dir(folder).expect("Linux").count()
    }

    /// Its resident memory, in bytes.
    pub fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).expect("Linux");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .expect("a line");
        let kilobytes = line.split_whitespace().nth(1).expect("a number");
        kilobytes.parse::<u64>().expect("a number") * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !std::thread::panicking() {
            let log = self.log();
            for secret in &self.secrets {
                assert!(
                    !log.contains(secret.as_str()),
                    "a secret in the log:\n{log}"
                );
            }
        }
    }
}
