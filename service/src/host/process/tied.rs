//! Processes that end with the service, whatever ends that.
//!
//! The kernel kills such a process when the *thread* that forked it ends (prctl(2), PR_SET_PDEATHSIG). Threads of a runtime come
//! and go; so these are forked by one that lives as long as the service.
//!
//! Only for programs whose end at any moment does no harm, such as one that fills a file nobody knows of yet: one that changes a
//! partition table or LVM's metadata is better left to finish.

use std::io;
use std::sync::{OnceLock, mpsc};

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
use tokio::sync::oneshot;

use super::tracked::Identity;
use super::{ChildStep, ProcessError, ProcessSpec, Streams};

/// A process to start, and where the answer goes.
struct Order {
    spec: ProcessSpec,
    streams: Streams,
    answer: oneshot::Sender<Result<Identity, ProcessError>>,
}

/// The way to the thread.
static ORDERS: OnceLock<Result<mpsc::Sender<Order>, io::ErrorKind>> = OnceLock::new();

/// Starts a process that ends with the service.
pub(super) async fn spawn(mut spec: ProcessSpec, streams: Streams) -> Result<Identity, ProcessError> {
    let program = spec.program.clone();
    let failed = |kind: io::ErrorKind| ProcessError::prepare(&program, kind.into());
    // The last step: a change of the user takes the signal back (prctl(2)).
    spec.steps.push(step());
    let orders = ORDERS.get_or_init(thread).as_ref().map_err(|kind| failed(*kind))?;
    let (answer, answered) = oneshot::channel();
    orders.send(Order { spec, streams, answer }).map_err(|_| failed(io::ErrorKind::BrokenPipe))?;
    answered.await.map_err(|_| failed(io::ErrorKind::BrokenPipe))?
}

fn thread() -> Result<mpsc::Sender<Order>, io::ErrorKind> {
    let (orders, received) = mpsc::channel::<Order>();
    let work = move || {
        for Order { spec, streams, answer } in received {
            // Nobody waits for it any more: dropped before it is followed, it would stay a zombie and run on.
            if let Err(Ok(identity)) = answer.send(super::spawn(spec, streams)) {
                identity.kill();
            }
        }
    };
    std::thread::Builder::new().name("forks".to_owned()).spawn(work).map_err(|error| error.kind())?;
    Ok(orders)
}

/// The child's side.
fn step() -> ChildStep {
    let parent = getpid();
    ChildStep::new("bind its life to the service's", move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before.
        if getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    })
}
