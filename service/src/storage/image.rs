//! Work on images, which qemu-img does: make, convert, resize, measure.
//!
//! - The format of an image is always said, never probed by qemu-img.
//! - A passphrase reaches it through a sealed file in memory, an image through a descriptor of it (a new one through its
//!   directory's), so that neither can be read off the command line nor exchanged.

use std::os::fd::OwnedFd;

use lodge_model::encryption::{Cipher, EncryptionFormat, IvGenerator};
use lodge_model::storage_volume::VolumeFormat;
use serde::Deserialize;
use serde_json::{Value, json};

use super::passphrases::Passphrase;
use super::tool::Tool;
use crate::error::{Error, ErrorKind, Result};
use crate::host::directory::{path_of, path_through};
use crate::host::sealed;

/// Tells how far work is: bytes done, and bytes in all.
pub type Report<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// Where an image is.
#[derive(Debug)]
pub enum Place {
    /// An entry of a directory, which may not be there yet.
    Entry(OwnedFd, String),
    /// A file that is open.
    File(OwnedFd),
    /// A block device.
    Device(String),
}

impl Place {
    fn try_clone(&self) -> Result<Self> {
        let again = |fd: &OwnedFd| {
            fd.try_clone().map_err(|error| Error::new(ErrorKind::HostFailed, "cannot hand a file to qemu-img twice").caused_by(error))
        };
        Ok(match self {
            Self::Entry(directory, name) => Self::Entry(again(directory)?, name.clone()),
            Self::File(file) => Self::File(again(file)?),
            Self::Device(path) => Self::Device(path.clone()),
        })
    }
}

/// An image that there is.
#[derive(Debug)]
pub struct Image {
    /// Where.
    pub place: Place,
    /// Its format.
    pub format: VolumeFormat,
    /// How it is encrypted, and with what it is opened.
    pub encryption: Option<(EncryptionFormat, Passphrase)>,
    /// What it is laid over.
    pub backing: Option<Box<Self>>,
}

/// An image to be made.
#[derive(Debug)]
pub struct NewImage {
    /// Where.
    pub place: Place,
    /// Its format.
    pub format: VolumeFormat,
    /// Size that a guest sees, in bytes.
    pub capacity: u64,
    /// Options as qemu-img has them.
    pub options: Vec<(String, String)>,
    /// How it is to be encrypted.
    pub encryption: Option<NewEncryption>,
    /// What it is laid over: path and format.
    pub backing: Option<(String, VolumeFormat)>,
}

/// Encryption of an image to be made; LUKS.
#[derive(Debug)]
pub struct NewEncryption {
    /// With what it is opened.
    pub passphrase: Passphrase,
    /// Its cipher.
    pub cipher: Option<Cipher>,
    /// How it makes initialization vectors.
    pub ivgen: Option<IvGenerator>,
}

/// The name of a format in QEMU; `None` where it has none.
pub fn qemu_name(format: VolumeFormat) -> Option<&'static str> {
    use VolumeFormat::{Bochs, Cloop, Dmg, Iso, Luks, Qcow, Qcow2, Qed, Raw, Vdi, Vhd, Vmdk, Vpc};
    Some(match format {
        Raw | Iso => "raw",
        Vpc | Vhd => "vpc",
        Qcow2 | Qcow | Qed | Luks | Vmdk | Vdi | Bochs | Cloop | Dmg => format.as_str(),
        _ => return None,
    })
}

/// Whether new images of the format can be made.
pub fn can_be_made(format: VolumeFormat) -> bool {
    use VolumeFormat::{Luks, Qcow, Qcow2, Qed, Raw, Vdi, Vhd, Vmdk, Vpc};
    matches!(format, Raw | Qcow2 | Qcow | Qed | Luks | Vmdk | Vdi | Vpc | Vhd)
}

fn needed_name(format: VolumeFormat) -> Result<&'static str> {
    qemu_name(format).ok_or_else(|| Error::new(ErrorKind::NotSupported, format!("qemu-img does not know images of the format '{format}'")))
}

/// Formats whose images name another one that they are laid over.
const WITH_BACKING: &[&str] = &["qcow2", "qcow", "qed", "vmdk"];

