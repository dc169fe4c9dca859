//! Who has a file open (proc_pid_fd(5)).

use std::path::Path;

/// The processes that have a file open, by its path, as far as we may look; root sees all.
pub fn holders(file: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let processes = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    processes.filter(|process| holds(*process, file)).collect()
}

fn holds(process: u32, file: &Path) -> bool {
    let mut open = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().filter_map(Result::ok);
    open.any(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_file_open_is_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(holders(file.path()), [std::process::id()]);
        let path = file.into_temp_path();
        assert_eq!(holders(&path), Vec::<u32>::new());
    }
}
