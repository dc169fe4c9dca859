//! The files of a guest's profile, with a parser of our own in place of apparmor_parser, which needs the kernel's part.

use std::os::unix::fs::PermissionsExt;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;

use super::*;
use crate::hypervisors::resources::{Access, HostResource, LabelClass};

struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    /// The parser notes how it is called, and fails while there is a file `refuse`.
    fn new() -> Self {
        let bench = Self { directory: tempfile::tempdir().unwrap() };
        bench.put(TEMPLATE, "profile LODGE_PROFILE {\n  include \"LODGE_PROFILE.files\"\n}\n");
        bench.put("parser", "#!/bin/sh\ncd \"${0%/*}\"\necho \"$1 ${4##*/}\" >>calls\n[ ! -e refuse ]\n");
        std::fs::set_permissions(bench.path("parser"), std::fs::Permissions::from_mode(0o755)).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn text(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    fn layer(&self) -> AppArmor {
        AppArmor::new(Some(Options { directory: self.directory.path().to_owned(), parser: self.path("parser"), by_default: true }))
    }

    fn guest(&self, seclabel: &str) -> Subject {
        let text = format!("<domain type='qemu'><name>a*b</name><memory>1</memory>{seclabel}</domain>");
        let image = HostResource::new(self.path("disk [1].img"), Access::ReadWrite, LabelClass::Image);
        let cd = HostResource::new("/srv/cd.iso", Access::Read, LabelClass::ReadOnly);
        Subject {
            domain: Domain::parse(&text).unwrap().0,
            uuid: Uuid::nil(),
            id: 1,
            runtime: "/run/lodge/x/sockets".into(),
            log: "/nonexistent/log".into(),
            programs: vec!["/usr/bin/qemu".into()],
            resources: vec![image, cd],
        }
    }
}

const PROFILE: &str = "lodge-00000000-0000-0000-0000-000000000000";
const FILES: &str = "lodge-00000000-0000-0000-0000-000000000000.files";

#[tokio::test]
async fn a_profile_comes_and_goes_with_its_guest() {
    let bench = Bench::new();
    let confined = bench.layer().plan(&bench.guest("")).await.unwrap().unwrap();
    assert_eq!(bench.text(PROFILE), None, "planning writes nothing");
    confined.apply().await.unwrap();
    assert!(bench.text(PROFILE).unwrap().starts_with(&format!("profile {PROFILE} {{")));
    let files = bench.text(FILES).unwrap();
    for rule in [
        "disk \\[1\\].img\" rwk,",
        "\"/srv/cd.iso\" rk,",
        "\"/usr/bin/qemu\" rmix,",
        "\"/run/lodge/x/sockets/\" r,",
        "\"/run/lodge/x/sockets/**\" rwk,",
    ] {
        assert!(files.contains(rule), "{rule} is not in\n{files}");
    }
    assert_eq!(confined.labels()[0].label, PROFILE);

    // As after a restart of the service.
    let again = bench.layer().recall(confined.record()).unwrap();
    again.release().await.unwrap();
    again.release().await.unwrap();
    assert_eq!((bench.text(PROFILE), bench.text(FILES)), (None, None));
    assert_eq!(bench.text("calls").unwrap(), format!("--replace {PROFILE}\n--remove {PROFILE}\n"));
}

#[tokio::test]
async fn only_a_guest_with_a_usb_device_may_look_for_it() {
    for (path, expected) in [("/dev/vfio/7", false), ("/dev/bus/usb/001/004", true)] {
        let bench = Bench::new();
        let mut guest = bench.guest("");
        guest.resources.push(HostResource::new(path, Access::ReadWrite, LabelClass::Device));
        bench.layer().plan(&guest).await.unwrap().unwrap().apply().await.unwrap();
        let files = bench.text(FILES).unwrap();
        assert!(files.contains(&format!("\"{path}\" rwk,")), "{files}");
        assert_eq!(files.contains("/sys/bus/usb/devices/ r,"), expected, "{path}");
    }
}

#[tokio::test]
async fn what_an_administrator_edited_stays() {
    let bench = Bench::new();
    let edited = format!("profile {PROFILE} flags=(complain) {{\n  include \"{FILES}\"\n}}\n");
    bench.put(PROFILE, &edited);
    let confined = bench.layer().plan(&bench.guest("")).await.unwrap().unwrap();
    confined.apply().await.unwrap();
    assert_eq!(bench.text(PROFILE).as_ref(), Some(&edited));
    confined.release().await.unwrap();
    assert_eq!(bench.text(PROFILE), Some(edited));
    assert_eq!(bench.text(FILES), None);
}

#[tokio::test]
async fn a_profile_that_cannot_be_loaded_is_an_error_and_leaves_nothing() {
    let bench = Bench::new();
    bench.put("refuse", "");
    let confined = bench.layer().plan(&bench.guest("")).await.unwrap().unwrap();
    let error = confined.apply().await.unwrap_err();
    assert!(error.to_string().contains("cannot load the profile"), "{error}");
    confined.release().await.unwrap();
    assert_eq!((bench.text(PROFILE), bench.text(FILES)), (None, None));
}

#[tokio::test]
async fn a_definition_may_name_its_profile_or_have_none() {
    let bench = Bench::new();
    let of = async |seclabel: &str| bench.layer().plan(&bench.guest(seclabel)).await;
    let own = "<seclabel type='static' model='apparmor'><label>mine</label></seclabel>";
    let confined = of(own).await.unwrap().unwrap();
    confined.apply().await.unwrap();
    confined.release().await.unwrap();
    assert_eq!((confined.labels()[0].label.as_str(), bench.text("calls")), ("mine", None));
    assert!(of("<seclabel type='none'/>").await.unwrap().is_none());
    assert!(of("<seclabel type='none' model='selinux'/>").await.unwrap().is_some());
    let error = of("<seclabel type='static' model='apparmor'/>").await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidXml);
    assert!(AppArmor::new(None).plan(&bench.guest("")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_template_has_a_place_for_the_name() {
    let bench = Bench::new();
    bench.put(TEMPLATE, "profile x {}\n");
    let error = bench.layer().plan(&bench.guest("")).await.err().unwrap();
    assert!(error.to_string().contains(PLACE_OF_NAME), "{error}");
}
