//! Documents made up: of every shape, with what nobody knows put in, and with bytes of no sense.

use proptest::prelude::*;

use super::*;
use crate::xml::{Element, Node, OnOff, XmlError, YesNo, parse, write_document};
use clock::{Adjustment, Timer};
use cpu::{CpuFeature, CpuMode, CpuModel, CpuTopology, Vcpus};
use cpuset::CpuSet;
use features::{Apic, Feature, HyperV, Smm, Spinlocks, Tseg};
use memory::{CurrentMemory, HugePage, HugePages, MaxMemory, MemoryBacking};
use os::{Boot, BootDevice, Loader, OsKind, OsType};

/// Text with everything that XML treats specially; without control characters, which it cannot hold.
fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![Just(' '), Just('\n'), Just('\t'), Just('\r'), Just('&'), Just('<'), Just('\''), Just(']'), any::<char>()],
        1..12,
    )
    .prop_map(|characters| characters.into_iter().filter(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r')).collect::<String>())
    .prop_filter("XML cannot hold it", |text| !text.is_empty() && !text.contains(['\u{fffe}', '\u{ffff}']))
}

fn kib() -> impl Strategy<Value = u64> {
    (0..u64::MAX / 1024).prop_map(|kib| kib * 1024)
}

fn cpus() -> impl Strategy<Value = CpuSet> {
    proptest::collection::btree_set(0..=CpuSet::MAX, 1..20).prop_map(CpuSet)
}

fn any_of<T: Copy + std::fmt::Debug + 'static>(words: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(words)
}

fn maybe<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::of(strategy)
}

fn on_off() -> impl Strategy<Value = Option<OnOff>> {
    maybe(any::<bool>().prop_map(OnOff))
}

fn feature() -> impl Strategy<Value = Option<Feature>> {
    maybe(on_off().prop_map(|state| Feature { state, ..Default::default() }))
}

