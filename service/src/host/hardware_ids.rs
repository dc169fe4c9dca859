//! Names of vendors and products of PCI and USB, from the lists that distributions install (packages pci.ids and usb.ids, or
//! hwdata; format: the comments in those files).
//!
//! Invariant: a list that is not there is an empty one.

use std::collections::HashMap;

use super::sysfs::Sysfs;

/// Where lists are installed.
const DIRECTORIES: [&str; 3] = ["/usr/share/misc", "/usr/share/hwdata", "/var/lib/usbutils"];

/// A list of names.
#[derive(Debug, Default)]
pub struct HardwareIds {
    text: String,
    /// Where a vendor's lines begin.
    vendors: HashMap<u16, usize>,
}

impl HardwareIds {
    /// The list of a machine that is called `pci.ids` or `usb.ids`.
    pub fn load(machine: &Sysfs, name: &str) -> Self {
        let found = DIRECTORIES.iter().find_map(|directory| std::fs::read(machine.place(directory).join(name)).ok());
        Self::of(String::from_utf8_lossy(&found.unwrap_or_default()).into_owned())
    }

    fn of(text: String) -> Self {
        let mut vendors = HashMap::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            match entry(line) {
                Some((id, _)) => drop(vendors.entry(id).or_insert(at)),
                // Behind the vendors, classes and other things are listed.
                None if line.starts_with("C ") => break,
                None => {}
            }
            at += line.len();
        }
        Self { text, vendors }
    }

    /// The names of a vendor and of a product of it.
    pub fn names(&self, vendor: u16, product: u16) -> (Option<String>, Option<String>) {
        let mut lines = self.vendors.get(&vendor).map(|at| self.text[*at..].lines()).into_iter().flatten();
        let name = lines.next().and_then(entry).map(|(_, name)| name.to_owned());
        let products = lines.take_while(|line| line.is_empty() || line.starts_with(['\t', '#']));
        let mut products = products.filter_map(|line| entry(line.strip_prefix('\t')?));
        let product = products.find(|(id, _)| *id == product).map(|(_, name)| name.to_owned());
        (name, product)
    }
}

/// A line such as `8086  Intel Corporation`, without what stands before it.
fn entry(line: &str) -> Option<(u16, &str)> {
    let (digits, name) = line.trim_end().split_at_checked(4)?;
    let id = digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())??;
    Some((id, name.strip_prefix("  ")?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# list\n0001  SafeNet\n8086  Intel Corporation\n\t0007  82379AB\n\t1533  I210\n\t\t1028 0001  Board\n\n1af4  Red Hat, Inc.\n\
                        \t1000  Virtio network device\nC 00  Unclassified\n\t00  Non-VGA\nffff  No vendor\n";

    #[test]
    fn vendors_and_their_products_are_found() {
        let ids = HardwareIds::of(LIST.to_owned());
        let names = |vendor, product| {
            let (vendor, product) = ids.names(vendor, product);
            (vendor.unwrap_or_default(), product.unwrap_or_default())
        };
        assert_eq!(names(0x8086, 0x1533), ("Intel Corporation".into(), "I210".into()));
        assert_eq!(names(0x1af4, 0x1000), ("Red Hat, Inc.".into(), "Virtio network device".into()));
        // A product of the next vendor, a board's number, and what stands behind the vendors.
        assert_eq!(names(0x8086, 0x1000), ("Intel Corporation".into(), String::new()));
        assert_eq!(names(0x8086, 0x1028), ("Intel Corporation".into(), String::new()));
        assert_eq!(names(0xffff, 0), (String::new(), String::new()));
    }

    #[test]
    fn the_installed_lists_have_well_known_names() {
        for (list, vendor, name) in [("pci.ids", 0x8086, "Intel Corporation"), ("usb.ids", 0x1d6b, "Linux Foundation")] {
            let found = HardwareIds::load(&Sysfs::of_this_host(), list).names(vendor, 2).0;
            assert_eq!(found.as_deref(), Some(name), "install the package {list}");
        }
    }
}
