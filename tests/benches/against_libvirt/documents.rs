//! The domain documents that both sides get.

const TYPICAL: &str = include_str!("typical.xml");
const STARTABLE: &str = include_str!("startable.xml");

/// The document of domain `number`, as virt-install writes one; all alike but for what must differ.
pub fn typical(number: usize) -> String {
    fill(TYPICAL, &name(number), number)
}

/// The document of the guest that is started.
pub fn startable() -> String {
    fill(STARTABLE, START_NAME, 0xffff)
}

/// The name of domain `number`.
pub fn name(number: usize) -> String {
    format!("bench-{number:04}")
}

/// The name of the guest that is started.
pub const START_NAME: &str = "bench-start";

/// The identity of domain `number`.
pub fn uuid(number: usize) -> String {
    format!("7d0f2a60-1f5e-4a55-9a3f-{number:012x}")
}

fn fill(template: &str, name: &str, number: usize) -> String {
    let mac = format!("52:54:00:5b:{:02x}:{:02x}", number / 256, number % 256);
    template.replace("@NAME@", name).replace("@UUID@", &uuid(number)).replace("@MAC@", &mac)
}
