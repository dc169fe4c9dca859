//! Whose files are: given while guests run, and their owners' again when the last guest that has them ends.

use std::os::unix::fs::{lchown, symlink};
use std::sync::Arc;

use lodge_service::confinement::dac::{self, Dac};
use lodge_service::error::{ErrorKind, Result};
use lodge_service::hypervisors::confine::{Confine, Confined, Subject};
use lodge_service::hypervisors::resources::{Access, HostResource, LabelClass};

use crate::host::{GUEST, Host, STRANGER, image, own, owner};

/// Whom files belong to before.
const ALICE: u32 = 54_323;

async fn given(confine: &dyn Confine, guest: &Subject) -> Result<Arc<dyn Confined>> {
    let confined = confine.plan(guest).await?.unwrap();
    match confined.apply().await {
        Ok(()) => Ok(confined),
        Err(error) => {
            confined.release().await.unwrap();
            Err(error)
        }
    }
}

fn attribute(path: &std::path::Path) -> Option<String> {
    let inode = lodge_service::host::inode::Inode::open(path).unwrap();
    inode.attribute("trusted.lodge.dac").unwrap().map(|value| String::from_utf8(value).unwrap())
}

#[tokio::test]
async fn a_file_is_given_for_a_run_and_remembered_with_it() {
    let host = Host::new();
    let disk = host.file("disk.img", ALICE, 0o600);
    let confined = given(&host.dac(true), &host.guest("one", "", vec![image(&disk)])).await.unwrap();
    assert_eq!(owner(&disk), GUEST);
    let memory = attribute(&disk).unwrap();
    assert!(memory.contains(&format!("{{\"uid\":{ALICE},\"gid\":{ALICE}}}")), "{memory}");
    let [label] = &confined.labels()[..] else { panic!("one label") };
    assert_eq!((label.model, label.label.as_str(), label.relabel), ("dac", "+54321:+54321", true));
    assert_eq!(label.image_label.as_ref(), Some(&label.label));
    for _ in 0..2 {
        confined.release().await.unwrap();
        assert_eq!((owner(&disk), attribute(&disk)), (ALICE, None));
    }
}

#[tokio::test]
async fn the_last_of_several_guests_gives_a_file_back() {
    let host = Host::new();
    let disk = host.file("disk.img", ALICE, 0o600);
    let shared = HostResource::new(&disk, Access::ReadWrite, LabelClass::Shared);
    let dac = host.dac(true);
    let one = given(&dac, &host.guest("one", "", vec![shared.clone()])).await.unwrap();
    let two = given(&dac, &host.guest("two", "", vec![shared])).await.unwrap();
    for _ in 0..2 {
        // Again: a service that was killed does not know whether it has.
        one.release().await.unwrap();
        assert_eq!(owner(&disk), GUEST);
    }
    two.release().await.unwrap();
    assert_eq!(owner(&disk), ALICE);
}

#[tokio::test]
async fn a_file_is_not_had_under_two_owners() {
    let host = Host::new();
    let disk = host.file("disk.img", ALICE, 0o600);
    let dac = host.dac(true);
    let one = given(&dac, &host.guest("one", "", vec![image(&disk)])).await.unwrap();
    let seclabel = format!("<seclabel type='static' model='dac' relabel='yes'><label>+{STRANGER}:+{STRANGER}</label></seclabel>");
    let other = host.guest("two", &seclabel, vec![image(&disk)]);
    let error = given(&dac, &other).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InUse);
    let text = error.to_string();
    assert!(text.contains("disk.img: it is in use by another guest, as user 54321 and group 54321"), "{text}");
    assert_eq!(owner(&disk), GUEST);
    one.release().await.unwrap();
    assert_eq!(owner(&disk), ALICE);
    let other = given(&dac, &other).await.unwrap();
    assert_eq!(owner(&disk), STRANGER);
    other.release().await.unwrap();
}

