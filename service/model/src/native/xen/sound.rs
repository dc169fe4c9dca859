//! Sound cards.

use super::input::Input;
use super::is_hvm;
use super::output::Output;
use crate::domain::Domain;
use crate::domain::devices::Sound;
use crate::native::ReadError;

/// Cards that QEMU and a domain call otherwise.
const CARDS: [(&str, &str); 1] = [("hda", "ich6")];

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    if !is_hvm(domain) {
        return Ok(());
    }
    for item in input.list("soundhw") {
        for word in item.text("soundhw")?.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            if word == "all" {
                input
                    .warn(item.position, "'all' of 'soundhw' names every card that there is; it is left out, name the card instead".into());
                continue;
            }
            let model = CARDS.iter().find(|(theirs, _)| *theirs == word).map_or(word, |(_, ours)| ours);
            domain.devices.list.push(Sound { model: Some(model.to_owned()), ..Sound::default() }.into());
        }
    }
    Ok(())
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    if is_hvm(domain) {
        let word = |model: &str| CARDS.iter().find(|(_, ours)| *ours == model).map_or(model, |(theirs, _)| theirs).to_owned();
        let words: Vec<String> = domain.devices.sounds().filter_map(|sound| sound.model.as_deref()).map(word).collect();
        output.text("soundhw", Some(words.join(",")));
    }
}
