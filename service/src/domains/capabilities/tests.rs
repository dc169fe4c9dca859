//! Machines of several kinds as documents.

use lodge_model::document::Document as _;

use super::*;
use crate::host::hardware::Pages;

fn core(package: u32, die: u32, number: u32, cpus: &[u32]) -> Core {
    Core { package, die, cluster: 0, number, cpus: cpus.iter().copied().collect() }
}

fn cpus(cores: &[Core]) -> Vec<Cpu> {
    let cpus = cores.iter().flat_map(|core| core.cpus.iter().map(move |cpu| Cpu { number: *cpu, core: Some(core.clone()) }));
    cpus.collect()
}

fn machine(cores: &[Core]) -> Hardware {
    let node = Node { cpus: cpus(cores), ..Node::default() };
    Hardware { architecture: "x86_64".into(), nodes: vec![node], ..Hardware::default() }
}

fn document(hardware: Hardware) -> String {
    let capabilities = Capabilities { host: host(hardware), ..Capabilities::default() };
    assert_eq!(capabilities.validate(), Ok(()), "{}", capabilities.to_xml());
    capabilities.to_xml()
}

#[test]
fn processors_are_grouped_where_they_are_alike() {
    for (cores, expected) in [
        (vec![core(0, 0, 0, &[0])], "<topology sockets='1' dies='1' cores='1' threads='1'/>"),
        (vec![core(0, 0, 0, &[0, 2]), core(0, 0, 1, &[1, 3])], "<topology sockets='1' dies='1' cores='2' threads='2'/>"),
        (
            vec![core(0, 0, 0, &[0]), core(0, 1, 4, &[1]), core(1, 0, 0, &[2]), core(1, 1, 4, &[3])],
            "<topology sockets='2' dies='2' cores='1' threads='1'/>",
        ),
        // Performance and efficiency cores.
        (vec![core(0, 0, 0, &[0, 1]), core(0, 0, 1, &[2])], ""),
        (vec![core(0, 0, 0, &[0]), core(0, 0, 1, &[1]), core(1, 0, 0, &[2])], ""),
    ] {
        let document = document(machine(&cores));
        assert!(document.contains(expected), "{expected} in {document}");
        assert_eq!(document.contains("<topology sockets"), !expected.is_empty(), "{document}");
    }
    let mut unknown = machine(&[core(0, 0, 0, &[0])]);
    unknown.nodes[0].cpus.push(Cpu { number: 1, core: None });
    assert!(!document(unknown).contains("<topology sockets"));
}

#[test]
fn what_is_known_is_told_and_nothing_else() {
    let bare = Hardware { architecture: "riscv64".into(), nodes: vec![Node::default()], ..Hardware::default() };
    assert_eq!(
        document(bare),
        "<capabilities>\n  <host>\n    <cpu>\n      <arch>riscv64</arch>\n    </cpu>\n    <iommu support='no'/>\n    <topology>\n      \
         <cells num='1'>\n        <cell id='0'>\n          <cpus num='0'/>\n        </cell>\n      </cells>\n    </topology>\n  \
         </host>\n</capabilities>\n"
    );
}

#[test]
fn a_machine_becomes_a_document() {
    let processor = Processor {
        vendor: Some("AuthenticAMD".into()),
        signature: Some((25, 33, 2)),
        microcode: Some(0xa20_1016),
        physical_address_bits: Some(48),
        flags: ["fpu", "pae", "svm"].map(str::to_owned).into(),
    };
    let cache = |level, number| Cache { level, number, kind: CacheKind::Unified, size: 32 << 20, cpus: [0, 1].into() };
    let node = Node {
        number: 1,
        memory: Some(1 << 30),
        pages: vec![Pages { size: 4096, count: 262_144 }, Pages { size: 2 << 20, count: 0 }],
        distances: vec![(1, 10)],
        cpus: cpus(&[core(0, 0, 3, &[0, 1])]),
    };
    let text = document(Hardware {
        architecture: "i586".into(),
        uuid: Some(uuid::Uuid::from_u128(1)),
        processor,
        page_sizes: vec![4096, 2 << 20],
        nodes: vec![node],
        caches: vec![cache(2, 0), cache(3, 0)],
        sleep: Some(Sleep { to_memory: true, to_disk: false, to_both: false }),
        iommu: true,
    });
    for expected in [
        "<uuid>00000000-0000-0000-0000-000000000001</uuid>",
        "<arch>i686</arch>",
        "<features>\n        <pae/>\n        <svm/>\n      </features>",
        "<vendor>AMD</vendor>",
        "<microcode version='169873430'/>",
        "<signature family='25' model='33' stepping='2'/>",
        "<topology sockets='1' dies='1' cores='1' threads='2'/>",
        "<maxphysaddr mode='emulate' bits='48'/>",
        "<pages size='2048' unit='KiB'/>",
        "<power_management>\n      <suspend_mem/>\n    </power_management>",
        "<iommu support='yes'/>",
        "<cell id='1'>\n          <memory unit='KiB'>1048576</memory>\n          <pages size='4' unit='KiB'>262144</pages>",
        "<sibling id='1' value='10'/>",
        "<cpu id='1' socket_id='0' die_id='0' cluster_id='0' core_id='3' siblings='0-1'/>",
        "<cache>\n      <bank id='0' level='3' type='both' size='32768' unit='KiB' cpus='0-1'/>\n    </cache>",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(!text.contains("<model>") && !text.contains("migration") && !text.contains("secmodel"), "{text}");
}