#[tokio::test]
async fn what_the_user_can_use_as_it_is_stays_its_owners() {
    let host = Host::new();
    let (read, write) = (Access::Read, Access::ReadWrite);
    // Class, what is done, permissions, and whom it belongs to while the guest runs.
    let table = [
        (LabelClass::ReadOnly, read, 0o644, ALICE),
        (LabelClass::ReadOnly, read, 0o600, GUEST),
        (LabelClass::Kernel, read, 0o644, ALICE),
        (LabelClass::Kernel, read, 0o600, GUEST),
        (LabelClass::Device, write, 0o666, ALICE),
        (LabelClass::Device, write, 0o644, GUEST),
        (LabelClass::Image, write, 0o666, GUEST),
        (LabelClass::Shared, write, 0o666, GUEST),
        (LabelClass::Nvram, write, 0o600, GUEST),
        (LabelClass::Log, write, 0o600, GUEST),
        (LabelClass::Directory, write, 0o600, ALICE),
    ];
    for (class, access, mode, expected) in table {
        let path = host.file("file", ALICE, mode);
        let guest = host.guest("one", "", vec![HostResource::new(&path, access, class)]);
        let confined = given(&host.dac(true), &guest).await.unwrap();
        assert_eq!(owner(&path), expected, "{class:?} {mode:o}");
        confined.release().await.unwrap();
        assert_eq!(owner(&path), ALICE, "{class:?} {mode:o}");
    }
}

#[tokio::test]
async fn the_state_of_a_tpm_is_given_with_its_directory_and_nothing_else_in_it() {
    let host = Host::new();
    let state = host.file("tpm/tpm2-00.permall", 0, 0o600);
    let lock = host.file("tpm/.lock", 0, 0o600);
    let other = host.file("tpm/something", 0, 0o600);
    own(&host.path("tpm"), 0, 0o700);
    let guest = host.guest("one", "", vec![HostResource::new(host.path("tpm"), Access::ReadWrite, LabelClass::Tpm)]);
    let confined = given(&host.dac(true), &guest).await.unwrap();
    assert_eq!([&state, &lock, &other, &host.path("tpm")].map(|path| owner(path)), [GUEST, GUEST, 0, GUEST]);
    confined.release().await.unwrap();
    assert_eq!([&state, &lock, &other, &host.path("tpm")].map(|path| owner(path)), [0; 4]);
}

#[tokio::test]
async fn settings_and_seclabels_leave_files_alone() {
    let host = Host::new();
    let fixed = format!("<seclabel type='static' model='dac'><label>+{STRANGER}:+{STRANGER}</label></seclabel>");
    let table = [
        (true, "", GUEST, "+54321:+54321"),
        (false, "", 0, "+54321:+54321"),
        (true, "<seclabel type='none' model='dac'/>", 0, "+54321:+54321"),
        (true, "<seclabel type='dynamic' model='dac' relabel='no'/>", 0, "+54321:+54321"),
        (true, &fixed, 0, "+54322:+54322"),
    ];
    for (dynamic_ownership, seclabel, expected, label) in table {
        let disk = host.file("disk.img", 0, 0o600);
        let options = dac::Options { user: format!("+{GUEST}"), group: None, dynamic_ownership, remember_owner: true };
        let confined = given(&Dac::new(options, "boot".into()), &host.guest("one", seclabel, vec![image(&disk)])).await.unwrap();
        assert_eq!((owner(&disk), confined.labels()[0].label.as_str()), (expected, label), "{dynamic_ownership} {seclabel}");
        confined.release().await.unwrap();
    }
}

#[tokio::test]
async fn a_later_service_gives_back_by_the_record() {
    let host = Host::new();
    for remember_owner in [true, false] {
        let disk = host.file("disk.img", ALICE, 0o600);
        let confined = given(&host.dac(remember_owner), &host.guest("one", "", vec![image(&disk)])).await.unwrap();
        assert_eq!(attribute(&disk).is_some(), remember_owner);
        host.dac(!remember_owner).recall(confined.record()).unwrap().release().await.unwrap();
        assert_eq!((owner(&disk), attribute(&disk)), (ALICE, None), "{remember_owner}");
    }
}

#[tokio::test]
async fn after_a_crash_of_the_host_the_owner_before_is_still_known() {
    let host = Host::new();
    let options = dac::Options { user: format!("+{GUEST}"), group: None, dynamic_ownership: true, remember_owner: true };
    let dac = |boot: &str| Dac::new(options.clone(), boot.into());
    let disk = host.file("disk.img", ALICE, 0o600);
    // Nobody releases what the first boot has given.
    drop(given(&dac("first"), &host.guest("one", "", vec![image(&disk)])).await.unwrap());
    let confined = given(&dac("second"), &host.guest("two", "", vec![image(&disk)])).await.unwrap();
    confined.release().await.unwrap();
    assert_eq!((owner(&disk), attribute(&disk)), (ALICE, None), "the guest of the first boot holds nothing");

    // An administrator has the last word.
    drop(given(&dac("first"), &host.guest("one", "", vec![image(&disk)])).await.unwrap());
    own(&disk, STRANGER, 0o600);
    let confined = given(&dac("second"), &host.guest("two", "", vec![image(&disk)])).await.unwrap();
    confined.release().await.unwrap();
    assert_eq!(owner(&disk), STRANGER);
}