/// One run of qemu-img.
struct QemuImg {
    tool: Tool,
    /// Arguments for objects, which stand behind the command's name.
    objects: Vec<String>,
    secrets: usize,
}

impl QemuImg {
    fn new() -> Self {
        Self { tool: Tool::new("qemu-img").patiently().ending_with_the_service(), objects: Vec::new(), secrets: 0 }
    }

    /// A path by which qemu-img reaches a place.
    fn path(&mut self, place: Place) -> String {
        match place {
            Place::Entry(directory, name) => path_through(self.tool.inherit(directory), &name),
            Place::File(file) => path_of(&self.tool.inherit(file)),
            Place::Device(path) => path,
        }
    }

    /// The name of an object with a passphrase.
    fn secret(&mut self, passphrase: &Passphrase) -> Result<String> {
        let file = sealed::file(&passphrase.0)
            .map_err(|error| Error::new(ErrorKind::HostFailed, "cannot hand a passphrase to qemu-img").caused_by(error))?;
        let number = self.tool.inherit(file);
        self.secrets += 1;
        let name = format!("secret{}", self.secrets);
        self.objects.push("--object".into());
        self.objects.push(format!("secret,id={name},format=raw,file=/proc/self/fd/{number}"));
        Ok(name)
    }

    /// An image, with all that it is laid over, as a file name of the protocol `json` (qemu(1), "Device URL Syntax"). Every level is said,
    /// so none is opened because a header names it: that may have been written by a guest, or changed since it was looked at.
    fn image(&mut self, image: Image) -> Result<String> {
        Ok(format!("json:{}", self.node(image)?))
    }

    fn node(&mut self, image: Image) -> Result<Value> {
        let protocol = if matches!(image.place, Place::Device(_)) { "host_device" } else { "file" };
        let format = needed_name(image.format)?;
        let driver = match &image.encryption {
            // A raw image that is encrypted is a LUKS container.
            Some(_) if image.format == VolumeFormat::Raw => "luks",
            _ => format,
        };
        let mut node = json!({"driver": driver, "file": {"driver": protocol, "filename": self.path(image.place)}});
        if WITH_BACKING.contains(&driver) {
            node["backing"] = match image.backing {
                Some(backing) => self.node(*backing)?,
                None => Value::Null,
            };
        }
        if let Some((kind, passphrase)) = &image.encryption {
            let secret = self.secret(passphrase)?;
            match (driver, kind) {
                ("luks", _) => node["key-secret"] = secret.into(),
                (_, EncryptionFormat::Qcow) => node["encrypt"] = json!({"format": "aes", "key-secret": secret}),
                _ => node["encrypt"] = json!({"format": "luks", "key-secret": secret}),
            }
        }
        Ok(node)
    }

    /// The options of a new image, and its format.
    fn options(&mut self, new: &NewImage) -> Result<(&'static str, Vec<String>)> {
        let mut options: Vec<(String, String)> = new.options.clone();
        let mut format = needed_name(new.format)?;
        if let Some(encryption) = &new.encryption {
            if format == "raw" {
                format = "luks";
            }
            let prefix = if format == "luks" { "" } else { "encrypt." };
            if !prefix.is_empty() {
                options.push(("encrypt.format".into(), "luks".into()));
            }
            options.push((format!("{prefix}key-secret"), self.secret(&encryption.passphrase)?));
            options.extend(cipher_options(encryption).into_iter().map(|(key, value)| (format!("{prefix}{key}"), value)));
        }
        let mut arguments = Vec::new();
        for (key, value) in options {
            arguments.push("-o".to_owned());
            arguments.push(format!("{key}={}", value.replace(',', ",,")));
        }
        Ok((format, arguments))
    }

    async fn run(self, command: &str, arguments: impl IntoIterator<Item = String>, total: u64, report: Report<'_>) -> Result<()> {
        let mut line = Vec::new();
        let all = [command.to_owned()].into_iter().chain(self.objects).chain(arguments);
        let output = self.tool.args(all).run_reading(|bytes| {
            for byte in bytes {
                match byte {
                    b'\r' | b'\n' => {
                        if let Some(done) = progress(&line, total) {
                            report(done, total);
                        }
                        line.clear();
                    }
                    byte if line.len() < 64 => line.push(*byte),
                    _ => {}
                }
            }
        });
        output.await?.require_success().map_err(super::tool::error)?;
        Ok(())
    }
}

