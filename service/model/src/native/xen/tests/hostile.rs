//! Texts that are made to do harm: they are refused or read in a moment, and nothing panics.

use proptest::prelude::*;

use crate::native::xen::{self, Dialect};
use crate::native::{MAX_SIZE, ReadError};

const ALL: [Dialect; 3] = [Dialect::Xm, Dialect::Xl, Dialect::Sxpr];

/// Reads a text of the largest size that is made of a piece over and over.
fn read(dialect: Dialect, start: &str, piece: &str) -> Result<usize, ReadError> {
    let text = format!("{start}{}", piece.repeat((MAX_SIZE - start.len()) / piece.len()));
    xen::read(&text, dialect).map(|converted| converted.warnings.len())
}

#[test]
fn deep_nesting_is_refused() {
    assert!(read(Dialect::Xl, "a = ", "[").unwrap_err().reason.contains("inside of 8 others"));
    assert!(read(Dialect::Xl, "a = ", "[[],").unwrap_err().reason.contains("inside of 8 others"));
    assert!(read(Dialect::Sxpr, "(domain ", "(").unwrap_err().reason.contains("inside of 16 others"));
    assert!(read(Dialect::Sxpr, "(domain ", "(a").unwrap_err().reason.contains("inside of 16 others"));
}

#[test]
fn too_much_of_anything_is_refused() {
    let settings: String = (0..100_000).map(|number| format!("a{number}=1\n")).collect();
    let error = xen::read(&settings, Dialect::Xm).unwrap_err();
    assert!(error.reason.contains("4096") && error.position.line == 4097, "{error}");
    assert!(read(Dialect::Xm, "", "a=1\n").unwrap_err().reason.contains("4096"));
    assert!(read(Dialect::Xm, "a = [", "1,").unwrap_err().reason.contains("65536"));
    assert!(read(Dialect::Xm, "", "a+=[1,1,1,1,1,1,1,1,1]\n").is_err());
    assert!(read(Dialect::Sxpr, "(domain ", "(a 1)").unwrap_err().reason.contains("65536"));
    let settings = format!("(domain {})", "(a 1)".repeat(5000));
    assert!(xen::read(&settings, Dialect::Sxpr).unwrap_err().reason.contains("4096"));
    assert!(read(Dialect::Sxpr, "(domain (a ", "b ").unwrap_err().reason.contains("65536"));
    let pins = format!("name='x'\nvcpus=8192\ncpus=[{}]", "'0-16383',".repeat(4000));
    assert!(xen::read(&pins, Dialect::Xl).unwrap_err().reason.contains("processors in all"));
}

/// These are long and lawful, or fail at their end: what counts is that the test ends.
#[test]
fn long_texts_take_no_time() {
    for dialect in ALL {
        for (start, piece) in [
            ("", "#"),
            ("", "\n"),
            ("", " "),
            ("", "\\"),
            ("name = '", "a"),
            ("name = ", "'a' "),
            ("name = '", "\\\\"),
            ("name='x'\nvif=['", "a=b,"),
            ("name='x'\nvif=['", "mac=,"),
            ("name='x'\ndisk=['", "a,"),
            ("name='x'\ndisk=['", "tap:"),
            ("name='x'\ndisk=['", "=,"),
            ("name='x'\nserial='tcp:", "server,"),
            ("(domain (name '", "a"),
            ("(domain (name x) (device (vif ", "(a b)"),
            ("(", " "),
            ("", ";"),
        ] {
            let _ = read(dialect, start, piece);
        }
    }
    // The ends are there too, so the long value reaches its reader.
    for (start, piece) in
        [("name='x'\nvif=['", "a=b,"), ("name='x'\ndisk=['vdev=a,", "a-b=,"), ("name='x'\ndisk=['", "tap:"), ("name='x'\ncpus='", "1,")]
    {
        let text = format!("{start}{}']", piece.repeat(200_000));
        let _ = xen::read(&text, Dialect::Xl);
        let _ = xen::read(&text, Dialect::Xm);
    }
}

/// Words that mean something somewhere, and what stands between them.
fn words() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "name",
        "memory",
        "vcpus",
        "cpus",
        "disk",
        "vif",
        "vfb",
        "pci",
        "serial",
        "boot",
        "builder",
        "type",
        "usbdevice",
        "=",
        "+=",
        "[",
        "]",
        "(",
        ")",
        ",",
        "'",
        "\"",
        "\\",
        "\n",
        ";",
        "#",
        " ",
        "phy:",
        "file:",
        "tap:aio:",
        "/i",
        "hda",
        "w",
        "r",
        ":cdrom",
        "mac=",
        "rate=",
        "10Mb/s",
        "@",
        "0-3",
        "^1",
        "1",
        "0x",
        "-",
        "hvm",
        "domain",
        "image",
        "device",
        "vbd",
        "uname",
        "dev",
        "mode",
        "udp:",
        "tcp:",
        ":",
        "vnclisten=",
        "é",
        "\u{1F600}",
        "True",
        "None",
        "host:",
        "03:00.0",
        "target=",
        "vdev=",
    ];
    proptest::collection::vec(proptest::sample::select(WORDS), 0..60).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_text_does_harm(text in prop_oneof![words(), any::<String>(), words().prop_map(|words| format!("name='x'\n{words}")),
                                             words().prop_map(|words| format!("(domain (name x) {words})"))]) {
        for dialect in ALL {
            if let Ok(converted) = xen::read(&text, dialect)
                && let Ok(written) = xen::write(&converted.domain, dialect)
            {
                prop_assert!(xen::read(&written.text, dialect).is_ok());
            }
        }
    }
}
