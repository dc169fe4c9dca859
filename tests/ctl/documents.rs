//! Documents examined without any service.

use lodge_tests::binaries;

use crate::Ran;

fn validate(arguments: &[&str]) -> Ran {
    let mut command = binaries::command(binaries::built("lodgectl"));
    command.arg("validate").args(arguments).env_remove("DBUS_SESSION_BUS_ADDRESS").output().unwrap().into()
}

#[test]
fn what_is_wrong_and_what_is_not_understood_is_told_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = file("good.xml", "<domain type='kvm'><name>a</name><memory>65536</memory><os><type>hvm</type></os></domain>");
    let odd =
        file("odd.xml", "<domain type='kvm'><name>a</name><memory>65536</memory><os><type>hvm</type></os>\n<colour>red</colour></domain>");
    let bad = file("bad.xml", "<domain type='kvm'><name>a/b</name><memory>0</memory><os><type>hvm</type></os></domain>");
    let broken = file("broken.xml", "<domain>\n<name>a</domain>");

    assert_eq!(validate(&[&good]).good(), format!("{good}: <domain> is in order\n"));
    let told = validate(&[&odd]);
    assert_eq!(told.code, Some(0));
    assert_eq!(told.stderr, format!("warning: {odd}: /domain/colour, line 2, column 1: is not understood; it is kept as it is\n"));
    assert!(validate(&["--print", &good]).good().starts_with("<domain type='kvm'>\n  <name>a</name>\n"));
    assert_eq!(validate(&["--strict", &odd]).code, Some(1));

    let told = validate(&[&good, &bad, &broken]);
    assert_eq!((told.code, told.stdout), (Some(1), format!("{good}: <domain> is in order\n")));
    for expected in [
        format!("error: {bad}: /domain/name: "),
        format!("error: {bad}: /domain/memory: "),
        format!("error: {broken}: /domain/name, line 2, column "),
        "error: 2 of 3 documents are not in order\n".to_owned(),
    ] {
        assert!(told.stderr.contains(&expected), "{expected} in {}", told.stderr);
    }
}
