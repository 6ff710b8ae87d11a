//! A token from a developer tool that somebody logged in with, on a laptop.

use crate::clock;
use cache_health_provider::developer_tool::{self, DeveloperTool};
use cache_health_provider::identity::{MAX_ANSWER, NoToken, Token, unavailable};
use std::process::Stdio;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

/// Runs the tool. It ends with this request, also when nobody waits for its answer any more.
pub async fn request(tool: DeveloperTool, resource: &str) -> Result<Token, NoToken> {
    let missing = |_| NoToken::from(unavailable("no-tool"));
    let mut child = Command::new(tool.program())
        .args(tool.arguments(resource))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(missing)?;
    let (mut printed, mut said) = (Vec::new(), Vec::new());
    let limit = u64::try_from(MAX_ANSWER).unwrap_or(u64::MAX);
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(unavailable("no-tool").into());
    };
    let (mut stdout, mut stderr) = (stdout.take(limit), stderr.take(limit));
    let read = tokio::try_join!(
        stdout.read_to_end(&mut printed),
        stderr.read_to_end(&mut said)
    );
    read.map_err(missing)?;
    let status = child.wait().await.map_err(missing)?;
    let token = if status.success() {
        tool.judge(&printed, clock::wall_seconds())
    } else {
        Err(developer_tool::failed(&said))
    };
    cache_health_provider::zeroize::Zeroize::zeroize(&mut printed);
    token
}
