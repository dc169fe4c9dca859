//! UEFI guests and their variables.

use std::path::Path;

use lodge_dbus_interfaces::options::{DestroyOptions, UndefineOptions, XmlOptions};

use crate::documents;
use crate::host::Host;

/// How a qcow2 image begins (QEMU: docs/interop/qcow2.txt).
const QCOW2: &[u8] = b"QFI\xfb";

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_the_guests_own_and_go_with_it_unless_kept() {
    assert!(Path::new("/usr/share/OVMF/OVMF_CODE_4M.fd").exists(), "UEFI firmware is missing; install the Debian package ovmf");
    let host = Host::new().await;
    let document = documents::bare("uefi").replace("<os>", "<os firmware='efi'>").replace(">64<", ">256<");
    for keep_nvram in [true, false] {
        let guest = host.define(&document).await;
        guest.start().await;
        assert_eq!(guest.state().await, "running (booted)");
        let nvram = host.bus.lodge_root().join("data/nvram");
        let files: Vec<_> = std::fs::read_dir(&nvram).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [variables] = files.as_slice() else { panic!("{files:?}") };
        assert!(std::fs::read(variables).unwrap().starts_with(QCOW2));
        let live = guest.domain.get_xml(&XmlOptions::default()).await.unwrap();
        assert!(live.contains(variables.to_str().unwrap()), "{live}");
        guest.domain.destroy(&DestroyOptions::default()).await.unwrap();
        assert!(variables.exists());
        guest.domain.undefine(&UndefineOptions { keep_nvram, keep_tpm: false }).await.unwrap();
        assert_eq!(variables.exists(), keep_nvram);
    }
}
