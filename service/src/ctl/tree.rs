//! What is on what, drawn as virsh does.

use std::collections::BTreeMap;

use super::table::one_line;

/// The trees of things by the name of what they are on. What is on nothing that is listed is a root.
pub fn render(children: &BTreeMap<&str, Vec<&str>>) -> String {
    let is_listed = |name: &str| children.values().flatten().any(|child| *child == name);
    let roots = children.iter().filter(|(parent, _)| !is_listed(parent)).flat_map(|(_, roots)| roots);
    let mut text = String::new();
    for root in roots {
        text.push_str(&one_line(root));
        text.push('\n');
        draw(root, "  ", children, &mut text);
        text.push('\n');
    }
    text
}

fn draw(parent: &str, indent: &str, children: &BTreeMap<&str, Vec<&str>>, text: &mut String) {
    let below: &[&str] = children.get(parent).map_or(&[], Vec::as_slice);
    for (at, child) in below.iter().enumerate() {
        let is_last = at + 1 == below.len();
        if at == 0 {
            text.push_str(&format!("{indent}|\n"));
        }
        text.push_str(&format!("{indent}+- {}\n", one_line(child)));
        // The line goes on beside what is on this one, where there is a sibling.
        let deeper = format!("{indent}{}", if is_last { "    " } else { "|   " });
        draw(child, &deeper, children, text);
        if !is_last && children.contains_key(child) {
            text.push_str(&format!("{indent}|\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_drawn_below_what_they_are_on() {
        let children =
            BTreeMap::from([("", vec!["computer"]), ("computer", vec!["a", "b", "c"]), ("a", vec!["a1"]), ("c", vec!["c1", "c2"])]);
        let expected = [
            "computer",
            "  |",
            "  +- a",
            "  |   |",
            "  |   +- a1",
            "  |",
            "  +- b",
            "  +- c",
            "      |",
            "      +- c1",
            "      +- c2",
            "",
            "",
        ];
        assert_eq!(render(&children), expected.join("\n"));
    }

    #[test]
    fn what_is_on_something_else_is_a_root() {
        assert_eq!(render(&BTreeMap::from([("gone", vec!["a"])])), "a\n\n");
    }
}
