//! One boot of the demo guest and everything that is to be seen of it, with the service killed in the middle.

use std::net::Ipv4Addr;

use lodge_dbus_interfaces::options::ShutdownOptions;
use lodge_dbus_interfaces::types::ShutdownMode;
use rustix::process::test_kill_process;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::documents;
use crate::host::{Console, Host, PATIENCE};

const GREETING: &str = "Lodge demo guest ready";

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_boots_serves_outlives_the_service_and_powers_off() {
    let mut host = Host::new().await;
    let port = free_port().await;
    let path = {
        let guest = host.define(&documents::demo("demo", port)).await;
        guest.start().await;
        assert_eq!(guest.state().await, "running (booted)");
        guest.domain.inner().path().to_string()
    };
    let (id, pid, mut console) = {
        let guest = host.guest(&path).await;
        let mut console = guest.console().await;
        console.until(GREETING).await;
        assert!(fetch(port).await.contains(GREETING));
        calculates(&mut console, "6 * 7", "42").await;
        (guest.domain.id().await.unwrap(), guest.qemu(), console)
    };

    host.kill_service().await;
    console.until_end().await;
    test_kill_process(pid).unwrap();
    // Nobody needs the service for that.
    assert!(fetch(port).await.contains(GREETING));

    let guest = host.guest(&path).await;
    assert_eq!(guest.state().await, "running (booted)");
    assert_eq!((guest.domain.id().await.unwrap(), guest.qemu()), (id, pid));
    let mut console = guest.console().await;
    calculates(&mut console, "70 * 11", "770").await;

    let mut changes = guest.changes().await;
    guest.domain.shutdown(&ShutdownOptions { mode: ShutdownMode::Acpi }).await.unwrap();
    assert_eq!(changes.until("shut-off").await, "shutdown");
    console.until_end().await;
    assert_eq!(guest.state().await, "shut-off (shutdown)");
    assert_eq!(guest.processes(), []);
    assert!(!guest.runtime().exists());
}

/// The guest's shell answers; the result stands nowhere in what is typed.
async fn calculates(console: &mut Console, sum: &str, result: &str) {
    console.types(&format!("\recho \"is $(({sum})) now\"\r")).await;
    console.until(&format!("is {result} now")).await;
}

async fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port()
}

/// What the guest's web server answers through the forwarded port.
async fn fetch(port: u16) -> String {
    let fetch = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    tokio::time::timeout(PATIENCE, fetch).await.unwrap()
}
