//! Files that somebody else put where this process reads them. What their names lead to is not known beforehand: opening a
//! FIFO waits for a writer, and a device never ends. So only regular files are read, and no more of them than is
//! asked for.

use std::{
  fs::{self, File, OpenOptions},
  io::{self, Read},
  path::Path,
};

use crate::net::exhaustion::is_exhaustion;

/// The content of the regular file at `path`, unless it has more than `most` bytes or cannot be read. Waits for the file
/// system, which may take for ever: belongs on a thread that may block.
///
/// # Errors
/// The system has no descriptor or memory left: nothing is known of the file.
pub(super) fn read_regular(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
  unless_exhausted(read(path, most))
}

/// What was read, or nothing where it cannot be.
///
/// # Errors
/// As `read_regular`.
pub(super) fn unless_exhausted<T: Default>(read: io::Result<T>) -> io::Result<T> {
  match read {
    Err(error) if is_exhaustion(&error) => Err(error),
    read => Ok(read.unwrap_or_default()),
  }
}

fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
  // Before it is opened, which alone has an effect on some devices.
  if !fs::metadata(path)?.is_file() {
    return Ok(None);
  }
  let file = open(path)?;
  // What is at `path` may be another file by now.
  let metadata = file.metadata()?;
  if !metadata.is_file() || metadata.len() > most {
    return Ok(None);
  }
  let mut bytes = Vec::new();
  // It may have grown.
  file.take(most + 1).read_to_end(&mut bytes)?;
  Ok((bytes.len() as u64 <= most).then_some(bytes))
}

fn open(path: &Path) -> io::Result<File> {
  let mut options = OpenOptions::new();
  options.read(true);
  #[cfg(unix)]
  {
    use std::os::unix::fs::OpenOptionsExt;
    // Should it be a FIFO after all, opening it must not wait.
    options.custom_flags(libc::O_NONBLOCK);
  }
  options.open(path)
}

#[cfg(test)]
mod tests {
  use std::{env, process};

  use super::*;

  #[test]
  fn a_file_is_read_whole_or_not_at_all() {
    let path = env::temp_dir().join(format!("moz-tcp-socket-files-{}", process::id()));
    fs::write(&path, b"12345").expect("the temporary directory is writable");
    assert_eq!(read_regular(&path, 5).unwrap(), Some(b"12345".to_vec()));
    assert_eq!(read_regular(&path, 4).unwrap(), None);
    fs::remove_file(&path).expect("it is ours");
    assert_eq!(read_regular(&path, 5).unwrap(), None);
  }

  #[cfg(unix)]
  #[test]
  fn that_descriptors_have_run_out_says_nothing_of_a_file() {
    let error = |code| Err::<Option<Vec<u8>>, _>(io::Error::from_raw_os_error(code));
    assert_eq!(unless_exhausted(error(libc::EACCES)).unwrap(), None);
    for code in [libc::EMFILE, libc::ENFILE, libc::ENOMEM] {
      let kept = unless_exhausted(error(code)).unwrap_err();
      assert_eq!(kept.raw_os_error(), Some(code));
    }
  }

  #[cfg(unix)]
  #[test]
  fn what_is_no_regular_file_is_not_read() {
    assert_eq!(read_regular(Path::new("/dev/zero"), 5).unwrap(), None);
    assert_eq!(read_regular(Path::new("/"), 5).unwrap(), None);
  }
}
