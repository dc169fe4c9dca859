//! xend's s-expressions: `(domain (name web) (image (linux (kernel /boot/vmlinuz))) (device (vif …)))`.
//!
//! The tree is read as settings by the names that xm's files give them, and settings are written as
//! a tree, so that what a setting means is said once for all formats.

use super::Dialect;
use super::cursor::{Cursor, Lines, quoted};
use super::input::Input;
use super::output::Output;
use super::value::{Field, Item, Value};
use crate::native::ReadError;
use crate::xml::Position;

/// Deepest nesting; xend's deepest expression has six.
const MAX_DEPTH: usize = 16;

/// Most words and lists.
const MAX_NODES: usize = 65536;

/// Names that xend and xm give the same setting: xend's, and ours.
const NAMES: [(&str, &str); 2] = [("args", "extra"), ("bootloader_args", "bootargs")];

/// Kinds of devices, and the settings that list them.
const DEVICES: [(&str, &str); 6] = [("vbd", "disk"), ("tap", "disk"), ("tap2", "disk"), ("vif", "vif"), ("vfb", "vfb"), ("pci", "pci")];

/// What xend says of devices that it adds by itself.
const OF_XEND: [(&str, &str); 4] = [("backend", "0"), ("protocol", "vt100"), ("location", "2"), ("location", "3")];

/// What xend tells of a domain that runs.
const OF_RUN: [&str; 7] = ["start_time", "cpu_time", "online_vcpus", "status", "state", "store_mfn", "console_mfn"];

/// Settings of the domain itself; all others belong to its image.
const OF_DOMAIN: [&str; 16] = [
    "domid",
    "name",
    "uuid",
    "maxmem",
    "memory",
    "vcpus",
    "vcpu_avail",
    "maxvcpus",
    "cpus",
    "cpu_weight",
    "cpu_cap",
    "bootloader",
    "bootargs",
    "on_poweroff",
    "on_reboot",
    "on_crash",
];

/// A word or a list.
struct Node {
    position: Position,
    content: Content,
}

enum Content {
    Word(String),
    List(Vec<Node>),
}

impl Node {
    fn word(&self) -> Option<&str> {
        match &self.content {
            Content::Word(word) => Some(word),
            Content::List(_) => None,
        }
    }

    /// A list that begins with a word: the word, and what is behind it.
    fn named(&self) -> Option<(&str, &[Self])> {
        match &self.content {
            Content::List(nodes) => nodes.split_first().and_then(|(name, rest)| Some((name.word()?, rest))),
            Content::Word(_) => None,
        }
    }

    /// The words inside in order, joined; `((0 1) (2))` becomes `0,1,2`.
    fn joined(&self, words: &mut Vec<String>) {
        match &self.content {
            Content::Word(word) => words.push(word.clone()),
            Content::List(nodes) => nodes.iter().for_each(|node| node.joined(words)),
        }
    }

    fn error(&self, reason: impl Into<String>) -> ReadError {
        ReadError { position: self.position, reason: reason.into() }
    }
}

/// Reads an expression.
///
/// # Errors
/// [`ReadError`] for what is none, is not a domain's, or is over a limit.
pub(super) fn parse(text: &str) -> Result<Input, ReadError> {
    let mut cursor = Cursor::new(text)?;
    cursor.run(char::is_whitespace);
    if cursor.peek() != Some('(') {
        return Err(cursor.expected("'(domain …)'"));
    }
    let root = node(&mut cursor, 0, &mut 0)?;
    cursor.run(char::is_whitespace);
    if cursor.peek().is_some() {
        return Err(cursor.expected("the end of the text behind the domain"));
    }
    let Some(("domain" | "vm", settings)) = root.named() else {
        return Err(root.error("expected '(domain …)', found a list that begins with something else"));
    };
    let mut input = Input::new(Dialect::Sxpr);
    let mut devices = Vec::new();
    for node in settings {
        setting(node, &mut input, &mut devices)?;
    }
    for (key, items) in devices {
        let position = items.first().map_or(root.position, |item: &Item| item.position);
        input.set(key, position, Item { value: Value::List(items), position })?;
    }
    Ok(input)
}

