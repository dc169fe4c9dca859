//! Tables and lists of facts, laid out as virsh does.

use std::fmt::Write as _;

/// The columns' least distance.
const GAP: usize = 3;

/// Rows under headings, columns aligned to the left.
#[derive(Debug)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(headings: impl Into<Vec<&'static str>>) -> Self {
        Self { headings: headings.into(), rows: Vec::new() }
    }

    /// Adds a row; it has as many cells as there are headings.
    pub fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.headings.len());
        self.rows.push(cells.into_iter().map(|cell| one_line(&cell)).collect());
    }

    /// The table as text; without headings when it is quiet.
    pub fn render(&self, quiet: bool) -> String {
        let widths: Vec<usize> = self.headings.iter().enumerate().map(|(column, heading)| self.width(column, heading, quiet)).collect();
        let mut text = String::new();
        if !quiet {
            let headings: Vec<&str> = self.headings.clone();
            write_row(&mut text, &headings, &widths);
            let ruler = 1 + widths.iter().sum::<usize>() + GAP * (widths.len().saturating_sub(1)) + 1;
            text.push_str(&"-".repeat(ruler));
            text.push('\n');
        }
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            write_row(&mut text, &cells, &widths);
        }
        text
    }

    fn width(&self, column: usize, heading: &str, quiet: bool) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell));
        cells.chain((!quiet).then(|| width(heading))).max().unwrap_or(0)
    }
}

fn write_row(text: &mut String, cells: &[&str], widths: &[usize]) {
    let mut line = String::from(" ");
    for (cell, cell_width) in cells.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat(cell_width.saturating_sub(width(cell)) + GAP));
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

/// `Label:   value` lines with the values aligned. A value of several lines goes on below itself.
pub fn facts(facts: &[(&str, String)]) -> String {
    let widest = facts.iter().map(|(label, _)| width(label)).max().unwrap_or(0) + 1;
    let mut text = String::new();
    for (label, value) in facts {
        let mut lines = value.lines();
        let label = format!("{label}:");
        let pad = widest.saturating_sub(width(&label));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", format!("{label}{} {}", " ".repeat(pad + 1), printable(lines.next().unwrap_or_default())).trim_end());
        for line in lines {
            let _ = writeln!(text, "{} {}", " ".repeat(widest + 1), printable(line));
        }
    }
    text
}

/// Text that stays on its line and cannot move a terminal's cursor.
pub fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn printable(line: &str) -> String {
    one_line(line)
}

/// How many cells a terminal needs. Wide characters of East Asia take two (Unicode's UAX #11, its main blocks), marks that
/// combine take none.
fn width(text: &str) -> usize {
    text.chars()
        .map(|character| match u32::from(character) {
            0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 => 2,
            0x1f300..=0x1f64f | 0x1f900..=0x1f9ff | 0x2_0000..=0x3_fffd => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["Id", "Name", "State"]);
        table.row(vec!["1".into(), "demo".into(), "running".into()]);
        table.row(vec!["-".into(), "機械".into(), "shut off".into()]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        assert_eq!(
            table().render(false),
            [" Id   Name   State", "----------------------", " 1    demo   running", " -    機械   shut off", ""].join("\n")
        );
    }

    #[test]
    fn quiet_has_no_headings() {
        assert_eq!(table().render(true), " 1   demo   running\n -   機械   shut off\n");
        assert_eq!(Table::new(["Id"]).render(true), "");
    }

    #[test]
    fn an_empty_table_has_headings() {
        assert_eq!(Table::new(["Id", "Name", "State"]).render(false), " Id   Name   State\n-------------------\n");
    }

    #[test]
    fn cells_cannot_break_lines_or_steer_the_terminal() {
        let mut table = Table::new(["Title"]);
        table.row(vec!["a\nb\u{1b}[2J".into()]);
        assert_eq!(table.render(true), " a b [2J\n");
    }

    #[test]
    fn facts_are_aligned() {
        let text = facts(&[("Id", "-".into()), ("Max memory", "1 KiB".into()), ("Title", String::new()), ("Warnings", "a\nb".into())]);
        assert_eq!(text, "Id:          -\nMax memory:  1 KiB\nTitle:\nWarnings:    a\n             b\n");
    }
}