prop_compose! {
    fn features()(
        acpi in any::<bool>(), pae in any::<bool>(), eoi in maybe(on_off()), vmport in feature(), relaxed in feature(),
        spinlocks in maybe((on_off(), maybe(any::<u32>()))), hyperv in any::<bool>(), smm in maybe((on_off(), maybe(kib()))),
    ) -> Features {
        let spinlocks = spinlocks.map(|(state, retries)| Spinlocks { state, retries, ..Default::default() });
        Features {
            acpi, pae, vmport,
            apic: eoi.map(|eoi| Apic { eoi, ..Default::default() }),
            hyperv: hyperv.then(|| HyperV { relaxed, spinlocks, ..Default::default() }),
            smm: smm.map(|(state, tseg)| {
                let tseg = tseg.map(|bytes| Tseg { bytes, ..Default::default() });
                Smm { state, tseg, ..Default::default() }
            }),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn clock()(
        offset in maybe(any_of(clock::ClockOffset::ALL)),
        adjustment in maybe(prop_oneof![Just(Adjustment::Reset), any::<i64>().prop_map(Adjustment::Seconds)]),
        time_zone in maybe(text()), start in maybe(any::<u64>()),
        timers in proptest::collection::vec((any_of(clock::TimerName::ALL), maybe(any::<bool>().prop_map(YesNo)), maybe(any_of(clock::TickPolicy::ALL))), 0..4),
    ) -> Clock {
        let timer = |(name, present, tick_policy)| Timer { name, present, tick_policy, ..Default::default() };
        Clock { offset, adjustment, time_zone, start, timers: timers.into_iter().map(timer).collect(), ..Default::default() }
    }
}

prop_compose! {
    fn os()(
        kind in maybe(any_of(OsKind::ALL)), machine in maybe(text()), loader in maybe(text()), cmdline in maybe(text()),
        init_args in proptest::collection::vec(text(), 0..3), boot in proptest::collection::vec(any_of(BootDevice::ALL), 0..4),
    ) -> Os {
        Os {
            os_type: Some(OsType { kind, machine, ..Default::default() }),
            loader: loader.map(|path| Loader { path: Some(path), ..Default::default() }),
            boot: boot.into_iter().map(|dev| Boot { dev, ..Default::default() }).collect(),
            cmdline, init_args,
            ..Default::default()
        }
    }
}

prop_compose! {
    fn cpu()(
        mode in maybe(any_of(CpuMode::ALL)), model in maybe(text()), counts in maybe((1..9_u32, maybe(1..9_u32), 1..9_u32)),
        features in proptest::collection::vec((text(), maybe(any_of(cpu::CpuFeaturePolicy::ALL))), 0..4),
        cells in proptest::collection::vec((maybe(cpus()), kib()), 0..3),
    ) -> Cpu {
        let cell = |(cpus, memory)| numa::NumaCell { cpus, memory, ..Default::default() };
        let feature = |(name, policy)| CpuFeature { name, policy, ..Default::default() };
        Cpu {
            mode,
            model: model.map(|name| CpuModel { name: Some(name), ..Default::default() }),
            topology: counts.map(|(sockets, dies, cores)| CpuTopology { sockets, dies, cores, threads: 1, ..Default::default() }),
            features: features.into_iter().map(feature).collect(),
            numa: (!cells.is_empty()).then(|| numa::NumaTopology { cells: cells.into_iter().map(cell).collect(), ..Default::default() }),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn memory_part()(
        memory in maybe((kib(), on_off())), current in maybe(kib()), max in maybe((kib(), maybe(any::<u32>()))),
        backing in maybe((any::<bool>(), proptest::collection::vec((kib(), maybe(cpus())), 0..3))),
    ) -> Domain {
        let page = |(size, nodes)| HugePage { size, nodes, ..Default::default() };
        Domain {
            memory: memory.map(|(bytes, dump_core)| Memory { bytes, dump_core, ..Default::default() }),
            current_memory: current.map(CurrentMemory::new),
            max_memory: max.map(|(bytes, slots)| MaxMemory { bytes, slots, ..Default::default() }),
            memory_backing: backing.map(|(locked, pages)| MemoryBacking {
                locked,
                huge_pages: (!pages.is_empty()).then(|| HugePages { pages: pages.into_iter().map(page).collect(), ..Default::default() }),
                ..Default::default()
            }),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn domain()(
        part in memory_part(), kind in any_of(DomainType::ALL), name in text(), uuid in maybe(any::<u128>().prop_map(Uuid::from_u128)),
        title in maybe(text()), metadata in maybe("(<m:a xmlns:m='u' b=\"[a-z]*\"/>|[ \n]|<!-- [a-z]* -->){0,4}"),
        vcpu in maybe((maybe(any::<u32>()), maybe(cpus()), any::<u32>())), os in os(), features in features(), cpu in maybe(cpu()),
        clock in maybe(clock()), on_crash in maybe(any_of(LifecycleAction::ALL)), args in proptest::collection::vec(text(), 0..3),
    ) -> Domain {
        let arg = |value| qemu::Arg { value, ..Default::default() };
        Domain {
            kind, name, uuid, title, os, features, cpu, clock, on_crash,
            metadata: metadata.map(RawXml),
            vcpu: vcpu.map(|(current, cpus, count)| Vcpus { current, cpus, count: Some(count), ..Default::default() }),
            qemu_command_line: (!args.is_empty())
                .then(|| qemu::CommandLine { args: args.into_iter().map(arg).collect(), ..Default::default() }),
            ..part
        }
    }
}

/// A junk element or attribute put into an element of a fixture, found by its number.
fn put_junk(element: &mut Element, at: &mut usize, junk: &Junk, depth: usize) -> bool {
    if element.name == "metadata" {
        return false;
    }
    // Where text is the value, an element would stand in it.
    let takes_elements = depth == 0 || element.elements().next().is_some();
    if *at == 0 && takes_elements {
        match junk {
            Junk::Attribute(value) => {
                let value = value.clone();
                element.attributes.push(crate::xml::Attribute { name: "junk".into(), value, position: Default::default() });
            }
            Junk::Element(place, text) => {
                let mut junk = Element::new("junk");
                junk.nodes.push(Node::Text(text.clone()));
                element.nodes.insert(place.index(element.nodes.len() + 1), Node::Element(junk));
            }
        }
        return true;
    }
    *at = at.saturating_sub(usize::from(takes_elements));
    element.nodes.iter_mut().any(|node| match node {
        Node::Element(child) => put_junk(child, at, junk, depth + 1),
        _ => false,
    })
}

#[derive(Debug, Clone)]
enum Junk {
    Attribute(String),
    Element(proptest::sample::Index, String),
}

fn junk() -> impl Strategy<Value = Junk> {
    prop_oneof![
        "[a-z&<']{1,8}".prop_map(Junk::Attribute),
        (any::<proptest::sample::Index>(), "[a-z&<']{1,8}").prop_map(|(place, text)| Junk::Element(place, text)),
    ]
}

fn count_junk(element: &Element) -> usize {
    let own = usize::from(element.name == "junk") + usize::from(element.attribute("junk").is_some());
    own + element.elements().map(count_junk).sum::<usize>()
}

/// Prints a tree; only the fixtures' own shapes matter here.
fn print(element: &Element) -> String {
    struct Tree(Element);
    impl crate::xml::Content for Tree {
        fn read(reader: &mut crate::xml::Reader<'_, '_>) -> Result<Self, XmlError> {
            Err(reader.error("is only written"))
        }
        fn write(&self, writer: &mut crate::xml::Writer) {
            for attribute in &self.0.attributes {
                writer.required(&attribute.name, &attribute.value);
            }
            for node in &self.0.nodes {
                match node {
                    Node::Element(child) => writer.element(&child.name, |inside| Self(child.clone()).write(inside)),
                    Node::Text(text) => writer.text("", &Some(text.clone())),
                    _ => {}
                }
            }
        }
    }
    write_document(&Tree(element.clone()), &element.name)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_as_the_same(domain in domain()) {
        let written = domain.to_xml();
        let (again, warnings) = Domain::parse(&written).map_err(|error| TestCaseError::fail(format!("{error} in {written}")))?;
        prop_assert_eq!(warnings, vec![]);
        prop_assert_eq!(again, domain);
    }

    #[test]
    fn junk_is_kept_and_told(fixture in any::<proptest::sample::Index>(), junk in proptest::collection::vec((0..60_usize, junk()), 1..6)) {
        // Junk inside of what is not understood is told with it.
        let files: Vec<PathBuf> = fixtures().into_iter().filter(|file| !WITH_WARNINGS.contains(&name(file).as_str())).collect();
        let text = fs::read_to_string(fixture.get(&files)).unwrap();
        let mut root = parse(&text).unwrap();
        for (at, junk) in &junk {
            let mut at = *at;
            // An element has at most one attribute of a name.
            if matches!(junk, Junk::Element(..)) || count_junk(&root) == 0 {
                put_junk(&mut root, &mut at, junk, 0);
            }
        }
        let put = count_junk(&root);
        let text = print(&root);
        let (domain, warnings) = Domain::parse(&text).map_err(|error| TestCaseError::fail(format!("{error} in {text}")))?;
        prop_assert!(warnings.iter().all(|warning| warning.path.contains("junk")), "{:?}", warnings);
        prop_assert_eq!(warnings.len(), put, "{}\n{:?}", &text, warnings);
        let written = domain.to_xml();
        prop_assert_eq!(count_junk(&parse(&written).unwrap()), put, "{}", &written);
        prop_assert_eq!(Domain::parse(&written).unwrap().0, domain);
    }

    #[test]
    fn no_text_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), wrap in any::<bool>()) {
        let text = String::from_utf8_lossy(&bytes);
        let text = if wrap { document(&text) } else { text.into_owned() };
        let _ = Domain::parse(&text);
    }

    #[test]
    fn no_broken_fixture_makes_the_parser_panic(
        fixture in any::<proptest::sample::Index>(), at in any::<proptest::sample::Index>(), length in 0..40_usize, patch in "[<>&'\"/a-z0-9 =-]{0,6}",
    ) {
        let files = fixtures();
        let characters: Vec<char> = fs::read_to_string(fixture.get(&files)).unwrap().chars().collect();
        let from = at.index(characters.len());
        let to = (from + length).min(characters.len());
        let broken: String = characters[..from].iter().copied().chain(patch.chars()).chain(characters[to..].iter().copied()).collect();
        if let Ok((domain, _)) = Domain::parse(&broken) {
            let written = domain.to_xml();
            prop_assert_eq!(Domain::parse(&written).map(|(again, _)| again), Ok(domain), "{}", written);
        }
    }
}
