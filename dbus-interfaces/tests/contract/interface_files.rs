//! Reads the interface files: every member with its arguments, annotations and the comment before it.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// One interface of a file.
pub struct Interface {
    pub name: String,
    pub doc: Doc,
    pub members: Vec<Member>,
}

/// A method, signal or property.
pub struct Member {
    /// The element's name.
    pub kind: String,
    pub name: String,
    pub doc: Doc,
    pub args: Vec<Argument>,
    /// Of a property.
    pub signature: String,
    pub access: String,
    /// (name, value)
    pub annotations: Vec<(String, String)>,
}

pub struct Argument {
    pub name: String,
    pub signature: String,
    pub direction: String,
}

/// A comment, taken apart as the crate's documentation describes it.
#[derive(Default)]
pub struct Doc {
    pub member: String,
    /// (name, text)
    pub args: Vec<(String, String)>,
    pub since: String,
    pub text: String,
}

impl Member {
    /// The types of the arguments in one direction, one after the other; a signal's have none.
    pub fn signature(&self, direction: &str) -> String {
        self.args.iter().filter(|arg| arg.direction == direction).map(|arg| arg.signature.as_str()).collect()
    }
}

/// All interfaces of the contract.
pub fn interfaces() -> Vec<Interface> {
    lodge_dbus_interfaces::INTERFACE_FILES.iter().map(|(name, file)| parse(name, file)).collect()
}

fn parse(name: &str, file: &str) -> Interface {
    let mut reader = Reader::from_str(file);
    reader.config_mut().expand_empty_elements = true;
    let (mut interface, mut comment) = (None::<Interface>, Doc::default());
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{name}: {error}")) {
            Event::Comment(text) => comment = parse_doc(&text),
            Event::Start(element) => {
                let doc = std::mem::take(&mut comment);
                match (element.name().as_ref(), interface.as_mut()) {
                    ("node", None) => {
                        comment = doc;
                    }
                    ("interface", None) => {
                        let name = attribute(&element, "name");
                        interface = Some(Interface { name, doc, members: Vec::new() });
                    }
                    ("method" | "signal" | "property", Some(interface)) => {
                        interface.members.push(member(&element, doc));
                    }
                    ("arg", Some(Interface { members, .. })) => {
                        members.last_mut().unwrap().args.push(Argument {
                            name: attribute(&element, "name"),
                            signature: attribute(&element, "type"),
                            direction: attribute(&element, "direction"),
                        });
                    }
                    ("annotation", Some(Interface { members, .. })) => {
                        let pair = (attribute(&element, "name"), attribute(&element, "value"));
                        members.last_mut().unwrap().annotations.push(pair);
                    }
                    (other, _) => panic!("{name}: stray <{}>", other),
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    interface.unwrap_or_else(|| panic!("{name}: no interface"))
}

fn member(element: &BytesStart<'_>, doc: Doc) -> Member {
    Member {
        kind: element.name().as_ref().to_owned(),
        name: attribute(element, "name"),
        doc,
        args: Vec::new(),
        signature: attribute(element, "type"),
        access: attribute(element, "access"),
        annotations: Vec::new(),
    }
}

/// Empty when absent.
fn attribute(element: &BytesStart<'_>, name: &str) -> String {
    let value = element.try_get_attribute(name).unwrap();
    value.map_or_else(String::new, |value| value.value.into_owned())
}

fn parse_doc(comment: &str) -> Doc {
    let (head, text) = comment.trim().split_once("\n\n").unwrap_or((comment, ""));
    let mut doc = Doc { text: text.to_owned(), ..Doc::default() };
    for line in head.lines().map(str::trim) {
        if let Some((name, text)) = line.strip_prefix('@').and_then(|line| line.split_once(": ")) {
            doc.args.push((name.to_owned(), text.to_owned()));
        } else if let Some(version) = line.strip_prefix("since: ") {
            doc.since = version.to_owned();
        } else if let Some((_, text)) = doc.args.last_mut() {
            text.push(' ');
            text.push_str(line);
        } else {
            doc.member.push_str(line.trim_end_matches(':'));
        }
    }
    doc
}
