//! The layer on files that can have labels, without a kernel that minds them: as root, `security.selinux` is an attribute
//! like any other where SELinux is not enabled.

use std::path::{Path, PathBuf};

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use uuid::Uuid;

use super::context::Range;
use super::policy::Kind;
use super::*;
use crate::host::inode::Inode;
use crate::host::selinux::ATTRIBUTE;
use crate::hypervisors::resources::{Access, HostResource, LabelClass};

const USUAL: &str = "system_u:object_r:virt_image_t:s0";

fn context(text: &str) -> Context {
    Context::parse(text).unwrap()
}

fn policy() -> Policy {
    let kind = |process: &str, image: &str| Kind {
        process: context(&format!("system_u:system_r:{process}:s0")),
        image: context(&format!("system_u:object_r:{image}:s0")),
    };
    Policy {
        virtual_machine: kind("svirt_t", "svirt_image_t"),
        emulator: kind("svirt_tcg_t", "svirt_image_t"),
        content: context("system_u:object_r:virt_content_t:s0"),
        range: Range::ALL,
        transition_without_privileges: false,
    }
}

/// Files of a guest, all with the usual label.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        for name in ["own", "shared", "cd", "kernel", "log"] {
            std::fs::write(files.path(name), "").unwrap();
            files.set(name, USUAL);
        }
        for name in ["runtime", "folder", "tpm"] {
            std::fs::create_dir(files.path(name)).unwrap();
            files.set(name, USUAL);
        }
        std::fs::write(files.path("tpm/state"), "").unwrap();
        files.set("tpm/state", USUAL);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn set(&self, name: &str, label: &str) {
        let value = format!("{label}\0");
        let set = Inode::open(&self.path(name)).unwrap().set_attribute(ATTRIBUTE, Some(value.as_bytes()));
        set.unwrap_or_else(|error| panic!("{error}: this needs root and a file system with attributes"));
    }

    fn label(&self, name: &str) -> String {
        let value = Inode::open(&self.path(name)).unwrap().attribute(ATTRIBUTE).unwrap().unwrap();
        String::from_utf8(value).unwrap().trim_end_matches('\0').to_owned()
    }

    fn guest(&self, kind: &str, seclabel: &str) -> Subject {
        let text = format!("<domain type='{kind}'><name>a</name><memory>1</memory>{seclabel}</domain>");
        let resource = |name: &str, access, class| HostResource::new(self.path(name), access, class);
        Subject {
            domain: Domain::parse(&text).unwrap().0,
            uuid: Uuid::nil(),
            id: 1,
            runtime: self.path("runtime"),
            log: self.path("log"),
            programs: Vec::new(),
            resources: vec![
                resource("own", Access::ReadWrite, LabelClass::Image),
                resource("shared", Access::ReadWrite, LabelClass::Shared),
                resource("cd", Access::Read, LabelClass::ReadOnly),
                resource("kernel", Access::Read, LabelClass::Kernel),
                resource("tpm", Access::ReadWrite, LabelClass::Tpm),
                resource("folder", Access::ReadWrite, LabelClass::Directory),
                resource("not-there-yet", Access::ReadWrite, LabelClass::Log),
                HostResource::new(Path::new("/dev/urandom"), Access::Read, LabelClass::Device),
            ],
        }
    }
}

const ALL: [&str; 9] = ["own", "shared", "cd", "kernel", "log", "runtime", "folder", "tpm", "tpm/state"];

