//! What is written reads back as it was: for devices made of arbitrary values, and for fixtures
//! that were damaged at random.

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::fixtures::FIXTURES;
use crate::domain::devices::*;
use crate::xml::{Element, Hex, Node, OnOff, YesNo, parse, read_document, write_document};

/// Text with everything that XML treats in a special way.
fn text() -> impl Strategy<Value = String> {
    "[a-z<>&'\" \n\t\réß€]{1,8}"
}

fn word<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = Option<T>> {
    of(select(all))
}

fn on_off() -> impl Strategy<Value = Option<OnOff>> {
    of(any::<bool>().prop_map(OnOff))
}

fn yes_no() -> impl Strategy<Value = Option<YesNo>> {
    of(any::<bool>().prop_map(YesNo))
}

fn hex<const DIGITS: usize>() -> impl Strategy<Value = Option<Hex<DIGITS>>> {
    of(any::<u32>().prop_map(Hex))
}

fn number() -> impl Strategy<Value = Option<u32>> {
    of(any::<u32>())
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        (hex(), hex(), hex(), hex(), on_off(), of((hex(), hex()))).prop_map(|(domain, bus, slot, function, multifunction, zpci)| {
            let zpci = zpci.map(|(uid, fid)| ZpciAddress { uid, fid, ..Default::default() });
            Address::Pci(PciAddress { domain, bus, slot, function, multifunction, zpci, ..Default::default() })
        }),
        (number(), number(), number(), number()).prop_map(|(controller, bus, target, unit)| {
            Address::Drive(DriveAddress { controller, bus, target, unit, ..Default::default() })
        }),
        (number(), of(text())).prop_map(|(bus, port)| Address::Usb(UsbAddress { bus, port, ..Default::default() })),
        (number(), number(), number()).prop_map(|(controller, bus, port)| {
            Address::VirtioSerial(VirtioSerialAddress { controller, bus, port, ..Default::default() })
        }),
        (number(), number()).prop_map(|(controller, slot)| Address::Ccid(CcidAddress { controller, slot, ..Default::default() })),
        (hex(), hex()).prop_map(|(iobase, irq)| Address::Isa(IsaAddress { iobase, irq, ..Default::default() })),
        hex().prop_map(|reg| Address::SpaprVio(SpaprVioAddress { reg, ..Default::default() })),
        (hex(), hex(), hex()).prop_map(|(cssid, ssid, devno)| Address::Ccw(CcwAddress { cssid, ssid, devno, ..Default::default() })),
        (number(), of(text())).prop_map(|(slot, base)| Address::Dimm(DimmAddress { slot, base, ..Default::default() })),
        Just(Address::VirtioMmio(PlainAddress::default())),
        Just(Address::Unassigned(PlainAddress::default())),
    ]
}

fn disk_source() -> impl Strategy<Value = DiskSourceElement> {
    let host = (word(HostTransport::ALL), of(text()), of(any::<u16>())).prop_map(|(transport, name, port)| SourceHost {
        transport,
        name,
        port,
        ..Default::default()
    });
    let label =
        (of(text()), yes_no(), of(text())).prop_map(|(model, relabel, label)| SourceLabel { model, relabel, label, ..Default::default() });
    let (hosts, labels) = (prop::collection::vec(host, 0..3), prop::collection::vec(label, 0..3));
    (of(text()), of(text()), of(text()), word(StartupPolicy::ALL), number(), hosts, labels).prop_map(
        |(file, dev, protocol, startup_policy, index, hosts, labels)| DiskSourceElement {
            file,
            dev,
            protocol,
            startup_policy,
            index,
            hosts,
            labels,
            ..Default::default()
        },
    )
}

fn backing_store() -> impl Strategy<Value = BackingStore> {
    let leaf = (word(DiskType::ALL), of(disk_source()));
    let leaf = leaf.prop_map(|(kind, source)| BackingStore { kind, source, ..Default::default() });
    leaf.prop_recursive(4, 4, 1, |below| {
        (below, of(text())).prop_map(|(below, format)| BackingStore {
            format: format.map(|kind| SourceFormat { kind: Some(kind), ..Default::default() }),
            backing_store: Some(Box::new(below)),
            ..Default::default()
        })
    })
}

