//! Sizes as people write them: `512M`, `2GiB`, `500MB`; a plain number is KiB, as virsh has it.
//!
//! A letter alone or with `iB` counts in powers of 1024, a letter with `B` in powers of 1000; `b`, `byte` and `bytes` are
//! bytes. Upper and lower case are the same.

use std::str::FromStr;

/// A size in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = match number.parse() {
            Ok(number) => number,
            Err(_) if digits == 0 => return Err("write a number with or without a unit, such as 524288, 512M or 2GiB".to_owned()),
            Err(_) => return Err("the number is too large".to_owned()),
        };
        let unit = unit.trim_start();
        let bytes = scale(unit).ok_or_else(|| format!("there is no unit '{unit}'; write K, M, G or T, or KiB, MB, bytes and so on"))?;
        number.checked_mul(bytes).map(Self).ok_or_else(|| "the size is too large".to_owned())
    }
}

/// A size in bytes, of which a plain number is bytes, as virsh has it for volumes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bytes(pub u64);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) => text.parse::<Size>().map(|Size(bytes)| Self(bytes)),
        }
    }
}

/// Bytes as people read them, such as `20.00 GiB`.
pub fn human(bytes: u64) -> String {
    let power = (bytes.max(1).ilog2() / 10).min(6);
    let unit = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].get(power as usize).copied().unwrap_or_default();
    // In hundredths, rounded to the nearest.
    let hundredths = (u128::from(bytes) * 100 + (1_u128 << (10 * power)) / 2) >> (10 * power);
    format!("{}.{:02} {unit}", hundredths / 100, hundredths % 100)
}

/// How many bytes a unit is.
fn scale(unit: &str) -> Option<u64> {
    let unit = unit.to_ascii_lowercase();
    match unit.as_str() {
        "" => return Some(1024),
        "b" | "byte" | "bytes" => return Some(1),
        _ => {}
    }
    let (letter, rest) = unit.split_at_checked(1)?;
    let power = u32::try_from("kmgtpe".find(letter)?).ok()? + 1;
    match rest {
        "" | "ib" => 1024_u64.checked_pow(power),
        "b" => 1000_u64.checked_pow(power),
        _ => None,
    }
}

/// Bytes as KiB, rounded up, as virsh prints memory.
pub const fn kibibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("1", 1024),
            ("524288", 512 << 20),
            ("512M", 512 << 20),
            ("512m", 512 << 20),
            ("2GiB", 2 << 30),
            ("2gib", 2 << 30),
            ("1 KiB", 1024),
            ("1KB", 1000),
            ("500MB", 500_000_000),
            ("4096b", 4096),
            ("4096bytes", 4096),
            ("1T", 1 << 40),
            ("15E", 15 << 60),
            ("0", 0),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn sizes_of_volumes_are_bytes() {
        for (text, bytes) in [("1", 1), ("20G", 20 << 30), ("512 MiB", 512 << 20), ("0", 0)] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for (bytes, text) in [(0, "0.00 B"), (1023, "1023.00 B"), (1536, "1.50 KiB"), (20 << 30, "20.00 GiB"), (u64::MAX, "16.00 EiB")] {
            assert_eq!(human(bytes), text);
        }
    }

    #[test]
    fn no_sizes() {
        for (text, part) in [
            ("", "write a number"),
            ("M", "write a number"),
            ("-1", "write a number"),
            ("1.5G", "no unit '.5G'"),
            ("1X", "no unit 'X'"),
            ("1Mi", "no unit 'Mi'"),
            ("1é", "no unit"),
            ("16E", "too large"),
            ("99999999999999999999", "too large"),
        ] {
            let refusal = text.parse::<Size>().unwrap_err();
            assert!(refusal.contains(part), "{text}: {refusal}");
        }
    }
}
