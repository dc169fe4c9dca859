//! The command line of every completed fixture, an argument a line, for QEMU 10.0; and the same plan for QEMU 7.2.
//! UPDATE_EXPECT=1 writes what is there now.

use super::{Host, completed, fixtures, supported};
use crate::hypervisors::qemu::command::plan;
use crate::hypervisors::qemu::plan::LaunchPlan;

fn check(version: &str) {
    let mut host = Host::recorded(version);
    host.capabilities.kvm.usable = true;
    let mut wrong = Vec::new();
    for (name, domain) in completed() {
        let mut domain = supported(domain);
        // A fixture may have been completed for another version: machine types are then of that one.
        if let Some(os_type) = &mut domain.os.os_type
            && let Some(machine) = &mut os_type.machine
            && host.capabilities.machine(machine).is_none()
        {
            *machine = if machine.contains("q35") { "q35".to_owned() } else { "pc".to_owned() };
        }
        let found = plan(&domain, &host.input()).map_or_else(|refusal| format!("refused: {refusal}\n"), |plan| render(&plan));
        let path = fixtures().join(format!("qemu/{version}/{name}.argv"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &found).unwrap();
        }
        if std::fs::read_to_string(&path).ok().as_deref() != Some(found.as_str()) {
            wrong.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "differs from what is expected (UPDATE_EXPECT=1 rewrites):\n{}", wrong.join("\n"));
}

fn render(plan: &LaunchPlan) -> String {
    let mut lines: Vec<String> = plan.environment.iter().map(|(name, value)| format!("env {name}={value}")).collect();
    lines.push(plan.program.display().to_string());
    lines.extend(plan.arguments.iter().map(|argument| argument.render(|_| 3)));
    lines.extend(plan.preparations.iter().map(|preparation| format!("first {preparation:?}")));
    lines.extend(plan.companions.iter().map(|one| format!("beside {} {}", one.program.display(), one.arguments.join(" "))));
    lines.extend(plan.set_up.iter().map(|set_up| format!("then {} {}", set_up.execute, set_up.arguments)));
    lines.extend(plan.resources.iter().map(|one| format!("uses {:?} {:?} {}", one.class, one.access, one.path.display())));
    lines.extend(plan.warnings.iter().map(|warning| format!("warns {warning}")));
    lines.join("\n") + "\n"
}

#[test]
fn command_lines_for_qemu_10_are_as_recorded() {
    check("10.0");
}

#[test]
fn command_lines_for_qemu_7_are_as_recorded() {
    check("7.2");
}
