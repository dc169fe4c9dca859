//! A service that is killed in the middle of a start: it starts a guest and kills itself, as nothing can be prepared for,
//! when it has written a record down for the nth time, or when the guest runs.
//!
//! Arguments: the directory of the instance, the document, n. The records are in the directory's file `records`.

#![allow(clippy::unwrap_used, reason = "part of a test")]

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lodge_service::hypervisors::Driver;
use lodge_tests::system::SystemInstance;
use rustix::process::{Signal, getpid, kill_process};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, root, document, killed_at] = &arguments[..] else { panic!("directory, document, n") };
    let (root, killed_at): (PathBuf, usize) = (root.into(), killed_at.parse().unwrap());
    let instance = SystemInstance::new(&root, "");
    let domain = instance.define(&std::fs::read_to_string(document).unwrap()).await;
    let (written, path) = (AtomicUsize::new(0), root.join("records"));
    let remember = Arc::new(move |record: &serde_json::Value| {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&path).unwrap();
        writeln!(file, "{record}").unwrap();
        if written.fetch_add(1, Ordering::Relaxed) + 1 == killed_at {
            die();
        }
        Ok(())
    });
    let (launch, _events) = instance.launch_with(&domain, remember);
    let _started = instance.driver.start(launch).await.unwrap_or_else(|error| panic!("{error}"));
    die();
}

fn die() {
    kill_process(getpid(), Signal::KILL).unwrap();
}
