//! The codec on a small format of its own.

use super::*;

crate::keywords! {
    /// Colours.
    pub enum Colour {
        /// Red.
        Red = "red",
        /// Blue.
        Blue = "blue" | "azure",
    }
}

#[test]
fn words_are_read_as_written_and_by_their_other_names() {
    for colour in Colour::ALL {
        assert_eq!(Colour::parse(&format!(" {colour} ")), Some(*colour));
    }
    assert_eq!(Colour::parse("azure"), Some(Colour::Blue));
    assert_eq!(Colour::parse("green"), None);
}

crate::element! {
    /// A wheel.
    pub struct Wheel {
        /// Its size.
        required "size" size: u32,
    }
}

crate::element! {
    /// A cart.
    pub struct Cart {
        /// Its colour.
        attr "colour" colour: Option<Colour>,
        /// Its name.
        leaf "name" name: Option<String>,
        /// Whether it is old.
        flag "old" old: bool,
        /// Its wheels.
        children "wheel" wheels: Vec<Wheel>,
        /// Free content.
        raw "notes" notes: Option<RawXml>,
        /// What it carries.
        leaf "load" load: Option<u32>,
    }
}

fn round_trip(text: &str) -> (String, Vec<String>) {
    let (cart, warnings) = read_document::<Cart>(text, "cart").unwrap();
    let written = write_document(&cart, "cart");
    let (again, _) = read_document::<Cart>(&written, "cart").unwrap();
    assert_eq!(cart, again, "read(write(x)) == x");
    (written, warnings.iter().map(ToString::to_string).collect())
}