/// What a line of `qemu-img -p` says, such as `    (12.50/100%)`, as bytes of a total.
fn progress(line: &[u8], total: u64) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let percent = text.strip_prefix('(')?.strip_suffix("/100%)")?;
    let (whole, hundredths) = percent.split_once('.')?;
    let hundredths: u64 = whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(hundredths.parse().ok()?)?;
    u64::try_from(u128::from(total) * u128::from(hundredths.min(10_000)) / 10_000).ok()
}

fn cipher_options(encryption: &NewEncryption) -> Vec<(String, String)> {
    let mut options = Vec::new();
    let mut add = |key: &str, value: String| options.push((key.to_owned(), value));
    if let Some(cipher) = &encryption.cipher {
        let (name, size) = (cipher.name.as_deref().unwrap_or("aes"), cipher.size.unwrap_or(256));
        add("cipher-alg", format!("{name}-{size}"));
        cipher.mode.iter().for_each(|mode| add("cipher-mode", mode.clone()));
        cipher.hash.iter().for_each(|hash| add("hash-alg", hash.clone()));
    }
    if let Some(ivgen) = &encryption.ivgen {
        ivgen.name.iter().for_each(|name| add("ivgen-alg", name.clone()));
        ivgen.hash.iter().for_each(|hash| add("ivgen-hash-alg", hash.clone()));
    }
    options
}

/// Makes an empty image. What it is laid over is not opened.
///
/// # Errors
/// Those of the program.
pub async fn create(new: NewImage, report: Report<'_>) -> Result<()> {
    let mut qemu_img = QemuImg::new();
    let (format, mut arguments) = qemu_img.options(&new)?;
    arguments.extend(["-q", "-f", format].map(str::to_owned));
    if let Some((path, format)) = &new.backing {
        // "-u": its header is not looked at, and cannot lead anywhere.
        arguments.extend(["-u", "-F", needed_name(*format)?, "-b", path].map(str::to_owned));
    }
    arguments.extend([qemu_img.path(new.place), new.capacity.to_string()]);
    qemu_img.run("create", arguments, 0, report).await
}

/// Makes an image with the content of another one.
///
/// # Errors
/// Those of the program.
pub async fn convert(source: Image, new: NewImage, report: Report<'_>) -> Result<()> {
    if new.backing.is_some() {
        return convert_over(source, new, report).await;
    }
    let mut qemu_img = QemuImg::new();
    let source = qemu_img.image(source)?;
    let (format, options) = qemu_img.options(&new)?;
    let (total, device) = (new.capacity, matches!(new.place, Place::Device(_)));
    let mut arguments: Vec<String> = vec!["-p".to_owned()];
    if device && format == "raw" {
        // The device is there; making an image would do nothing to it.
        arguments.push("-n".into());
    }
    arguments.extend(["-O".to_owned(), format.to_owned()]);
    arguments.extend(options);
    arguments.push(source);
    arguments.push(qemu_img.path(new.place));
    qemu_img.run("convert", arguments, total, report).await
}

/// The same of an image that is laid over another one: that is not opened, and all of it is covered.
async fn convert_over(source: Image, new: NewImage, report: Report<'_>) -> Result<()> {
    let place = new.place.try_clone()?;
    let encryption = new.encryption.as_ref().map(|encryption| (EncryptionFormat::Luks, encryption.passphrase.clone()));
    let made = Image { place, format: new.format, encryption, backing: None };
    let total = new.capacity;
    create(new, &|_, _| {}).await?;
    let mut qemu_img = QemuImg::new();
    let (source, format) = (qemu_img.image(source)?, needed_name(made.format)?);
    let made = qemu_img.image(made)?;
    let arguments = ["-p", "-n", "-O", format, &source, &made].map(str::to_owned);
    qemu_img.run("convert", arguments, total, report).await
}

/// Whether an image may become smaller, and whether it is allocated in full.
#[derive(Debug, Clone, Copy, Default)]
pub struct Resizing {
    /// It may lose what is at its end.
    pub shrink: bool,
    /// What is added is allocated.
    pub allocate: bool,
}

