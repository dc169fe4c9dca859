//! Who has a file open (proc_pid_fd(5), proc_pid_fdinfo(5)).
//!
//! A descriptor that only stands for the place of a file (`O_PATH`, open(2)) does not count: udevd has such of every new device.

use std::path::Path;

use rustix::fs::OFlags;

/// The processes that have a file open, by its path, as far as we may look; root sees all.
pub fn holders(file: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let processes = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    processes.filter(|process| holds(*process, file)).collect()
}

fn holds(process: u32, file: &Path) -> bool {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().filter_map(Result::ok);
    let mut of_file = open.filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == file));
    of_file.any(|entry| entry.file_name().to_str().is_some_and(|number| !is_place_only(process, number)))
}

fn is_place_only(process: u32, descriptor: &str) -> bool {
    let info = std::fs::read_to_string(format!("/proc/{process}/fdinfo/{descriptor}")).unwrap_or_default();
    let flags = info.lines().find_map(|line| u32::from_str_radix(line.strip_prefix("flags:")?.trim(), 8).ok());
    flags.is_some_and(|flags| flags & OFlags::PATH.bits() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_file_open_is_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(holders(file.path()), [std::process::id()]);
        let path = file.into_temp_path();
        let place = rustix::fs::open(&*path, OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
        assert_eq!(holders(&path), Vec::<u32>::new());
        drop(place);
        assert_eq!(holders(&path), Vec::<u32>::new());
    }
}