#[test]
fn understood_documents_are_normalized_without_a_word() {
    let (written, warnings) = round_trip("<cart colour=\"blue\"><old/><name>a &amp; b</name><wheel size='2'/></cart>");
    assert_eq!(written, "<cart colour='blue'>\n  <name>a &amp; b</name>\n  <old/>\n  <wheel size='2'/>\n</cart>\n");
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn what_is_not_understood_stays_where_it_stood_and_is_named() {
    let text = "<cart tilt='3'>\n  <!-- first -->\n  <wheel size='1'/>\n  <brake kind='x'><pad/></brake>\n  <wheel size='2' spin='no'/>\n  <old since='1'/>\n stray</cart>";
    let (written, warnings) = round_trip(text);
    assert_eq!(
        warnings,
        [
            "/cart, line 1, column 1: the text 'stray' is not understood; it is kept as it is",
            "/cart/@tilt, line 1, column 7: is not understood; it is kept as it is",
            "/cart/brake, line 4, column 3: is not understood; it is kept as it is",
            "/cart/wheel[2]/@spin, line 5, column 19: is not understood; it is kept as it is",
            "/cart/old/@since, line 6, column 8: is not understood; it is kept as it is",
        ]
    );
    for kept in [
        "tilt='3'",
        "<!-- first -->",
        "<wheel size='1'/><brake kind='x'><pad/></brake><wheel size='2' spin='no'/>",
        "<old since='1'/>",
        "stray",
    ] {
        assert!(written.contains(kept), "{kept} in {written}");
    }
}

#[test]
fn of_several_the_first_counts_wherever_it_is_written() {
    let (written, _) = round_trip("<cart><notes>1</notes><name>a</name><notes>2</notes><old/></cart>");
    assert!(written.contains("<notes>1</notes>\n  <notes>2</notes>"), "{written}");
    // One without a value is the first, too.
    let (written, warnings) = round_trip("<cart><notes/><load/><old/><load>5</load></cart>");
    assert!(written.contains("<load/>\n  <load>5</load>"), "{written}");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn a_second_element_of_a_name_stays_behind_the_first() {
    let (written, warnings) = round_trip("<cart><old since='1'/><wheel size='1'/><old/><name>a</name></cart>");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(written.contains("<old since='1'/>\n  <old/>\n  <wheel size='1'/>"), "{written}");
}

#[test]
fn what_no_document_can_hold_is_written_so_that_it_can_be_read() {
    let cart = Cart { name: Some("a\u{1}b\0\u{fffe}".to_owned()), ..Cart::default() };
    let written = write_document(&cart, "cart");
    let (again, _) = read_document::<Cart>(&written, "cart").unwrap();
    assert_eq!(again.name.as_deref(), Some("a\u{fffd}b\u{fffd}\u{fffd}"));
}

#[test]
fn many_attributes_and_prefixes_are_told_apart() {
    let many: String = (0..100).map(|number| format!(" a{number}='{number}'")).collect();
    assert_eq!(parse(&format!("<cart{many}/>")).unwrap().attributes.len(), 100);
    for again in ["a0", "a50", "a99"] {
        let error = parse(&format!("<cart{many} {again}=''/>")).unwrap_err();
        assert!(error.reason.contains(&format!("'{again}' is there twice")), "{error}");
    }
}

#[test]
fn kept_elements_do_not_depend_on_their_layout() {
    let (compact, _) = round_trip("<cart><brake><pad/><pad>a <b>c</b></pad></brake></cart>");
    let (loose, _) = round_trip(&compact.replace("<pad/>", "\n\n<pad/>\n"));
    assert_eq!(compact, loose);
}

#[test]
fn white_space_counts_as_written_only_in_references() {
    let (written, _) = round_trip("<cart x='a&#9;b\tc\r\nd&#13;&#10;e'><name>a&#13;b\r\nc\rd</name></cart>");
    assert_eq!(written, "<cart x='a&#9;b c d&#13;&#10;e'>\n  <name>a&#13;b\nc\nd</name>\n</cart>\n");
}

#[test]
fn raw_content_is_kept_byte_for_byte() {
    let inner = "\n  <a:b  xmlns:a=\"u\"\n c='1' ></a:b><![CDATA[<&]]><!-- x -->&#65;\n";
    let (written, warnings) = round_trip(&format!("<cart><notes>{inner}</notes></cart>"));
    assert_eq!(written, format!("<cart>\n  <notes>{inner}</notes>\n</cart>\n"));
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn errors_name_the_place_and_what_was_expected() {
    let deep = format!("{}{}", "<a>".repeat(70), "</a>".repeat(70));
    let many = format!("<cart>{}</cart>", "<a/>".repeat(100_001));
    for (text, expected) in [
        ("<cart colour='green'/>", "/cart/@colour, line 1, column 7: expected one of 'red', 'blue', found 'green'"),
        ("<cart>\n <wheel/></cart>", "/cart/wheel, line 2, column 2: expected the attribute size (a number from 0 to 4294967295)"),
        ("<car/>", "/car, line 1, column 1: expected <cart>, found <car>"),
        ("", "/, line 1, column 1: expected an XML element, found none"),
        ("<cart><old></cart>", "/cart/old, line 1, column 12: ill-formed document: expected `</old>`, but `</cart>` was found"),
        ("<cart><old>", "/cart/old, line 1, column 12: the document ends inside <old>, expected </old>"),
        ("<cart/><cart/>", "/, line 1, column 8: a second root element <cart>, expected the end of the document"),
        ("<!DOCTYPE cart [<!ENTITY a 'b'>]><cart/>", "/, line 1, column 1: document type definitions are refused"),
        (
            "<cart><name>&a;</name></cart>",
            "/cart/name, line 1, column 13: the entity &a; is not known; entities other than amp, lt, gt, apos and quot are refused",
        ),
        ("<cart x='1' y='2' x='3'/>", "/, line 1, column 19: <cart>: 'x' is there twice; remove one"),
        ("<cart>\n<2/></cart>", "/cart, line 2, column 1: '2' cannot be the name of an element"),
        ("<cart 1a='1'/>", "/, line 1, column 7: <cart>: '1a' cannot be the name of an attribute"),
        ("<cart>\n \u{1}</cart>", "/, line 2, column 2: the character '\\u{1}' cannot stand in XML; remove it"),
        ("<cart><name>&#1;</name></cart>", "/cart/name, line 1, column 13: the reference &#1; is to a character that XML cannot hold"),
        ("<cart x='&#x1f;'/>", "attribute x: a reference is to a character that XML cannot hold"),
        ("<cart><?xml version='1.0'?></cart>", "/cart, line 1, column 7: a declaration <?xml …?> can only be the first thing"),
        (&deep, "more than 64 deep"),
        (&many, "more than the 100000"),
    ] {
        let error = read_document::<Cart>(text, "cart").unwrap_err().to_string();
        assert!(error.contains(expected), "{error} for {}", &text[..text.len().min(60)]);
    }
}

#[test]
fn white_space_is_read_as_xml_says() {
    let (cart, _) = read_document::<Cart>("<cart>\r\n<name>a\r\nb\rc&#13;&#10;d<![CDATA[\r\n]]></name></cart>", "cart").unwrap();
    assert_eq!(cart.name.as_deref(), Some("a\nb\nc\r\nd\n"));
    let root = parse("<cart colour='a\r\nb\tc&#13;&#10;&#9;d'/>").unwrap();
    assert_eq!(root.attribute("colour"), Some("a b c\r\n\td"));
}
