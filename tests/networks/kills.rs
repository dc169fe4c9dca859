//! A service that is killed in the middle of a start or a stop: the next one finds what it has to find, and nothing is left.
//!
//! The service is this test program itself, run again with a task in its environment. It kills itself as nothing can be
//! prepared for, when a file system event tells that it has come so far.

use std::path::PathBuf;

use lodge_service::authorization::Action;
use lodge_service::networks::{Draft, Request};
use lodge_tests::binaries;

use crate::world::{World, grant, service};

const XML: &str = "<network><name>net</name><forward mode='nat'/><bridge name='virbr0' stp='off'/>
    <ip address='10.77.0.1' prefix='24'><dhcp><range start='10.77.0.2' end='10.77.0.254'/></dhcp></ip></network>";

/// Where the doomed service works, and the system call before which it dies, as strace's `inject` has it.
const TASK: &str = "LODGE_TEST_DOOMED";

/// Not a test by itself: what the others run.
#[test]
fn doomed() {
    let Some(root) = std::env::var_os(TASK).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let networks = service(&root).await;
        let draft = Draft::read(XML).unwrap();
        let network = networks.define(grant(Action::NetworkDefine).await, draft, false).await.unwrap();
        network.request(grant(Action::NetworkManage).await, Request::Start).await.unwrap();
        network.request(grant(Action::NetworkManage).await, Request::Destroy).await.unwrap();
    });
}

/// Runs the doomed service on the world's host until its `number`th system call of a kind, at which it is killed; answers
/// whether it came so far.
fn killed_at(world: &World, call: &str, number: u32) -> bool {
    let strace = binaries::installed("strace", "strace");
    let inject = format!("inject={call}:signal=KILL:when={number}");
    let status = world.host.enter(|| {
        let mut command = binaries::command(strace);
        command.args(["-f", "-b", "execve", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]);
        command.arg(std::env::current_exe().unwrap()).args(["--exact", "kills::doomed", "--test-threads=1"]);
        command.env(TASK, world.root.path()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status().unwrap()
    });
    !status.success()
}

fn nothing_is_left(world: World, what: &str) -> World {
    let world = world.restart();
    if world.networks().registry.by_name("net").is_some_and(|network| network.view().active) {
        world.ask(&world.network("net"), Request::Destroy).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    assert_eq!(world.remains(), Vec::<String>::new(), "{what}");
    world
}

/// Each message to the kernel, each file put in its place or removed, each signal: everything that is made or taken away is between two
/// of these.
#[test]
fn a_kill_at_any_step_leaves_nothing_behind() {
    for call in ["sendto", "renameat", "unlinkat", "pidfd_send_signal"] {
        let mut world = World::new();
        let mut number = 1;
        loop {
            world = world.restart_after(|world| {
                if !killed_at(world, call, number) {
                    number = 0;
                }
            });
            world = nothing_is_left(world, &format!("{call} {number}"));
            if number == 0 {
                break;
            }
            number += 1;
            assert!(number < 200, "{call}: it never came to an end");
        }
    }
}
