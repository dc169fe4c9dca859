//! What guests and servers do on a network: obtain an address, ask for names, connect.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use lodge_tests::binaries;

use crate::namespace::Namespace;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a guest was lent.
#[derive(Debug)]
pub struct Obtained {
    /// The address.
    pub address: IpAddr,
    /// Everything that the server said, by udhcpc's names.
    pub said: String,
}

/// Obtains an address for `eth0` by DHCP, as the guest called `name`, and configures it.
pub fn dhcp(guest: &Namespace, name: &str) -> Obtained {
    let busybox = binaries::installed("busybox", "busybox-static");
    let directory = tempfile::tempdir().unwrap();
    let (script, said) = (directory.path().join("script"), directory.path().join("said"));
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = bound ] || exit 0\nenv > {said}\nip addr add $ip/$mask dev $interface\n\
         [ -z \"$router\" ] || ip route add default via $router\n",
        said = said.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let hostname = format!("hostname:{name}");
    // One that is refused asks again for ever.
    let arguments =
        ["timeout", "60", "udhcpc", "-f", "-q", "-n", "-t", "10", "-T", "1", "-i", "eth0", "-x", &hostname, "-s", script.to_str().unwrap()];
    let output = guest.run(busybox.to_str().unwrap(), &arguments);
    assert!(output.status.success(), "no lease: {}", String::from_utf8_lossy(&output.stderr));
    let said = std::fs::read_to_string(said).unwrap();
    let address = said.lines().find_map(|line| line.strip_prefix("ip=")).unwrap().parse().unwrap();
    Obtained { address, said }
}

/// Asks again until the answer is right: dnsmasq reads its files soon after it was told to.
pub fn eventually(is_so: impl Fn() -> bool) {
    let until = std::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < until, "it never becomes so");
    }
}

/// Asks a DNS server for the address of a name.
pub fn resolve(guest: &Namespace, server: IpAddr, name: &str) -> Option<IpAddr> {
    guest.enter(|| {
        let socket = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let labels = name.split('.').flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat());
        // Number 1, one question, recursion desired; type A, class IN.
        let question: Vec<u8> = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0].into_iter().chain(labels).chain([0, 0, 1, 0, 1]).collect();
        socket.send_to(&question, (server, 53)).unwrap();
        let mut answer = [0; 512];
        let count = socket.recv(&mut answer).unwrap();
        let answers = u16::from_be_bytes([answer[6], answer[7]]);
        // The address stands at the end of the last answer.
        (answers > 0).then(|| IpAddr::from(<[u8; 4]>::try_from(&answer[count - 4..count]).unwrap()))
    })
}

/// Connects from one namespace to a server in another; answers with the address that the server sees.
pub fn reach(from: &Namespace, server: &Namespace, at: &str) -> Result<IpAddr, ErrorKind> {
    let address: IpAddr = at.parse().unwrap();
    let listener = server.enter(|| TcpListener::bind((address, 0)).unwrap());
    let there = listener.local_addr().unwrap();
    connect(from, there)?;
    let (mut stream, peer) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut word = [0; 5];
    stream.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"hello");
    Ok(peer.ip())
}

fn connect(from: &Namespace, there: SocketAddr) -> Result<(), ErrorKind> {
    from.enter(|| {
        let mut stream = TcpStream::connect_timeout(&there, PATIENCE).map_err(|error| error.kind())?;
        stream.write_all(b"hello").unwrap();
        Ok(())
    })
}