/// Gives an image another size.
///
/// # Errors
/// Those of the program.
pub async fn resize(image: Image, capacity: u64, how: Resizing) -> Result<()> {
    let mut qemu_img = QemuImg::new();
    let image = qemu_img.image(image)?;
    let mut arguments: Vec<String> = vec!["-q".to_owned()];
    if how.shrink {
        arguments.push("--shrink".into());
    }
    if how.allocate {
        arguments.push("--preallocation=falloc".into());
    }
    arguments.extend([image, capacity.to_string()]);
    qemu_img.run("resize", arguments, 0, &|_, _| {}).await
}

#[derive(Deserialize)]
struct Measured {
    required: u64,
}

/// How many bytes an image with the content of `source`, or without any content, takes.
///
/// # Errors
/// Those of the program.
pub async fn measure(source: Option<Image>, format: VolumeFormat, capacity: u64, encrypted: bool) -> Result<u64> {
    let mut qemu_img = QemuImg::new();
    let format = match format {
        VolumeFormat::Raw if encrypted => "luks",
        // Those that cannot be measured take about as much as qcow2.
        VolumeFormat::Raw | VolumeFormat::Luks | VolumeFormat::Qcow2 => needed_name(format)?,
        _ => "qcow2",
    };
    let mut arguments: Vec<String> = ["--output=json", "-O", format].map(str::to_owned).into();
    match source {
        Some(source) => arguments.push(qemu_img.image(source)?),
        None => arguments.extend(["--size".to_owned(), capacity.to_string()]),
    }
    if format == "luks" || encrypted {
        let secret = qemu_img.secret(&Passphrase::new(b"measured".to_vec()))?;
        let prefix = if format == "luks" { "" } else { "encrypt." };
        arguments.extend(["-o".to_owned(), format!("{prefix}key-secret={secret}")]);
        if !prefix.is_empty() {
            arguments.extend(["-o".to_owned(), "encrypt.format=luks".to_owned()]);
        }
    }
    let all = ["measure".to_owned()].into_iter().chain(qemu_img.objects).chain(arguments);
    let found: Measured = qemu_img.tool.args(all).json().await?;
    Ok(found.required)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[tokio::test]
    async fn only_what_is_said_is_read_whatever_a_header_says() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let (secret, base, top, copy) = (path("secret"), path("base,=\" raw"), path("top"), path("copy"));
        std::fs::write(&secret, vec![b's'; 65536]).unwrap();
        std::fs::write(&base, vec![b'b'; 65536]).unwrap();
        let over = ["create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", &secret, &top, "65536"];
        Tool::new("qemu-img").args(over).done().await.unwrap();
        for (backing, expected) in [(None, 0), (Some(&base), b'b')] {
            let image = |path: &str, format, backing| Image {
                place: Place::File(File::open(path).unwrap().into()),
                format,
                encryption: None,
                backing,
            };
            let backing = backing.map(|base| Box::new(image(base, VolumeFormat::Raw, None)));
            let place = || Place::Entry(File::open(directory.path()).unwrap().into(), "copy".to_owned());
            let new = NewImage {
                place: place(),
                format: VolumeFormat::Raw,
                capacity: 65536,
                options: Vec::new(),
                encryption: None,
                backing: None,
            };
            convert(image(&top, VolumeFormat::Qcow2, backing), new, &|_, _| {}).await.unwrap();
            assert!(std::fs::read(&copy).unwrap() == vec![expected; 65536]);
        }
        // Nor when its size changes.
        std::fs::remove_file(&secret).unwrap();
        let image =
            Image { place: Place::File(File::open(&top).unwrap().into()), format: VolumeFormat::Qcow2, encryption: None, backing: None };
        resize(image, 131_072, Resizing::default()).await.unwrap();
    }

    #[test]
    fn progress_is_read() {
        for (line, done) in [
            ("    (0.00/100%)", Some(0)),
            ("    (12.50/100%)", Some(250)),
            ("(100.00/100%)", Some(2000)),
            ("(999.00/100%)", Some(2000)),
            ("", None),
            ("(x/100%)", None),
            ("qemu-img: trouble", None),
        ] {
            assert_eq!(progress(line.as_bytes(), 2000), done, "{line}");
        }
    }
}
