//! Pools of many volumes: how long it takes until each side knows again what is there.
//!
//! Both sides have a pool of the same directory. Invariant: after each refresh a side tells as many volumes as there are, or the
//! run fails.

use std::collections::HashMap;
use std::fs::{File, FileTimes};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lodge_dbus_interfaces::{MANAGER_INTERFACE, ROOT_PATH, STORAGE_POOL_INTERFACE, STORAGE_VOLUME_INTERFACE, paths};
use zbus::{Connection, ObjectPath, OwnedObjectPath};

use crate::Result;
use crate::sandbox::Sandbox;
use crate::service::{Objects, Properties, managed_objects};

const LODGE: &str = lodge_dbus_interfaces::BUS_NAME;
const LIBVIRT: &str = "org.libvirt";
const LIBVIRT_PATH: &str = "/org/libvirt/QEMU";
const LIBVIRT_CONNECT: &str = "org.libvirt.Connect";
const LIBVIRT_POOL: &str = "org.libvirt.StoragePool";
/// No flags.
const NONE: u32 = 0;
/// Bytes that a file system stores or leaves out as a whole.
const BLOCK: usize = 4096;

/// A directory of qcow2 images.
pub struct Images {
    directory: PathBuf,
    count: usize,
}

impl Images {
    /// Makes so many empty images of 1 GiB.
    pub fn new(sandbox: &Sandbox, count: usize) -> Result<Self> {
        let directory = sandbox.path(&format!("images-{count}"));
        std::fs::create_dir(&directory)?;
        let first = directory.join("0.qcow2");
        let output = sandbox.command("qemu-img").args(["create", "-q", "-f", "qcow2"]).arg(&first).arg("1G").output();
        let output = output.map_err(|error| format!("qemu-img: {error}; install the package qemu-utils"))?;
        if !output.status.success() {
            return Err(format!("qemu-img: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let image = std::fs::read(&first)?;
        for number in 1..count {
            write_sparse(&directory.join(format!("{number}.qcow2")), &image)?;
        }
        Ok(Self { directory, count })
    }

    /// The document of a pool of it.
    fn pool(&self) -> String {
        format!("<pool type='dir'><name>{}</name><target><path>{}</path></target></pool>", self.name(), self.directory.display())
    }

    fn name(&self) -> String {
        format!("measured-{}", self.count)
    }

    /// Changes each image's time.
    pub fn touch(&self) -> Result<()> {
        let now = FileTimes::new().set_modified(SystemTime::now());
        for number in 0..self.count {
            File::options().write(true).open(self.directory.join(format!("{number}.qcow2")))?.set_times(now)?;
        }
        Ok(())
    }

    fn check(&self, side: &str, seen: usize) -> Result<()> {
        if seen == self.count { Ok(()) } else { Err(format!("{side} tells {seen} volumes of {}", self.count).into()) }
    }
}

/// As qemu-img does it: without a place for what is zero.
fn write_sparse(path: &Path, image: &[u8]) -> Result<()> {
    let file = File::create(path)?;
    file.set_len(image.len() as u64)?;
    for (number, block) in image.chunks(BLOCK).enumerate() {
        if block.iter().any(|byte| *byte != 0) {
            file.write_all_at(block, (number * BLOCK) as u64)?;
        }
    }
    Ok(())
}

/// Our pool of images.
pub struct OfLodge<'a> {
    connection: &'a Connection,
    images: &'a Images,
    pool: OwnedObjectPath,
}

impl<'a> OfLodge<'a> {
    /// Makes and starts the pool.
    pub async fn create(connection: &'a Connection, images: &'a Images) -> Result<Self> {
        let body = (images.pool(), Properties::new());
        connection.call_method(Some(LODGE), ROOT_PATH, Some(MANAGER_INTERFACE), "CreatePool", &body).await?;
        Ok(Self { connection, images, pool: paths::pool(&images.name()) })
    }

    /// Looks at all that is there.
    pub async fn refresh(&self) -> Result<()> {
        self.connection.call_method(Some(LODGE), &self.pool, Some(STORAGE_POOL_INTERFACE), "Refresh", &Properties::new()).await?;
        Ok(())
    }

    /// Stops it; then it is gone.
    pub async fn stop(&self) -> Result<()> {
        self.connection.call_method(Some(LODGE), &self.pool, Some(STORAGE_POOL_INTERFACE), "Stop", &Properties::new()).await?;
        Ok(())
    }

    /// Reads all there is to know of the volumes, which must be all.
    pub async fn inventory(&self) -> Result<()> {
        let body = managed_objects(self.connection).await?;
        let objects: Objects<'_> = body.deserialize()?;
        let below = format!("{}/volume/", self.pool);
        let is_ours = |(path, interfaces): &(&ObjectPath<'_>, &HashMap<&str, Properties<'_>>)| {
            path.starts_with(&below) && interfaces.contains_key(STORAGE_VOLUME_INTERFACE)
        };
        self.images.check("Lodge", objects.iter().filter(is_ours).count())
    }
}

/// Their pool of images.
pub struct OfLibvirt<'a> {
    connection: &'a Connection,
    images: &'a Images,
    pool: OwnedObjectPath,
}

impl<'a> OfLibvirt<'a> {
    /// Makes and starts the pool.
    pub async fn create(connection: &'a Connection, images: &'a Images) -> Result<Self> {
        let body = (images.pool(), NONE);
        let reply = connection.call_method(Some(LIBVIRT), LIBVIRT_PATH, Some(LIBVIRT_CONNECT), "StoragePoolCreateXML", &body).await?;
        Ok(Self { connection, images, pool: reply.body().deserialize()? })
    }

    /// Looks at all that is there.
    pub async fn refresh(&self) -> Result<()> {
        self.connection.call_method(Some(LIBVIRT), &self.pool, Some(LIBVIRT_POOL), "Refresh", &NONE).await?;
        Ok(())
    }

    /// Stops it; then it is gone.
    pub async fn stop(&self) -> Result<()> {
        self.connection.call_method(Some(LIBVIRT), &self.pool, Some(LIBVIRT_POOL), "Destroy", &()).await?;
        Ok(())
    }

    /// Lists the volumes, which must be all.
    pub async fn list(&self) -> Result<()> {
        let reply = self.connection.call_method(Some(LIBVIRT), &self.pool, Some(LIBVIRT_POOL), "ListStorageVolumes", &NONE).await?;
        let body = reply.body();
        let volumes: Vec<ObjectPath<'_>> = body.deserialize()?;
        self.images.check("libvirt", volumes.len())
    }
}