fn disk() -> impl Strategy<Value = Disk> {
    let driver = (of(text()), of(text()), word(DiskCache::ALL), word(DiskIo::ALL), on_off(), number())
        .prop_map(|(name, kind, cache, io, packed, queues)| DiskDriver { name, kind, cache, io, packed, queues, ..Default::default() });
    let target = (of(text()), word(DiskBus::ALL), of(any::<u16>())).prop_map(|(dev, bus, rotation_rate)| DiskTarget {
        dev,
        bus,
        rotation_rate,
        ..Default::default()
    });
    (
        (word(DiskType::ALL), word(DiskDevice::ALL), of(driver), of(disk_source()), of(backing_store()), of(target)),
        (any::<bool>(), any::<bool>(), of(text()), number(), of(address())),
    )
        .prop_map(|((kind, device, driver, source, below, target), (readonly, shareable, serial, order, address))| Disk {
            kind,
            device,
            driver,
            source,
            backing_store: below.map(Box::new),
            target,
            readonly,
            shareable,
            serial,
            boot: order.map(|order| Boot { order: Some(order), ..Default::default() }),
            address,
            ..Default::default()
        })
}

fn interface() -> impl Strategy<Value = Interface> {
    let source = (of(text()), of(text()), of(text()), of(any::<u16>())).prop_map(|(network, dev, mode, port)| InterfaceSourceElement {
        network,
        dev,
        mode,
        port,
        ..Default::default()
    });
    let range = (any::<u16>(), of(any::<u16>()), yes_no());
    let range = range.prop_map(|(start, to, exclude)| PortRange { start, to, exclude, ..Default::default() });
    let forward = (select(TransportProtocol::ALL), of(text()), prop::collection::vec(range, 0..3));
    let forward = forward.prop_map(|(protocol, address, ranges)| PortForward { protocol, address, ranges, ..Default::default() });
    let driver = (word(InterfaceDriverName::ALL), number(), on_off());
    let driver = driver.prop_map(|(name, queues, csum)| {
        let host = Some(Offloads { csum, ..Default::default() });
        Box::new(InterfaceDriver { name, queues, host, ..Default::default() })
    });
    let parts = (of(any::<[u8; 6]>().prop_map(MacAddress)), of(source), of(text()), of(driver), prop::collection::vec(forward, 0..3));
    (select(InterfaceType::ALL), yes_no(), parts, of(select(LinkState::ALL)), of(address())).prop_map(
        |(kind, managed, (mac, source, model, driver, port_forwards), link, address)| Interface {
            kind,
            managed,
            mac: mac.map(|mac| Mac { address: Some(mac), ..Default::default() }),
            source,
            model: model.map(|kind| TypeName { kind: Some(kind), ..Default::default() }),
            driver,
            port_forwards,
            link: link.map(|state| Link { state, ..Default::default() }),
            address,
            ..Default::default()
        },
    )
}

fn serial() -> impl Strategy<Value = Serial> {
    let source = (word(ConnectionMode::ALL), of(text()), of(text()), of(text()), on_off(), number()).prop_map(
        |(mode, path, host, service, append, timeout)| ChardevSourceElement {
            mode,
            path,
            host,
            service,
            append,
            reconnect: timeout.map(|timeout| Reconnect { timeout: Some(timeout), ..Default::default() }),
            ..Default::default()
        },
    );
    let target = (of(text()), number());
    let target = target.prop_map(|(kind, port)| SerialTarget { kind, port, ..Default::default() });
    (word(ChardevType::ALL), of(text()), prop::collection::vec(source, 0..3), word(ProtocolType::ALL), of(target)).prop_map(
        |(kind, tty, sources, protocol, target)| Serial {
            kind,
            tty,
            sources,
            protocol: protocol.map(|kind| Protocol { kind: Some(kind), ..Default::default() }),
            target,
            ..Default::default()
        },
    )
}

fn controller() -> impl Strategy<Value = Controller> {
    let target = (number(), hex(), on_off(), number());
    let target = target.prop_map(|(chassis, port, hotplug, node)| ControllerTarget { chassis, port, hotplug, node, ..Default::default() });
    (select(ControllerType::ALL), number(), of(text()), number(), of(text()), of(target), of(address())).prop_map(
        |(kind, index, model, ports, device_model, target, address)| Controller {
            kind,
            index,
            model,
            ports,
            device_model: device_model.map(|name| ControllerModel { name: Some(name), ..Default::default() }),
            target,
            address,
            ..Default::default()
        },
    )
}

fn device() -> impl Strategy<Value = Device> {
    prop_oneof![
        disk().prop_map(Device::from),
        interface().prop_map(Device::from),
        serial().prop_map(Device::from),
        controller().prop_map(Device::from),
    ]
}