fn node(cursor: &mut Cursor<'_>, depth: usize, nodes: &mut usize) -> Result<Node, ReadError> {
    let position = cursor.position;
    *nodes += 1;
    if *nodes > MAX_NODES {
        return Err(cursor.error(format!("this is one word more than the {MAX_NODES} that are read")));
    }
    let content = match cursor.peek() {
        Some('(') if depth >= MAX_DEPTH => {
            return Err(cursor.error(format!("this list is inside of {MAX_DEPTH} others; no domain needs so many")));
        }
        Some('(') => {
            cursor.next();
            let mut list = Vec::new();
            loop {
                cursor.run(char::is_whitespace);
                match cursor.peek() {
                    Some(')') => break,
                    None => return Err(ReadError { position, reason: "the list that begins here has no ')' at its end".to_owned() }),
                    Some(_) => list.push(node(cursor, depth + 1, nodes)?),
                }
            }
            cursor.next();
            Content::List(list)
        }
        Some(quote @ ('\'' | '"')) => {
            cursor.next();
            Content::Word(cursor.string(quote, Lines::Many)?)
        }
        _ => Content::Word(cursor.run(|character| !character.is_whitespace() && !matches!(character, '(' | ')')).to_owned()),
    };
    Ok(Node { position, content })
}

type Devices = Vec<(&'static str, Vec<Item>)>;

fn setting(node: &Node, input: &mut Input, devices: &mut Devices) -> Result<(), ReadError> {
    let Some((name, values)) = node.named() else {
        return Err(node.error("expected '(NAME VALUE)', a list that begins with a name"));
    };
    if OF_RUN.contains(&name) {
        input.warn(node.position, format!("'{name}' is about the domain while it ran, not how it is defined, and is left out"));
        return Ok(());
    }
    match (name, values) {
        ("image", [image]) => self::image(image, input),
        ("platform", settings) => settings.iter().try_for_each(|node| plain(node, input)),
        ("device", [device]) => self::device(device, input, devices),
        _ => plain(node, input),
    }
}

/// `(linux …)` or `(hvm …)`: the kind of guest and what belongs to its image.
fn image(node: &Node, input: &mut Input) -> Result<(), ReadError> {
    let Some((kind, settings)) = node.named() else {
        return Err(node.error("expected '(linux …)' or '(hvm …)', a list that begins with the kind of guest"));
    };
    let item = Item { value: Value::Text(kind.to_owned()), position: node.position };
    input.set("builder", node.position, item)?;
    settings.iter().try_for_each(|node| plain(node, input))
}

/// A setting that is no device.
fn plain(node: &Node, input: &mut Input) -> Result<(), ReadError> {
    let Some((name, values)) = node.named() else {
        return Err(node.error("expected '(NAME VALUE)', a list that begins with a name"));
    };
    let key = NAMES.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours);
    let item = |value, position| Item { value, position };
    let value = match values {
        [] => Value::Text(String::new()),
        [single] => match &single.content {
            Content::Word(word) => Value::Text(word.clone()),
            Content::List(nodes) => Value::List(nodes.iter().map(|node| item(text(node), node.position)).collect()),
        },
        several => Value::List(several.iter().map(|node| item(text(node), node.position)).collect()),
    };
    input.set(key, node.position, item(value, node.position))
}

fn text(node: &Node) -> Value {
    let mut words = Vec::new();
    node.joined(&mut words);
    Value::Text(words.join(","))
}

fn device(node: &Node, input: &mut Input, devices: &mut Devices) -> Result<(), ReadError> {
    let Some((kind, parts)) = node.named() else {
        return Err(node.error("expected a device such as '(vif …)', a list that begins with its kind"));
    };
    let Some((_, key)) = DEVICES.iter().find(|(theirs, _)| *theirs == kind) else {
        // xend adds the pointer of the framebuffer and the console of the guest by itself, as these are.
        let usual = |part: &Node| {
            part.named().is_some_and(|(name, value)| OF_XEND.contains(&(name, value.first().and_then(Node::word).unwrap_or(""))))
        };
        if !matches!(kind, "vkbd" | "console") || !parts.iter().all(usual) {
            input.warn(node.position, format!("a device '{kind}' has no element in the domain and is left out"));
        }
        return Ok(());
    };
    let mut add = |fields: Vec<Field>| {
        let item = Item { value: Value::Record(fields), position: node.position };
        match devices.iter_mut().find(|(there, _)| there == key) {
            Some((_, items)) => items.push(item),
            None => devices.push((key, vec![item])),
        }
    };
    if *key != "pci" {
        add(fields(parts)?);
        return Ok(());
    }
    // One PCI bus with all functions on it: (pci (dev (domain 0x0) (bus 0x3) (slot 0x0) (func 0x0)) …).
    for part in parts {
        match part.named() {
            Some(("dev", parts)) => add(fields(parts)?),
            Some(("backend", [backend])) if backend.word() == Some("0") => {}
            Some((name, _)) => {
                let reason = format!("'{name}' of a pci device has no element in the domain and is left out");
                input.warn(part.position, reason);
            }
            None => return Err(part.error("expected '(dev …)', the address of a function")),
        }
    }
    Ok(())
}

