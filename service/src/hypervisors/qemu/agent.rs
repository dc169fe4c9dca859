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
/// Bytes of a line at most: room for the thousand interfaces of a guest that runs containers.
const ANSWER_LIMIT: usize = 1 << 20;

/// Asks the agent to shut the guest down; `mode` is `powerdown`, `reboot` or `halt`. It answers only if it refuses.
///
/// # Errors
/// `GuestUnresponsive` when there is no answer, `HypervisorFailed` with the agent's words when it refuses.
pub async fn shut_down(channel: &Path, mode: &str, confined: Option<&dyn Confined>) -> Result<()> {
    let mut agent = connect(channel, confined).await?;
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

/// Asks the agent a question; answers with what it returns, which is a guest's word and nothing more.
///
/// # Errors
/// `GuestUnresponsive` when there is no answer, `HypervisorFailed` with the agent's words when it refuses.
pub async fn ask(channel: &Path, question: &str, confined: Option<&dyn Confined>) -> Result<Value> {
    let mut agent = connect(channel, confined).await?;
    let answer = async {
        send(&mut agent, &json!({ "execute": question })).await?;
        read_line(&mut agent, b'\n').await
    };
    let line = in_time(answer).await?;
    refused(&line)?;
    let answer: Option<Value> = serde_json::from_slice(&line).ok();
    let returned = answer.as_ref().and_then(|answer| answer.get("return")).cloned();
    returned.ok_or_else(|| {
        Error::new(ErrorKind::GuestUnresponsive, "the guest agent's answer is cut off or no answer; look at it in the guest")
    })
}

/// A connection to the agent, with nothing unread in it.
async fn connect(channel: &Path, confined: Option<&dyn Confined>) -> Result<BufReader<UnixStream>> {
    let mut agent = BufReader::new(confined::connect(channel, confined).await?);
    in_time(synchronize(&mut agent)).await?;
    Ok(agent)
}

async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> Result<T> {
    let done = tokio::time::timeout(ANSWER, work).await;
    done.unwrap_or_else(|elapsed| Err(io::Error::other(elapsed))).map_err(unresponsive)
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
    Error::new(ErrorKind::GuestUnresponsive, "the guest agent does not answer; look at qemu-guest-agent in the guest").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An agent that has something unread in its channel, synchronizes, and answers the order with `answer`.
    async fn play(listener: tokio::net::UnixListener, answer: &str) -> Value {
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
        serde_json::from_str(&order).unwrap()
    }

    async fn told(answer: &str) -> (Result<()>, Value) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        tokio::join!(shut_down(&path, "reboot", None), play(listener, answer))
    }

    async fn asked(answer: &str) -> (Result<Value>, Value) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        tokio::join!(ask(&path, "guest-network-get-interfaces", None), play(listener, answer))
    }

    #[tokio::test]
    async fn an_agent_that_goes_without_a_word_does_what_it_was_asked() {
        let (result, order) = told("").await;
        result.unwrap();
        assert_eq!(order, json!({ "execute": "guest-shutdown", "arguments": { "mode": "reboot" } }));
    }

    #[tokio::test]
    async fn a_refusal_is_told_in_the_agents_words() {
        let (result, _) = told("{\"error\": {\"class\": \"GenericError\", \"desc\": \"not today\"}}\n").await;
        assert_eq!(result.unwrap_err().to_string(), "the guest agent refuses: not today");
    }

    #[tokio::test]
    async fn nobody_at_the_channel_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        assert!(shut_down(&directory.path().join("agent"), "powerdown", None).await.is_err());
    }

    #[tokio::test]
    async fn a_question_is_answered_or_refused_and_half_an_answer_is_none() {
        let (answer, order) = asked("{\"return\": [1, 2]}\n").await;
        assert_eq!((answer.unwrap(), order), (json!([1, 2]), json!({ "execute": "guest-network-get-interfaces" })));
        let (refusal, _) = asked("{\"error\": {\"desc\": \"it is disabled\"}}\n").await;
        assert_eq!(refusal.unwrap_err().to_string(), "the guest agent refuses: it is disabled");
        for cut in ["", "{\"return\": [1,", "[]\n", "{\"event\": 1}\n"] {
            assert_eq!(asked(cut).await.0.unwrap_err().kind(), ErrorKind::GuestUnresponsive, "{cut}");
        }
    }
}
