//! Golden fixtures: `tests/fixtures/native/xen-FORMAT/NAME.cfg` (or `.sxpr`), what it becomes in
//! `NAME.xml`, the warnings if there are any in `NAME.warnings`, and what that is written as in
//! `NAME.written.cfg`. `UPDATE_EXPECT=1` rewrites all but the first.
//!
//! Domains are written as well: `xen-*.xml` of the fixtures of domains, to
//! `native/xen-FORMAT/from-xml/NAME.cfg`, with what could not be said in `NAME.left-out`.

use std::path::{Path, PathBuf};

use crate::document::Document;
use crate::domain::{Domain, DomainType};
use crate::native::xen::{self, Dialect};
use crate::testing::fixtures;

const FORMATS: [(Dialect, &str, &str); 3] =
    [(Dialect::Xm, "xen-xm", "cfg"), (Dialect::Xl, "xen-xl", "cfg"), (Dialect::Sxpr, "xen-sxpr", "sxpr")];

fn folder(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/native").join(format)
}

fn configurations(format: &str, extension: &str) -> Vec<PathBuf> {
    let mut files = fixtures::with_extension(&format!("native/{format}"), extension);
    files.retain(|path| !path.to_string_lossy().ends_with(&format!(".written.{extension}")));
    files
}

/// Compares with an expected file, or with nothing where there is none.
fn expect_lines(file: &Path, lines: &[String], name: &str) {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    if file.exists() || (update && !lines.is_empty()) {
        fixtures::expect(file, &(lines.join("\n") + "\n"));
    } else {
        assert_eq!(lines, <&[String]>::default(), "{name}; expected ones stand in {}", file.display());
    }
}

#[test]
fn configurations_become_domains_and_domains_configurations() {
    for (dialect, format, extension) in FORMATS {
        let files = configurations(format, extension);
        assert!(files.len() >= 3, "only {} fixtures in {format}", files.len());
        for file in files {
            let name = format!("{format}/{}", fixtures::name(&file));
            let text = fixtures::text(&file);
            let converted = xen::read(&text, dialect).unwrap_or_else(|error| panic!("{name}: {error}"));
            fixtures::expect(&file.with_extension("xml"), &converted.domain.to_xml());
            let warnings: Vec<String> = converted.warnings.iter().map(ToString::to_string).collect();
            expect_lines(&file.with_extension("warnings"), &warnings, &name);
            assert_eq!(converted.domain.validate(), Ok(()), "{name}");

            let written = xen::write(&converted.domain, dialect).unwrap_or_else(|error| panic!("{name}: {error}"));
            fixtures::expect(&file.with_extension(format!("written.{extension}")), &written.text);
            assert_eq!(written.warnings, Vec::<String>::new(), "{name}: what was read can be said");
            let again = xen::read(&written.text, dialect).unwrap();
            assert_eq!(again.domain.to_xml(), converted.domain.to_xml(), "{name}: read(write(x)) == x");
            assert_eq!(again.warnings, vec![], "{name}: what is written is understood");
        }
    }
}

#[test]
fn domains_of_all_kinds_are_written() {
    for file in fixtures::files("domain").into_iter().filter(|file| fixtures::name(file).starts_with("xen-")) {
        let (domain, _) = Domain::parse(&fixtures::text(&file)).unwrap();
        for (dialect, format, extension) in FORMATS {
            let name = format!("{format}/{}", fixtures::name(&file));
            let written = xen::write(&domain, dialect).unwrap_or_else(|error| panic!("{name}: {error}"));
            let target = folder(format).join("from-xml").join(fixtures::name(&file));
            fixtures::expect(&target.with_extension(extension), &written.text);
            expect_lines(&target.with_extension("left-out"), &written.warnings, &name);
            let again = xen::read(&written.text, dialect).unwrap();
            let twice = xen::write(&again.domain, dialect).unwrap();
            assert_eq!(xen::read(&twice.text, dialect).unwrap().domain, again.domain, "{name}: read(write(x)) == x");
            assert_eq!(twice.warnings, Vec::<String>::new(), "{name}");
        }
    }
}

/// Domains that were made for other hypervisors, as if they were for Xen: much is left out, each thing
/// by name, and what is written can be read.
#[test]
fn domains_of_other_hypervisors_lose_much_but_nothing_silently() {
    let (mut written, mut left_out) = (0, 0);
    for file in fixtures::files("domain") {
        let (mut domain, _) = Domain::parse(&fixtures::text(&file)).unwrap();
        if domain.kind == DomainType::Xen {
            continue;
        }
        domain.kind = DomainType::Xen;
        for (dialect, format, _) in FORMATS {
            let name = format!("{format}/{}", fixtures::name(&file));
            let Ok(text) = xen::write(&domain, dialect) else { continue };
            assert!(text.warnings.iter().all(|warning| warning.contains(dialect.name())), "{name}: {:?}", text.warnings);
            let again = xen::read(&text.text, dialect).unwrap();
            assert_eq!(again.domain.name, domain.name, "{name}");
            written += 1;
            left_out += text.warnings.len();
        }
    }
    assert!(written >= 30 && left_out >= 300, "only {written} were written, and {left_out} things left out");
}
