//! Making volumes: from documents, from arguments, from other volumes.

use clap::Args;
use lodge_dbus_interfaces::options::VolumeOptions;
use lodge_dbus_interfaces::paths;
use lodge_model::document::Document as _;
use lodge_model::domain::devices::TypeName;
use lodge_model::storage_volume::{StorageVolume, VolumeBackingStore, VolumeTarget};
use lodge_model::units::ByteSize;
use zbus::OwnedObjectPath;

use super::failure::Outcome;
use super::output::{Output, warn};
use super::progress;
use super::service::{Service, property};
use super::size::Bytes;
use super::vol::{Pool, Target, find, followed};

/// Arguments of `vol-create-as`.
#[derive(Args)]
pub struct VolumeAs {
    #[command(flatten)]
    pub pool: Pool,
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// The size that a guest sees, such as 20G; a plain number is bytes
    #[arg(value_name = "SIZE")]
    capacity: Bytes,
    /// What is allocated from the start; all of it when it is left out
    #[arg(long, value_name = "SIZE")]
    allocation: Option<Bytes>,
    /// raw, qcow2, …
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// The volume that it is laid over: its name in the same pool, its key or its path
    #[arg(long, value_name = "VOLUME")]
    backing_vol: Option<String>,
    /// The format of that volume
    #[arg(long, value_name = "FORMAT", requires = "backing_vol")]
    backing_vol_format: Option<String>,
    /// Write an image's own tables from the start
    #[arg(long)]
    pub prealloc_metadata: bool,
    /// Print the document, and do nothing
    #[arg(long)]
    pub print_xml: bool,
}

/// Makes a volume, and answers with its name.
pub async fn make(
    service: &Service,
    pool: &str,
    xml: &str,
    source: Option<OwnedObjectPath>,
    preallocate_metadata: bool,
    output: Output,
) -> Outcome<String> {
    let pool = service.pool(pool).await?;
    let no_wait = progress::is_shown(output);
    let options = VolumeOptions { preallocate_metadata, no_wait };
    let (path, job, warnings) = match &source {
        Some(source) => pool.clone_volume(xml, source, &options).await?,
        None => pool.create_volume(xml, &options).await?,
    };
    warn(&warnings);
    followed(service, job, no_wait, "making the volume").await?;
    Ok(paths::volume_name(path.as_str()).map(|(_, name)| name).unwrap_or_default())
}

/// Makes a volume with the content and the format of another one, in the same pool.
pub async fn clone(service: &Service, target: &Target, new_name: String, preallocate_metadata: bool, output: Output) -> Outcome {
    let source = find(service, &target.volume, target.pool.as_deref()).await?;
    let volume = service.volume_at(source.clone()).await?;
    let format: String = property(volume.inner(), "Format").await?;
    let (pool, _) = paths::volume_name(source.as_str()).ok_or("the service told a path that is no volume's")?;
    let document = StorageVolume {
        name: new_name,
        allocation: size(0),
        target: Some(VolumeTarget { format: type_name(Some(format)), ..Default::default() }),
        ..Default::default()
    };
    let made = make(service, &pool, &document.to_xml(), Some(source), preallocate_metadata, output).await?;
    output.confirm(format_args!("Vol '{made}' cloned from '{}'", target.volume))
}

/// The document that the arguments say.
pub async fn document(service: &Service, volume: &VolumeAs) -> Outcome<StorageVolume> {
    let backing_store = match &volume.backing_vol {
        None => None,
        Some(backing) => {
            let pool = if backing.starts_with('/') { None } else { Some(volume.pool.pool.as_str()) };
            let backing = service.volume_at(find(service, backing, pool).await?).await?;
            let format = match &volume.backing_vol_format {
                Some(format) => format.clone(),
                None => property::<String>(backing.inner(), "Format").await?,
            };
            let path: String = property(backing.inner(), "Path").await?;
            Some(VolumeBackingStore { path: Some(path), format: type_name(Some(format)), ..Default::default() })
        }
    };
    Ok(StorageVolume {
        name: volume.name.clone(),
        capacity: size(volume.capacity.0),
        allocation: volume.allocation.and_then(|Bytes(bytes)| size(bytes)),
        target: volume.format.clone().map(|format| VolumeTarget { format: type_name(Some(format)), ..Default::default() }),
        backing_store,
        ..Default::default()
    })
}

fn size(bytes: u64) -> Option<ByteSize> {
    Some(ByteSize { bytes, ..Default::default() })
}

fn type_name(kind: Option<String>) -> Option<TypeName> {
    Some(TypeName { kind, ..Default::default() })
}
