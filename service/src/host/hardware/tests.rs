//! Machines made up of files, and the one that the tests run on.

use std::fs;

use tempfile::TempDir;

use super::*;

/// The kernel's description of a machine, file by file.
struct Machine(TempDir);

impl Machine {
    fn new(files: &[(&str, &str)]) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            let path = machine.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{text}\n")).unwrap();
        }
        machine
    }

    fn look(&self) -> Hardware {
        Sources { sys: self.0.path().join("sys"), proc: self.0.path().join("proc") }.read()
    }
}

const CPU: &str = "sys/devices/system/cpu/cpu";
const NODE: &str = "sys/devices/system/node/node";

#[test]
fn a_kernel_that_says_nothing_leaves_everything_open() {
    let hardware = Machine::new(&[]).look();
    assert_eq!(hardware.nodes, [Node::default()]);
    assert_eq!((hardware.uuid, hardware.sleep, hardware.iommu), (None, None, false));
    assert_eq!((hardware.processor, hardware.caches), (Processor::default(), vec![]));
    assert_eq!(hardware.page_sizes.len(), 1);
    assert!(!hardware.architecture.is_empty());
}

#[test]
fn nodes_have_processors_memory_and_distances() {
    let core = |cpu: u32, files: &[(&str, &str)]| -> Vec<(String, String)> {
        files.iter().map(|(name, text)| (format!("{CPU}{cpu}/topology/{name}"), (*text).to_owned())).collect()
    };
    let mut files = vec![
        (format!("{NODE}0/cpulist"), "0,2".to_owned()),
        (format!("{NODE}0/distance"), "10 21".to_owned()),
        (format!("{NODE}0/meminfo"), "Node 0 MemFree:  1 kB\nNode 0 MemTotal:       1048576 kB".to_owned()),
        (format!("{NODE}0/hugepages/hugepages-2048kB/nr_hugepages"), "256".to_owned()),
        (format!("{NODE}0/hugepages/hugepages-1048576kB/nr_hugepages"), "0".to_owned()),
        // Memory without processors.
        (format!("{NODE}3/cpulist"), String::new()),
        (format!("{NODE}3/distance"), "21 10".to_owned()),
        ("sys/devices/system/node/online".to_owned(), "0,3".to_owned()),
    ];
    files.extend(core(
        0,
        &[("physical_package_id", "0"), ("core_id", "4"), ("die_id", "1"), ("cluster_id", "8"), ("core_cpus_list", "0,2")],
    ));
    // An old kernel, and one that does not know.
    files.extend(core(2, &[("physical_package_id", "-1"), ("core_id", "5"), ("cluster_id", "65535"), ("thread_siblings_list", "2-3")]));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let hardware = Machine::new(&files).look();
    let page = hardware.page_sizes[0];
    let first = Core { package: 0, die: 1, cluster: 8, number: 4, cpus: [0, 2].into() };
    let second = Core { package: 0, die: 0, cluster: 0, number: 5, cpus: [2, 3].into() };
    assert_eq!(
        hardware.nodes,
        [
            Node {
                number: 0,
                memory: Some(1 << 30),
                pages: vec![
                    Pages { size: page, count: (1 << 29) / page },
                    Pages { size: 2 << 20, count: 256 },
                    Pages { size: 1 << 30, count: 0 },
                ],
                distances: vec![(0, 10), (3, 21)],
                cpus: vec![Cpu { number: 0, core: Some(first) }, Cpu { number: 2, core: Some(second) }],
            },
            Node { number: 3, distances: vec![(0, 21), (3, 10)], ..Node::default() },
        ]
    );
}

#[test]
fn without_numa_there_is_one_node() {
    let hardware = Machine::new(&[
        ("sys/devices/system/cpu/online", "0-1"),
        ("proc/meminfo", "MemTotal:        2048 kB\nMemFree: 5 kB"),
        ("sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages", "0"),
        ("sys/kernel/mm/hugepages/hugepages-32kB/nr_hugepages", "2"),
    ])
    .look();
    let page = hardware.page_sizes[0];
    assert_eq!(hardware.page_sizes, [page, 32 << 10, 64 << 10]);
    let [node] = &hardware.nodes[..] else { panic!("{:?}", hardware.nodes) };
    assert_eq!((node.number, node.memory), (0, Some(2 << 20)));
    assert_eq!(node.pages[0], Pages { size: page, count: ((2 << 20) - (64 << 10)) / page });
    assert_eq!(node.cpus, [Cpu { number: 0, core: None }, Cpu { number: 1, core: None }]);
}