fn fields(parts: &[Node]) -> Result<Vec<Field>, ReadError> {
    let field = |part: &Node| {
        let Some((name, values)) = part.named() else {
            return Err(part.error("expected '(NAME VALUE)', a list that begins with a name"));
        };
        let mut words = Vec::new();
        values.iter().for_each(|value| value.joined(&mut words));
        Ok(Field::at(part.position, name, words.join(",")))
    };
    parts.iter().map(field).collect()
}

/// Writes an expression.
pub(super) fn print(output: &Output) -> String {
    let mut text = String::from("(domain\n");
    let of_domain = |key: &str| OF_DOMAIN.contains(&key);
    for (key, value) in output.settings.iter().filter(|(key, _)| of_domain(key)) {
        text.push_str(&format!("    {}\n", expression(key, value)));
    }
    let image = output.settings.iter().filter(|(key, value)| !of_domain(key) && !is_devices(value) && *key != "builder");
    let builder = output.settings.iter().find(|(key, _)| *key == "builder");
    let kind = builder.and_then(|(_, value)| if let Value::Text(kind) = value { Some(kind.as_str()) } else { None });
    text.push_str(&format!("    (image\n        ({}\n", kind.unwrap_or("linux")));
    for (key, value) in image {
        text.push_str(&format!("            {}\n", expression(key, value)));
    }
    text.push_str("        )\n    )\n");
    for (key, value) in &output.settings {
        if let Value::List(items) = value {
            print_devices(key, items, &mut text);
        }
    }
    text.push_str(")\n");
    text
}

/// Whether a value is a list of devices.
fn is_devices(value: &Value) -> bool {
    matches!(value, Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Record(_))))
}

fn print_devices(key: &str, items: &[Item], text: &mut String) {
    let parts = |fields: &[Field]| {
        let part = |field: &Field| format!("({} {})", field.key, quoted(&field.value, '\''));
        fields.iter().map(part).collect::<Vec<_>>().join(" ")
    };
    let records = items.iter().filter_map(|item| if let Value::Record(fields) = &item.value { Some(fields) } else { None });
    if key == "pci" {
        let functions: Vec<String> = records.map(|fields| format!("(dev {})", parts(fields))).collect();
        text.push_str(&format!("    (device (pci {}))\n", functions.join(" ")));
        return;
    }
    for fields in records {
        let tapped = |field: &Field| field.key == "uname" && field.value.starts_with("tap");
        let kind = match key {
            "disk" => fields
                .iter()
                .find(|field| tapped(field))
                .map_or("vbd", |field| if field.value.starts_with("tap2") { "tap2" } else { "tap" }),
            other => DEVICES.iter().find(|(_, ours)| *ours == other).map_or(other, |(theirs, _)| theirs),
        };
        text.push_str(&format!("    (device ({kind} {}))\n", parts(fields)));
    }
}

fn expression(key: &str, value: &Value) -> String {
    let name = NAMES.iter().find(|(_, ours)| *ours == key).map_or(key, |(theirs, _)| theirs);
    let word = |value: &Value| match value {
        Value::Text(text) => quoted(text, '\''),
        Value::Number(number) => number.to_string(),
        Value::List(_) | Value::Record(_) => String::new(),
    };
    match value {
        Value::List(items) => {
            let words: Vec<String> = items.iter().map(|item| word(&item.value)).collect();
            format!("({name} ({}))", words.join(" "))
        }
        single => format!("({name} {})", word(single)),
    }
}
