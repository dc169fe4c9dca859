//! The document that a conversion ends in.

use super::super::tree::{Build, element, keep_last};
use super::super::{Converted, ReadError, Warnings, options::Opt, paths, starter};
use super::Conversion;
use crate::document::Document as _;
use crate::domain::{Domain, qemu};
use crate::xml::{Element, Node};

impl Conversion<'_> {
    /// The domain, and with those before them the warnings.
    ///
    /// # Errors
    /// A value that XML cannot hold, or that is none for its element.
    pub fn finish(mut self, mut warnings: Warnings) -> Result<Converted, ReadError> {
        let environment = starter::environment(&self.line.environment, &mut self.warnings);
        let root = self.tree();
        let relative = paths::relative(&root);
        if !relative.is_empty() {
            self.warn_of_all(&format!(
                "relative to the folder in which QEMU was started, which the service does not know: {}; write the whole path",
                relative.join(", ")
            ));
        }
        let (mut domain, _) = Domain::parse(&root.to_inline_xml()).map_err(|error| ReadError {
            position: self.line.program.position,
            reason: format!("the command line asks for something that no document can say: {error}"),
        })?;
        let whole = self.kept.iter().filter_map(|at| self.line.options.get(*at)).flat_map(Opt::arguments);
        let args: Vec<qemu::Arg> = self.partly.into_iter().flatten().chain(whole).map(argument).collect();
        if !args.is_empty() || !environment.is_empty() {
            let env = environment.into_iter().map(|(name, value)| qemu::Env { name, value: Some(value), ..Default::default() }).collect();
            domain.qemu_command_line = Some(qemu::CommandLine { args, env, ..Default::default() });
        }
        warnings.append(std::mem::take(&mut self.warnings));
        Ok(Converted { domain, warnings: warnings.finish() })
    }

    fn tree(&mut self) -> Element {
        for group in [&mut self.hyperv, &mut self.kvm] {
            if !group.nodes.is_empty() || !group.attributes.is_empty() {
                keep_last(group);
                self.features.nodes.push(Node::Element(std::mem::take(group)));
            }
        }
        for part in [Some(&mut self.os), Some(&mut self.features), Some(&mut self.clock), self.cpu.as_mut()].into_iter().flatten() {
            keep_last(part);
        }
        // A program without a path is for the service to find.
        let emulator = Some(&self.line.program.text).filter(|program| program.starts_with('/') && !program.ends_with(".exe"));
        let emulator = emulator.map(|program| element("emulator").content(program));
        let devices = element("devices").children(emulator).children(self.devices.drain(..)).children(self.later.drain(..));
        let mut root = element("domain").with("type", self.kind).children(self.general.drain(..));
        keep_last(&mut root);
        let parts = [std::mem::take(&mut self.os), std::mem::take(&mut self.features), std::mem::take(&mut self.clock), devices];
        root.children(self.cpu.take()).children(parts)
    }
}

fn argument(value: String) -> qemu::Arg {
    qemu::Arg { value, ..Default::default() }
}