/// Harm done to one element of a document.
#[derive(Debug, Clone)]
enum Harm {
    DropAttribute,
    DropChild,
    DoubleChild,
    ReverseChildren,
    StrangeAttribute,
    StrangeChild,
    Comment,
}

fn harm() -> impl Strategy<Value = (usize, usize, Harm)> {
    let harm = select(&[
        Harm::DropAttribute,
        Harm::DropChild,
        Harm::DoubleChild,
        Harm::ReverseChildren,
        Harm::StrangeAttribute,
        Harm::StrangeChild,
        Harm::Comment,
    ]);
    (any::<usize>(), any::<usize>(), harm)
}

/// The element of that number in document order, below the root.
fn nth<'a>(element: &'a mut Element, number: &mut usize) -> Option<&'a mut Element> {
    if *number == 0 {
        return Some(element);
    }
    *number -= 1;
    element.nodes.iter_mut().find_map(|node| match node {
        Node::Element(child) => nth(child, number),
        _ => None,
    })
}

fn count(element: &Element) -> usize {
    1 + element.elements().map(count).sum::<usize>()
}

/// Does the harm, where it can be done.
fn damage(root: &mut Element, (place, inside, harm): &(usize, usize, Harm)) {
    let mut number = 1 + place % (count(root) - 1);
    let Some(element) = nth(root, &mut number) else { return };
    let at = inside % (element.nodes.len() + 1);
    match harm {
        Harm::DropAttribute if !element.attributes.is_empty() => {
            let at = inside % element.attributes.len();
            element.attributes.remove(at);
        }
        Harm::DropChild if at < element.nodes.len() => drop(element.nodes.remove(at)),
        Harm::DoubleChild if at < element.nodes.len() => element.nodes.insert(at, element.nodes[at].clone()),
        Harm::ReverseChildren => element.nodes.reverse(),
        Harm::StrangeAttribute if element.attribute("strange").is_none() => {
            let value = "a\n'b\"&<>".to_owned();
            element.attributes.push(crate::xml::Attribute { name: "strange".to_owned(), value, position: Default::default() });
        }
        Harm::StrangeChild => {
            let mut strange = Element::new("strange");
            strange.nodes.push(Node::Text("some <text>".to_owned()));
            element.nodes.insert(at, Node::Element(strange));
        }
        Harm::Comment => element.nodes.insert(at, Node::Comment(" strange ".to_owned())),
        _ => {}
    }
}

fn print(element: &Element, out: &mut String) {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;").replace('\n', "&#10;");
    out.push_str(&format!("<{}", element.name));
    element.attributes.iter().for_each(|a| out.push_str(&format!(" {}='{}'", a.name, escape(&a.value))));
    out.push('>');
    for node in &element.nodes {
        match node {
            Node::Element(child) => print(child, out),
            Node::Text(text) => out.push_str(&escape(text)),
            Node::Comment(text) => out.push_str(&format!("<!--{text}-->")),
            Node::Instruction(_) | Node::Raw(_) => {}
        }
    }
    out.push_str(&format!("</{}>", element.name));
}

proptest! {
    #[test]
    fn devices_read_back_as_they_were(list in prop::collection::vec(device(), 0..4), emulator in of(text())) {
        let devices = Devices { emulator, list, ..Default::default() };
        let written = write_document(&devices, "devices");
        let (again, warnings) = read_document::<Devices>(&written, "devices").unwrap();
        prop_assert_eq!(warnings, vec![]);
        prop_assert_eq!(again, devices, "{}", written);
    }

    #[test]
    fn damaged_documents_lose_nothing(fixture in select(FIXTURES), harms in prop::collection::vec(harm(), 1..6)) {
        let mut root = parse(fixture.1).unwrap();
        harms.iter().for_each(|harm| damage(&mut root, harm));
        let mut text = String::new();
        print(&root, &mut text);
        // Without an attribute that must be there it is refused, which is another test's matter.
        if let Ok((devices, _)) = read_document::<Devices>(&text, "devices") {
            let written = write_document(&devices, "devices");
            let (again, _) = read_document::<Devices>(&written, "devices").unwrap();
            prop_assert_eq!(again, devices, "{}\n{}", text, &written);
            let strange = |text: &str| text.matches("<strange").count() + text.matches(" strange").count();
            prop_assert_eq!(strange(&text), strange(&written), "{}\n{}", text, written);
        }
    }
}