#[test]
fn the_first_processor_speaks_for_all() {
    let hardware = Machine::new(&[(
        "proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 142\nmodel name\t: Some: thing\nstepping\t: 12\n\
         microcode\t: 0xf0\nflags\t\t: fpu pae vmx\naddress sizes\t: 39 bits physical, 48 bits virtual\npower management:\n\n\
         processor\t: 1\nvendor_id\t: Other\nbugs\t: none",
    )])
    .look();
    assert_eq!(
        hardware.processor,
        Processor {
            vendor: Some("GenuineIntel".to_owned()),
            signature: Some((6, 142, 12)),
            microcode: Some(0xf0),
            physical_address_bits: Some(39),
            flags: ["fpu", "pae", "vmx"].map(str::to_owned).into(),
        }
    );
    // That of an ARM machine says little that could be used.
    let hardware = Machine::new(&[("proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41")]).look();
    assert_eq!(hardware.processor, Processor::default());
}

#[test]
fn caches_are_counted_once() {
    let cache = |cpu: u32, index: u32, id: &str, level: &str, kind: &str, size: &str, cpus: &str| {
        let path = format!("{CPU}{cpu}/cache/index{index}");
        [("id", id), ("level", level), ("type", kind), ("size", size), ("shared_cpu_list", cpus)]
            .map(|(name, text)| (format!("{path}/{name}"), text.to_owned()))
    };
    let mut files = vec![("sys/devices/system/cpu/online".to_owned(), "0-1".to_owned())];
    for cpu in [0, 1] {
        files.extend(cache(cpu, 0, &cpu.to_string(), "1", "Data", "32K", &cpu.to_string()));
        files.extend(cache(cpu, 1, &cpu.to_string(), "1", "Instruction", "64K", &cpu.to_string()));
        files.extend(cache(cpu, 3, "0", "3", "Unified", "8192K", "0-1"));
        files.extend(cache(cpu, 4, "", "4", "Unified", "8192K", "0-1"));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let caches = Machine::new(&files).look().caches;
    let told: Vec<_> = caches.iter().map(|cache| (cache.level, cache.number, cache.kind, cache.size >> 10)).collect();
    assert_eq!(
        told,
        [
            (1, 0, CacheKind::Instruction, 64),
            (1, 0, CacheKind::Data, 32),
            (1, 1, CacheKind::Instruction, 64),
            (1, 1, CacheKind::Data, 32),
            (3, 0, CacheKind::Unified, 8192),
        ]
    );
    assert_eq!(caches[4].cpus, [0, 1].into());
}

#[test]
fn sleep_iommu_and_identity() {
    for (state, disk, expected) in [
        ("freeze mem disk", Some("[platform] shutdown reboot suspend test_resume"), (true, true, true)),
        ("freeze mem disk", Some("[disabled]"), (true, false, false)),
        ("freeze standby", None, (false, false, false)),
        ("mem disk", Some("platform [shutdown]"), (true, true, false)),
        ("", None, (false, false, false)),
    ] {
        let mut files = vec![("sys/power/state", state)];
        files.extend(disk.map(|modes| ("sys/power/disk", modes)));
        let Sleep { to_memory, to_disk, to_both } = Machine::new(&files).look().sleep.unwrap();
        assert_eq!((to_memory, to_disk, to_both), expected, "{state} {disk:?}");
    }
    assert!(Machine::new(&[("sys/kernel/iommu_groups/0/type", "DMA")]).look().iommu);
    for (text, expected) in [
        ("4C4C4544-0042-3510-8054-B7C04F4E5331", Some("4c4c4544-0042-3510-8054-b7c04f4e5331")),
        ("00000000-0000-0000-0000-000000000000", None),
        ("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", None),
        ("Not Settable", None),
    ] {
        let uuid = Machine::new(&[("sys/class/dmi/id/product_uuid", text)]).look().uuid;
        assert_eq!(uuid.map(|uuid| uuid.to_string()).as_deref(), expected, "{text}");
    }
}

#[test]
fn lists_are_the_kernel_s() {
    for (text, expected) in [("0-3,8", &[0, 1, 2, 3, 8][..]), ("", &[]), ("5", &[5]), ("a,2", &[2]), ("0-4294967295", &[])] {
        assert_eq!(list(text).into_iter().collect::<Vec<_>>(), expected, "{text}");
    }
}

#[tokio::test]
async fn this_machine_has_processors_and_memory() {
    let hardware = look().await.unwrap();
    let cpus: Vec<_> = hardware.nodes.iter().flat_map(|node| &node.cpus).collect();
    assert!(!cpus.is_empty() && hardware.nodes.iter().any(|node| node.memory.is_some_and(|memory| memory > 0)), "{hardware:?}");
    for cpu in cpus {
        assert!(cpu.core.as_ref().is_none_or(|core| core.cpus.contains(&cpu.number)), "{hardware:?}");
    }
}
