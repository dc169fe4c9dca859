//! Made-up configurations of settings that a domain can say: what is read is written so that it reads
//! as the same, in all three formats.

use proptest::prelude::*;

use crate::document::Document;
use crate::native::xen::{self, Dialect};

/// A setting that is left out half of the time.
fn maybe(setting: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    prop_oneof![Just(String::new()), setting].boxed()
}

/// One of several texts.
fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(texts).prop_map(str::to_owned)
}

/// A list of devices, which are different in a number.
fn list(key: &'static str, devices: &'static [&'static str]) -> BoxedStrategy<String> {
    let devices = proptest::collection::vec(proptest::sample::select(devices), 0..4);
    let text = move |devices: Vec<&str>| {
        let numbered = devices.iter().zip('a'..).map(|(device, letter)| format!("'{}'", device.replace('%', &letter.to_string())));
        format!("{key} = [ {} ]", numbered.collect::<Vec<_>>().join(",\n "))
    };
    devices.prop_map(text).boxed()
}

/// Settings of every guest.
fn common() -> BoxedStrategy<String> {
    let text = "[ -~äß€]{1,20}";
    let settings: Vec<BoxedStrategy<String>> = vec![
        "[ -~ä]{1,20}".prop_filter("a name", |name| !name.trim().is_empty()).prop_map(|name| format!("name = {name:?}")).boxed(),
        any::<u128>().prop_map(|id| format!("uuid = '{id:032x}'")).boxed(),
        (1..99_999_u32, 0..3_u32).prop_map(|(memory, more)| format!("memory = {memory}\nmaxmem = {}", memory * more)).boxed(),
        (1..64_u32).prop_map(|count| format!("vcpus = {count}")).boxed(),
        maybe(one_of(&["cpus = '1-7,^3'", "cpus = ['1']", "cpu_weight = 512", "cpus = 'all'"])),
        maybe(one_of(&["localtime = 1", "localtime = 0; rtc_timeoffset = -7", "rtc_timeoffset = '0'"])),
        maybe(one_of(&["on_crash = 'preserve'", "on_poweroff = 'restart'", "restart = 'never'"])),
        maybe(text.prop_map(|text| format!("extra = {text:?}"))),
        maybe(text.prop_map(|text| format!("ramdisk = {text:?}"))),
        list(
            "vif",
            &[
                "mac=00:16:3e:00:00:0%,bridge=br%",
                "bridge=br%,script=vif-bridge,vifname=web%",
                "script=vif-nat,ip=10.0.0.1",
                "bridge=x,rate=9Mb/s",
            ],
        ),
        list("pci", &["0%:00.0", "0000:0%:1f.7@05"]),
    ];
    settings.prop_map(|settings| settings.join("\n")).boxed()
}

fn hvm() -> BoxedStrategy<String> {
    let settings: Vec<BoxedStrategy<String>> = vec![
        Just("builder = 'hvm'".to_owned()).boxed(),
        maybe(one_of(&["boot = 'dc'", "acpi = 1; apic = 1", "pae = 0", "hap = 0", "viridian = 1", "nestedhvm = 1", "nestedhvm = 0"])),
        maybe(one_of(&["kernel = '/usr/lib/xen/boot/hvmloader'", "loader = '/x/hvmloader'; kernel = '/boot/linux'"])),
        maybe(one_of(&["hpet = 1", "tsc_mode = 2", "timer_mode = 0"])),
        maybe(one_of(&["vnc = 1", "sdl = 1", "vnc = 1; sdl = 1; vnclisten = '::'", "vncdisplay = 7; vncpasswd = '\\'x'"])),
        maybe(one_of(&["stdvga = 1; videoram = 32", "stdvga = 0", "videoram = 8", "nographic = 1"])),
        maybe(one_of(&["usb = 0", "usb = 1", "usb = 1; usbdevice = ['tablet', 'host:1234:abcd']", "usb = 1; usbdevice = 'keyboard'"])),
        maybe(one_of(&["soundhw = 'hda'", "soundhw = 'es1370,ac97'"])),
        maybe(one_of(&["serial = 'pty'", "serial = ['none', 'udp:a:1@b:2']", "parallel = 'file:/tmp/lp'"])),
    ];
    settings.prop_map(|settings| settings.join("\n")).boxed()
}

fn paravirtual() -> BoxedStrategy<String> {
    let settings: Vec<BoxedStrategy<String>> = vec![
        maybe(one_of(&["kernel = '/boot/linux'; root = '/dev/xvda1 ro'", "bootloader = 'pygrub'; bootargs = '-q  -x'"])),
        list("vfb", &["type=vnc,vncunused=1,keymap=d%", "type=sdl,display=:1", "type=vnc,vncdisplay=3,vnclisten=::1"]),
    ];
    settings.prop_map(|settings| settings.join("\n")).boxed()
}

fn disks(dialect: Dialect) -> BoxedStrategy<String> {
    match dialect {
        Dialect::Xl => list(
            "disk",
            &[
                "vdev=xvd%,format=qcow2,target=/i/a, b.img",
                "vdev=hd%,cdrom,access=ro,target=",
                "/dev/vg/x,raw,sd%,r",
                "vdev=xvd%,backendtype=tap,format=vhd,discard,target=/x",
                "vdev=xvd%,script=block-drbd,target=res",
            ],
        ),
        _ => list(
            "disk",
            &["phy:vg/x,xvd%,w", "file:/i/a, b.img,hd%,w!", "tap:qcow:/i/x,sd%,r", ",hd%:cdrom,r", "tap2:vhd:/x,xvd%,w,storage"],
        ),
    }
}

fn configuration(dialect: Dialect) -> BoxedStrategy<String> {
    (common(), prop_oneof![hvm(), paravirtual()], disks(dialect))
        .prop_map(|(common, kind, disks)| format!("{common}\n{kind}\n{disks}\n"))
        .boxed()
}

/// Reads, writes, reads again: the same, and nothing is said to be lost.
fn stays_the_same(text: &str, dialect: Dialect) -> Result<crate::domain::Domain, TestCaseError> {
    let fail = |error: &dyn std::fmt::Display, text: &str| TestCaseError::fail(format!("{error} in\n{text}"));
    let first = xen::read(text, dialect).map_err(|error| fail(&error, text))?;
    let written = xen::write(&first.domain, dialect).map_err(|error| fail(&error, text))?;
    prop_assert_eq!(&written.warnings, &Vec::<String>::new(), "{}\n{}", text, written.text);
    let again = xen::read(&written.text, dialect).map_err(|error| fail(&error, &written.text))?;
    prop_assert_eq!(again.warnings, vec![], "{}", &written.text);
    prop_assert_eq!(again.domain.to_xml(), first.domain.to_xml(), "{}\n{}", text, written.text);
    Ok(first.domain)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn files_of_xm_stay_the_same(text in configuration(Dialect::Xm)) {
        let domain = stays_the_same(&text, Dialect::Xm)?;
        // What a file of xm says, an expression can say too.
        let expression = xen::write(&domain, Dialect::Sxpr).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&expression.warnings, &Vec::<String>::new(), "{}", &expression.text);
        stays_the_same(&expression.text, Dialect::Sxpr)?;
    }

    #[test]
    fn files_of_xl_stay_the_same(text in configuration(Dialect::Xl)) {
        stays_the_same(&text, Dialect::Xl)?;
    }
}
