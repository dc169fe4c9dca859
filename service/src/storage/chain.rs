//! What a volume is laid over, and that in turn, as far as it stays in started pools of the service. Pure: nothing is opened.
//!
//! A header only leads from one volume of ours to another one; what it names elsewhere is told and ends the chain. Of which format a
//! level is, is what its own pool says of it, not what the level above does.

use std::sync::Arc;

use lodge_model::storage_volume::VolumeFormat;

use super::view::{StoragePoolView, VolumeView};
use super::volume::{Backing, Volume};
use crate::error::{Error, ErrorKind, Result};

/// Levels below a volume at most; more is no sensible chain, and whoever reads it has a file open for each.
const MOST: usize = 64;

/// What is below a volume, the nearest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chain {
    /// Volumes of started pools.
    pub levels: Vec<Arc<VolumeView>>,
    /// What the last of them is laid over, in no started pool.
    pub outside: Option<Backing>,
}

/// The chain below a volume.
///
/// # Errors
/// `InvalidState` when it leads back into itself, or is too long.
pub fn below(volume: &Volume, pools: &[Arc<StoragePoolView>]) -> Result<Chain> {
    let mut chain = Chain::default();
    let mut seen = vec![volume.path.clone()];
    let mut next = volume.backing.clone();
    while let Some(backing) = next {
        let found = pools.iter().find_map(|pool| pool.volumes_where(|volume| volume.path == backing.path).next());
        let Some(level) = found else {
            chain.outside = Some(backing);
            return Ok(chain);
        };
        if seen.contains(&backing.path) || chain.levels.len() == MOST {
            let what = if seen.contains(&backing.path) { "leads back into itself" } else { "has more levels than 64" };
            let message = format!(
                "the chain of images below volume '{}' {what}, at {}; look at it with 'qemu-img info' and repair it with 'qemu-img rebase'",
                volume.name, backing.path
            );
            return Err(Error::new(ErrorKind::InvalidState, message));
        }
        seen.push(backing.path);
        next = level.volume.backing.clone();
        chain.levels.push(level);
    }
    Ok(chain)
}

/// Refuses to read what is not all in volumes of ours, or is not said unambiguously: headers are not followed elsewhere, since whoever
/// may write one (a guest, or whoever uploads) could so have any file of the host read with the service's rights.
///
/// # Errors
/// `InvalidState` with the file.
pub fn require_whole(volume: &Volume, chain: &Chain) -> Result<()> {
    let levels = || chain.levels.iter().map(|level| level.volume.as_ref());
    let refuse = |reason: String| {
        let next = "make it complete with 'qemu-img rebase' or 'qemu-img convert' first, if you trust it";
        Err(Error::new(ErrorKind::InvalidState, format!("volume '{}' is not complete by itself: {reason}; {next}", volume.name)))
    };
    if let Some(backing) = &chain.outside {
        return refuse(format!(
            "it is laid over {}, which is in no started pool, and headers are not followed elsewhere, since guests can write them",
            backing.path
        ));
    }
    if let Some(with) = std::iter::once(volume).chain(levels()).find(|volume| volume.external_data) {
        return refuse(format!("the data of '{}' are in another file, which its header names, and guests can write headers", with.name));
    }
    for (over, level) in std::iter::once(volume).chain(levels()).zip(levels()) {
        let said = over.backing.as_ref().and_then(|backing| backing.format);
        if said.is_some_and(|said| plain(said) != plain(level.format)) {
            let (said, is) = (said.unwrap_or_default(), level.format);
            return refuse(format!("'{}' takes {} for an image of the format '{said}', and it is one of '{is}'", over.name, level.path));
        }
    }
    Ok(())
}

/// A container of LUKS is a raw volume that is encrypted.
fn plain(format: VolumeFormat) -> VolumeFormat {
    if format == VolumeFormat::Luks { VolumeFormat::Raw } else { format }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lodge_model::storage_volume::VolumeType;
    use uuid::Uuid;

    use super::*;
    use crate::storage::backends::Contents;

    fn volume(name: &str, format: VolumeFormat, backing: Option<(&str, Option<VolumeFormat>)>) -> Volume {
        let backing = backing.map(|(path, format)| Backing { path: path.to_owned(), format });
        Volume { format, backing, ..Volume::new(name, VolumeType::File, format!("/p/{name}")) }
    }

    fn pool(volumes: &[Volume]) -> Vec<Arc<StoragePoolView>> {
        let volumes: BTreeMap<_, _> = volumes.iter().map(|volume| (volume.name.clone(), Arc::new(volume.clone()))).collect();
        vec![Arc::new(StoragePoolView {
            name: "p".into(),
            uuid: Uuid::nil(),
            kind: "dir",
            active: true,
            persistent: true,
            autostart: false,
            warnings: Vec::new(),
            definition: Arc::default(),
            live: None,
            path: "/p".into(),
            contents: Arc::new(Contents { volumes, ..Contents::default() }),
        })]
    }

    fn names(chain: &Chain) -> Vec<&str> {
        chain.levels.iter().map(|level| level.volume.name.as_str()).collect()
    }

    #[test]
    fn a_chain_goes_as_far_as_our_pools_do() {
        use VolumeFormat::{Qcow2, Raw};
        let base = volume("base", Raw, None);
        let middle = volume("middle", Qcow2, Some(("/p/base", Some(Raw))));
        let top = volume("top", Qcow2, Some(("/p/middle", None)));
        let whole = below(&top, &pool(&[base.clone(), middle.clone(), top.clone()])).unwrap();
        assert_eq!(names(&whole), ["middle", "base"]);
        require_whole(&top, &whole).unwrap();

        let outside = below(&top, &pool(&[middle.clone(), top.clone()])).unwrap();
        assert_eq!((names(&outside), outside.outside.as_ref().unwrap().path.as_str()), (vec!["middle"], "/p/base"));
        assert!(require_whole(&top, &outside).unwrap_err().to_string().contains("/p/base, which is in no started pool"));

        // A raw base that a guest has written a header into stays what was said of it.
        let lie = volume("base", Qcow2, None);
        let chain = below(&top, &pool(&[lie, middle.clone(), top.clone()])).unwrap();
        assert!(require_whole(&top, &chain).unwrap_err().to_string().contains("takes /p/base for an image of the format 'raw'"));
        let elsewhere = Volume { external_data: true, ..base };
        let chain = below(&top, &pool(&[elsewhere, middle, top.clone()])).unwrap();
        assert!(require_whole(&top, &chain).unwrap_err().to_string().contains("the data of 'base' are in another file"));
    }

    #[test]
    fn loops_and_endless_chains_are_refused() {
        let format = VolumeFormat::Qcow2;
        let (a, b) = (volume("a", format, Some(("/p/b", None))), volume("b", format, Some(("/p/a", None))));
        assert!(below(&a, &pool(&[a.clone(), b])).unwrap_err().to_string().contains("leads back into itself"));
        let long: Vec<_> = (0..70).map(|at| volume(&at.to_string(), format, Some((&format!("/p/{}", at + 1), None)))).collect();
        assert!(below(&long[0], &pool(&long)).unwrap_err().to_string().contains("more levels than 64"));
        assert_eq!(below(&long[10], &pool(&long)).unwrap().levels.len(), 59);
    }
}
