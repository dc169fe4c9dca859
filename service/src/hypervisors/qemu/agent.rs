//! The guest agent (qemu-ga): a JSON protocol through a channel of the guest (QEMU Guest Agent Protocol Reference).
//!
//! One connection per request. What an earlier client left unread in the channel is passed over by
//! `guest-sync-delimited`: the agent answers it with a byte that stands nowhere else, 0xFF, and a number of ours.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::confined;
use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::confine::Confined;

/// Time for the agent to answer anything.
const ANSWER: Duration = Duration::from_secs(5);
/// Time in which the agent would refuse an order that it answers in no other way.
const REFUSAL: Duration = Duration::from_secs(2);
/// Begins an answer.
const DELIMITER: u8 = 0xFF;
/// Bytes of an answer at most.
const ANSWER_LIMIT: usize = 64 << 10;

/// Asks the agent to shut the guest down; `mode` is `powerdown`, `reboot` or `halt`. It answers only if it refuses.
///
/// # Errors
/// `GuestUnresponsive` when there is no answer, `HypervisorFailed` with the agent's words when it refuses.
pub async fn shut_down(channel: &Path, mode: &str, confined: Option<&dyn Confined>) -> Result<()> {
    let stream = confined::connect(channel, confined).await?;
    let mut agent = BufReader::new(stream);
    tokio::time::timeout(ANSWER, synchronize(&mut agent))
        .await
        .unwrap_or_else(|elapsed| Err(io::Error::other(elapsed)))
        .map_err(unresponsive)?;
    let order = async {
        send(&mut agent, &json!({ "execute": "guest-shutdown", "arguments": { "mode": mode } })).await?;
        read_line(&mut agent, b'\n').await
    };
    match tokio::time::timeout(REFUSAL, order).await {
        // Silence, or the end of the connection: it is being done.
        Err(_) => Ok(()),
        Ok(Ok(line)) if line.is_empty() => Ok(()),
        Ok(Ok(line)) => refused(&line),
        Ok(Err(error)) => Err(unresponsive(error)),
    }
}

async fn synchronize(agent: &mut BufReader<UnixStream>) -> io::Result<()> {
    // Any number does: only one client has the channel at a time.
    let number = std::process::id();
    // The delimiter makes the agent forget half a request of an earlier client.
    agent.get_mut().write_all(&[DELIMITER]).await?;
    send(agent, &json!({ "execute": "guest-sync-delimited", "arguments": { "id": number } })).await?;
    loop {
        read_line(agent, DELIMITER).await?;
        let line = read_line(agent, b'\n').await?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let answer: Value = serde_json::from_slice(&line).unwrap_or_default();
        if answer.get("return").and_then(Value::as_u64) == Some(number.into()) {
            return Ok(());
        }
    }
}

async fn send(agent: &mut BufReader<UnixStream>, request: &Value) -> io::Result<()> {
    agent.get_mut().write_all(format!("{request}\n").as_bytes()).await
}

/// All up to `end`; empty at the end of the connection.
async fn read_line(agent: &mut BufReader<UnixStream>, end: u8) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let limited = &mut tokio::io::AsyncReadExt::take(agent, ANSWER_LIMIT as u64);
    limited.read_until(end, &mut line).await?;
    Ok(line)
}

fn refused(line: &[u8]) -> Result<()> {
    let answer: Value = serde_json::from_slice(line).unwrap_or_default();
    match answer.get("error") {
        Some(error) => {
            let words = error.get("desc").and_then(Value::as_str).unwrap_or("it gives no reason");
            Err(Error::new(ErrorKind::HypervisorFailed, format!("the guest agent refuses: {words}")))
        }
        None => Ok(()),
    }
}

fn unresponsive(error: io::Error) -> Error {
    Error::new(ErrorKind::GuestUnresponsive, "the guest agent does not answer; the power button (mode acpi) may work").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An agent that has something unread in its channel, synchronizes, and answers the order with `answer`.
    async fn ask(answer: &'static str) -> (Result<()>, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let agent = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            stream.read_until(b'\n', &mut line).await.unwrap();
            assert_eq!(line.remove(0), DELIMITER);
            let request: Value = serde_json::from_slice(&line).unwrap();
            let number = &request["arguments"]["id"];
            let channel = stream.get_mut();
            channel.write_all(b"{\"return\": \"old\"}\n\xFF").await.unwrap();
            channel.write_all(format!("{}\n", json!({ "return": number })).as_bytes()).await.unwrap();
            let mut order = String::new();
            stream.read_line(&mut order).await.unwrap();
            stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
            order
        });
        let result = shut_down(&path, "reboot", None).await;
        (result, agent.await.unwrap())
    }

    #[tokio::test]
    async fn an_agent_that_goes_without_a_word_does_what_it_was_asked() {
        let (result, order) = ask("").await;
        result.unwrap();
        let order: Value = serde_json::from_str(&order).unwrap();
        assert_eq!(order, json!({ "execute": "guest-shutdown", "arguments": { "mode": "reboot" } }));
    }

    #[tokio::test]
    async fn a_refusal_is_told_in_the_agents_words() {
        let (result, _) = ask("{\"error\": {\"class\": \"GenericError\", \"desc\": \"not today\"}}\n").await;
        assert_eq!(result.unwrap_err().to_string(), "the guest agent refuses: not today");
    }

    #[tokio::test]
    async fn nobody_at_the_channel_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        assert!(shut_down(&directory.path().join("agent"), "powerdown", None).await.is_err());
    }
}
