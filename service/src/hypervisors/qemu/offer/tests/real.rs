//! The QEMU that is installed takes what is offered, word by word. Nothing is executed in a guest.

use super::*;
use crate::hypervisors::qemu::capabilities::{find_emulator, probe};
use crate::hypervisors::qemu::command::tests::real::try_out;
use crate::hypervisors::qemu::facts;

/// What needs somebody at the other end, or a device or port of the host, is tested where these are.
const NEEDS_MORE: [&str; 8] = ["/nowhere", "localhost", "path=/trial", "\"/dev/", "scsi-block", "-vnc", "-spice", "egl-headless"];

#[tokio::test]
async fn qemu_takes_what_is_offered() {
    let emulator = find_emulator(Arch::X86_64).unwrap_or_else(|error| panic!("{error}"));
    let capabilities = Arc::new(probe(&emulator, false, &crate::hypervisors::confine::Unconfined).await.unwrap());
    let host = Host { capabilities, firmware: facts::firmware(None), programs: facts::programs(), devices: Default::default() };
    let kind = kind(DomainType::Qemu, "q35");
    let trial = Trial::new(&kind, &host).unwrap();
    let tables = [devices::DISK, devices::GRAPHICS, devices::VIDEO, devices::RNG, devices::CHANNEL, devices::CRYPTO, devices::PANIC];
    let attributes: Vec<&Attribute> = tables.into_iter().flatten().chain(MEMORY_BACKING).collect();
    let (mut taken, mut wrong) = (0, Vec::new());
    for attribute in attributes {
        for word in trial.words(attribute).values {
            let (plan, arguments) = trial.plan(&(attribute.elements)(&word)).unwrap();
            if arguments.iter().any(|argument| NEEDS_MORE.iter().any(|more| argument.contains(more))) {
                continue;
            }
            let directory = tempfile::tempdir().unwrap();
            match try_out(plan, directory.path()).await {
                Ok(()) => taken += 1,
                Err(reason) => wrong.push(format!("{} {word}: {reason}", attribute.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{taken} were taken, these were not:\n{}", wrong.join("\n"));
    assert!(taken > 25, "only {taken} words were tried");
}