#[tokio::test]
async fn files_are_labelled_for_one_guest_and_get_their_labels_back() {
    let files = Files::new();
    let layer = Selinux::new(Some(policy()));
    let confined = layer.plan(&files.guest("kvm", "")).await.unwrap().unwrap();
    assert!(ALL.iter().all(|name| files.label(name) == USUAL), "planning changes nothing");
    confined.apply().await.unwrap();
    let Label { label, image_label, .. } = confined.labels().remove(0);
    let own = image_label.unwrap();
    let level = label.strip_prefix("system_u:system_r:svirt_t:").unwrap();
    assert!(own.strip_prefix("system_u:object_r:svirt_image_t:") == Some(level) && Pair::of_level(level).is_some(), "{label} {own}");
    let (shared, content) = ("system_u:object_r:svirt_image_t:s0", "system_u:object_r:virt_content_t:s0");
    let given = [&own, shared, content, content, &own, &own, USUAL, &own, &own];
    assert_eq!(ALL.map(|name| files.label(name)), given.map(str::to_owned));
    assert_eq!(confined.socket_label(), Some(label.as_str()));

    // As after a restart of the service.
    let again = Selinux::new(None).recall(confined.record()).unwrap();
    again.release().await.unwrap();
    again.release().await.unwrap();
    let restored = [USUAL, shared, content, content, USUAL, USUAL, USUAL, USUAL, USUAL];
    assert_eq!(ALL.map(|name| files.label(name)), restored.map(str::to_owned));
}

#[tokio::test]
async fn a_file_of_a_running_guest_is_not_taken_from_it() {
    let files = Files::new();
    let layer = Selinux::new(Some(policy()));
    let first = layer.plan(&files.guest("kvm", "")).await.unwrap().unwrap();
    first.apply().await.unwrap();
    let error = layer.plan(&files.guest("kvm", "")).await.err().unwrap();
    assert!(error.kind() == ErrorKind::InUse && error.to_string().contains("another running guest"), "{error}");
    // A service that has come back knows it too.
    let later = Selinux::new(Some(policy()));
    let recalled = later.recall(first.record()).unwrap();
    assert_eq!(later.plan(&files.guest("kvm", "")).await.err().unwrap().kind(), ErrorKind::InUse);
    recalled.release().await.unwrap();
    assert!(later.plan(&files.guest("kvm", "")).await.is_ok());
}

#[tokio::test]
async fn a_label_that_somebody_changed_meanwhile_stays() {
    let files = Files::new();
    let confined = Selinux::new(Some(policy())).plan(&files.guest("kvm", "")).await.unwrap().unwrap();
    confined.apply().await.unwrap();
    files.set("own", "somebody:object_r:chose_t:s0");
    confined.release().await.unwrap();
    assert_eq!(files.label("own"), "somebody:object_r:chose_t:s0");
}

#[tokio::test]
async fn definitions_say_how_they_are_labelled() {
    let files = Files::new();
    let layer = Selinux::new(Some(policy()));
    let labels = async |kind: &str, seclabel: &str| {
        let confined = layer.plan(&files.guest(kind, seclabel)).await.unwrap();
        confined.map(|confined| confined.labels().remove(0))
    };
    assert!(labels("qemu", "").await.unwrap().label.starts_with("system_u:system_r:svirt_tcg_t:s0:c"));
    assert_eq!(labels("kvm", "<seclabel type='none'/>").await, None);
    let base = "<seclabel type='dynamic' model='selinux'><baselabel>u:r:own_t:s0</baselabel></seclabel>";
    assert!(labels("kvm", base).await.unwrap().label.starts_with("u:r:own_t:s0:c"));
    for (relabel, image) in [("no", false), ("yes", true)] {
        let own = format!("<seclabel type='static' model='selinux' relabel='{relabel}'><label>u:r:own_t:s0:c7,c8</label></seclabel>");
        let label = labels("kvm", &own).await.unwrap();
        assert_eq!((label.label.as_str(), label.relabel), ("u:r:own_t:s0:c7,c8", image));
        assert_eq!(label.image_label.as_deref(), Some("system_u:object_r:svirt_image_t:s0:c7,c8"));
    }
    let error = layer.plan(&files.guest("kvm", "<seclabel type='static' model='selinux'><label>x</label></seclabel>")).await.err().unwrap();
    assert!(error.kind() == ErrorKind::InvalidXml && error.to_string().contains("no SELinux context"), "{error}");
    assert!(Selinux::new(None).plan(&files.guest("kvm", "")).await.unwrap().is_none());
}