#[tokio::test]
async fn a_directory_that_is_closed_is_named_with_what_helps() {
    let host = Host::new();
    let disk = host.file("closed/inner/disk.img", 0, 0o600);
    own(&host.path("closed"), 0, 0o700);
    let error = given(&host.dac(true), &host.guest("one", "", vec![image(&disk)])).await.err().unwrap();
    let directory = host.path("closed").canonicalize().unwrap().display().to_string();
    let expected = format!(
        "permission denied on {}: user 54321 may not search {directory}; run chmod o+x {directory} or move the file",
        disk.display()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(owner(&disk), 0);
    own(&host.path("closed"), 0, 0o711);
    given(&host.dac(true), &host.guest("one", "", vec![image(&disk)])).await.unwrap().release().await.unwrap();
}

#[tokio::test]
async fn a_link_gives_away_only_what_is_its_makers() {
    let host = Host::new();
    let link = host.path("link");
    // Whose link, whose file, and whether it is given.
    for (maker, of, expected) in [(0, ALICE, true), (ALICE, ALICE, true), (ALICE, 0, false), (STRANGER, ALICE, false)] {
        let disk = host.file("disk.img", of, 0o600);
        let _ = std::fs::remove_file(&link);
        symlink(&disk, &link).unwrap();
        lchown(&link, Some(maker), Some(maker)).unwrap();
        match given(&host.dac(true), &host.guest("one", "", vec![image(&link)])).await {
            Ok(confined) => {
                assert!(expected, "{maker} {of}");
                assert_eq!(owner(&disk), GUEST);
                // Also while the file belongs to the guest.
                let second = given(&host.dac(true), &host.guest("two", "", vec![image(&link)])).await.unwrap();
                confined.release().await.unwrap();
                second.release().await.unwrap();
            }
            Err(error) => assert!(!expected && error.to_string().contains("name the file itself"), "{maker} {of}: {error}"),
        }
        assert_eq!(owner(&disk), of);
    }
}

#[tokio::test]
async fn a_file_that_takes_anothers_place_is_left_alone() {
    let host = Host::new();
    let disk = host.file("disk.img", ALICE, 0o600);
    let dac = host.dac(true);
    let guest = host.guest("one", "", vec![image(&disk)]);
    let planned = dac.plan(&guest).await.unwrap().unwrap();
    std::fs::rename(&disk, host.path("old.img")).unwrap();
    host.file("disk.img", 0, 0o600);
    let error = planned.apply().await.unwrap_err();
    assert!(error.to_string().contains("another file has taken its place"), "{error}");
    planned.release().await.unwrap();
    assert_eq!(owner(&disk), 0);

    let confined = given(&dac, &guest).await.unwrap();
    std::fs::rename(&disk, host.path("given.img")).unwrap();
    host.file("disk.img", STRANGER, 0o600);
    confined.release().await.unwrap();
    assert_eq!(owner(&disk), STRANGER);
}

#[tokio::test]
async fn nothing_is_given_once_it_was_released() {
    let host = Host::new();
    let disk = host.file("disk.img", ALICE, 0o600);
    let planned = host.dac(true).plan(&host.guest("one", "", vec![image(&disk)])).await.unwrap().unwrap();
    planned.release().await.unwrap();
    assert_eq!(planned.apply().await.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(owner(&disk), ALICE);
}

#[tokio::test]
async fn files_without_attributes_are_remembered_elsewhere() {
    let host = Host::new();
    let place = host.folder("without");
    rustix::mount::mount("ramfs", &place, "ramfs", rustix::mount::MountFlags::empty(), None).unwrap();
    own(&place, 0, 0o755);
    let disk = host.file("without/disk.img", ALICE, 0o600);
    let dac = host.dac(true);
    let one = given(&dac, &host.guest("one", "", vec![image(&disk)])).await.unwrap();
    let two = given(&dac, &host.guest("two", "", vec![image(&disk)])).await.unwrap();
    one.release().await.unwrap();
    let while_the_second_runs = owner(&disk);
    two.release().await.unwrap();
    let afterwards = owner(&disk);
    rustix::mount::unmount(&place, rustix::mount::UnmountFlags::DETACH).unwrap();
    assert_eq!((while_the_second_runs, afterwards), (GUEST, ALICE));
}
