//! The operator's port, and `--component`, which leaves the operator no other.

use crate::fixtures::Azure;
use crate::fixtures::operator;
use crate::fixtures::server::Server;
use cache_health_report::Status;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

const LISTEN: &str = "CACHE_HEALTH_ADMIN_LISTEN";

/// A server that is ready, and its operator's port.
fn serve_with_an_operators_port(azure: &Azure) -> (Server, String) {
    let server = azure.check_key().env(LISTEN, "127.0.0.1:0").serve();
    server.wait_for_status("/readyz", 200);
    let admin = server.admin_address();
    (server, admin)
}

/// The first line of the answer to a request with this `Host`.
fn answer_to(address: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    let request = format!("GET /healthz HTTP/1.1\r\n{host}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn whoever_reaches_the_operators_port_has_the_details_and_the_other_port_stays_public() {
    let azure = Azure::start();
    let (server, admin) = serve_with_an_operators_port(&azure);
    for path in ["/healthz", "/healthz?details", "/healthz?fresh=1"] {
        let document = server.get_at(&admin, path).document();
        assert!(document.evidence.is_some(), "{path}");
    }
    assert_eq!(server.get_at(&admin, "/readyz").body, "ok\n");
    assert_eq!(server.get_at(&admin, "/history").status, 200);
    assert_eq!(server.get_as_anybody("/healthz").document().evidence, None);
}

#[test]
fn a_name_that_was_pointed_at_the_operators_port_is_answered_with_421() {
    let azure = Azure::start();
    let (server, admin) = serve_with_an_operators_port(&azure);
    for host in [
        "host: evil.example\r\n",
        "host: 127.0.0.1.evil.example:80\r\n",
        "host:\r\n",
    ] {
        let answer = answer_to(&admin, host);
        assert!(answer.contains(" 421 "), "{host}: {answer}");
        let answer = answer_to(&server.address, host);
        assert!(answer.contains(" 200 "), "{host}: {answer}");
    }
    for host in [
        "host: localhost:18081\r\n",
        "host: 127.0.0.1\r\n",
        "host: [::1]:18081\r\n",
    ] {
        let answer = answer_to(&admin, host);
        assert!(answer.contains(" 200 "), "{host}: {answer}");
    }
}

#[test]
fn an_operators_port_that_is_taken_is_logged_and_stops_nothing() {
    let azure = Azure::start();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it").to_string();
    let server = azure.check_key().env(LISTEN, &address).serve();
    server.wait_for_status("/readyz", 200);
    server.wait_for_log("CACHE_HEALTH_ADMIN_LISTEN cannot be used");
    assert!(server.log().contains(&address));
}

#[test]
fn while_the_token_cannot_be_read_no_authorization_reaches_the_component() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, operator::TOKEN).expect("written");
    let server = azure.check_key().operator_token_in(&file).serve_hostile();
    let echoed = || {
        let authorization = operator::authorization();
        server.get_as("/authorization", Some(&authorization)).body
    };
    assert_eq!(echoed(), "none");
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(echoed(), "none");
    assert!(server.get("/healthz").document().evidence.is_none());
}

#[test]
fn with_a_component_nothing_of_the_operators_reaches_the_app() {
    let azure = Azure::start();
    let server = azure.check_key().env(LISTEN, "127.0.0.1:0").serve_hostile();
    let echoed = |authorization: &str| server.get_as("/authorization", Some(authorization)).body;
    // The app's own is passed on; the operator's is not.
    assert_eq!(echoed("Bearer the app's own"), "Bearer the app's own");
    assert_eq!(echoed(&operator::authorization()), "none");
    // It is no less the token with a mistake around it.
    for mistaken in ["Token ", "Bearer\t", "Bearer: ", ""] {
        assert_eq!(echoed(&format!("{mistaken}{}", operator::TOKEN)), "none");
    }
    // What is not probed is the app's, but for the operator's port.
    assert_eq!(server.get("/history").status, 204);
    let admin = server.admin_address();
    assert_eq!(server.get_at(&admin, "/history").status, 200);
    assert_eq!(server.get_at(&admin, "/authorization").status, 404);
    // What is probed is ours, in both views.
    assert!(server.get("/healthz").document().evidence.is_some());
    let public = server.get_as_anybody("/healthz").document();
    assert_eq!((public.status, public.evidence), (Status::Pass, None));
}
