//! Files that somebody else put where this process reads them. What their names lead to is not known beforehand: opening a
//! FIFO waits for a writer, and a device never ends. So only regular files are read, and no more of them than is
//! asked for.

use std::{
  fs::{self, File, OpenOptions},
  io::Read,
  path::Path,
};

/// The content of the regular file at `path`, unless it has more than `most` bytes or cannot be read. Waits for the file
/// system, which may take for ever: belongs on a thread that may block.
pub(super) fn read_regular(path: &Path, most: u64) -> Option<Vec<u8>> {
  // Before it is opened, which alone has an effect on some devices.
  if !fs::metadata(path).ok()?.is_file() {
    return None;
  }
  let file = open(path)?;
  // What is at `path` may be another file by now.
  let metadata = file.metadata().ok()?;
  if !metadata.is_file() || metadata.len() > most {
    return None;
  }
  let mut bytes = Vec::new();
  // It may have grown.
  file.take(most + 1).read_to_end(&mut bytes).ok()?;
  (bytes.len() as u64 <= most).then_some(bytes)
}

fn open(path: &Path) -> Option<File> {
  let mut options = OpenOptions::new();
  options.read(true);
  #[cfg(unix)]
  {
    use std::os::unix::fs::OpenOptionsExt;
    // Should it be a FIFO after all, opening it must not wait.
    options.custom_flags(libc::O_NONBLOCK);
  }
  options.open(path).ok()
}

#[cfg(test)]
mod tests {
  use std::{env, process};

  use super::*;

  #[test]
  fn a_file_is_read_whole_or_not_at_all() {
    let path = env::temp_dir().join(format!("moz-tcp-socket-files-{}", process::id()));
    fs::write(&path, b"12345").expect("the temporary directory is writable");
    assert_eq!(read_regular(&path, 5), Some(b"12345".to_vec()));
    assert_eq!(read_regular(&path, 4), None);
    fs::remove_file(&path).expect("it is ours");
    assert_eq!(read_regular(&path, 5), None);
  }

  #[cfg(unix)]
  #[test]
  fn what_is_no_regular_file_is_not_read() {
    assert_eq!(read_regular(Path::new("/dev/zero"), 5), None);
    assert_eq!(read_regular(Path::new("/"), 5), None);
  }
}
