//! The trust anchors of files and directories, all read before the first handshake.
//!
//! OpenSSL can look a certificate up in a directory when it meets its issuer, which is in the middle of a handshake, on
//! the thread that all connections share: a file system that hangs would stop them all. So nothing is left to look up.
//! In return the number of files and bytes needs a limit.

use std::{
  ffi::OsStr,
  fs, io,
  path::{Path, PathBuf},
};

use openssl::x509::X509;

use crate::net::{
  sys::openssl_ffi,
  tls::{
    Anchors,
    files::{read_regular, unless_exhausted},
  },
};

/// Bytes of one file. Those of distributions have a quarter of a million.
pub(in crate::net::tls) const MOST_BYTES: u64 = 16 << 20;

/// Entries of one directory that are looked at. Distributions have four hundred.
const MOST_ENTRIES: usize = 16_384;

/// Files of one directory that are read, and bytes of each of them, which hold one certificate.
const MOST_FILES: usize = 4_096;
const MOST_BYTES_EACH: u64 = 1 << 20;

/// Where systems keep their anchors in one file; the first that is there counts. The same as in `openssl-probe`, which
/// reads the environment when asked for it: that belongs on another thread.
const SYSTEM_FILES: &[&str] = &[
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Gentoo
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // CentOS, RHEL 7
  "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL 6
  "/etc/ssl/ca-bundle.pem",             // openSUSE
  "/etc/pki/tls/cacert.pem",            // OpenELEC
  "/etc/ssl/cert.pem",                  // Alpine, OpenBSD
  "/opt/etc/ssl/certs/ca-certificates.crt", // Entware
  "/etc/ssl/certs/cacert.pem",          // OpenHarmony
  "/usr/local/etc/ssl/cert.pem",        // FreeBSD
  "/usr/local/share/certs/ca-root-nss.crt", // DragonFly
  "/etc/openssl/certs/ca-certificates.crt", // NetBSD
  "/data/data/com.termux/files/usr/etc/tls/cert.pem", // Termux
];

/// Every certificate of `anchors`, but for those in `NODE_EXTRA_CA_CERTS`. What cannot be read is left out: a trust store
/// with less in it is no danger.
///
/// # Errors
/// The system has no descriptor or memory left. A store without what is there, and kept, would refuse servers for ever.
pub(super) fn certificates(anchors: &Anchors) -> io::Result<Vec<X509>> {
  let file = match &anchors.file {
    Some(file) => read_regular(file, MOST_BYTES)?,
    None if anchors.system => of_system()?,
    None => None,
  };
  let mut found = file.map_or_else(Vec::new, |pem| openssl_ffi::trusted_certificates(&pem));
  let directories = match &anchors.directories {
    Some(directories) => directories.clone(),
    None if anchors.system => openssl_probe::candidate_cert_dirs()
      .map(Path::to_path_buf)
      .collect(),
    None => Vec::new(),
  };
  for directory in directories {
    for file in unless_exhausted(prepared_files(&directory))? {
      if let Some(pem) = read_regular(&file, MOST_BYTES_EACH)? {
        found.extend(openssl_ffi::trusted_certificates(&pem));
      }
    }
  }
  Ok(found)
}

fn of_system() -> io::Result<Option<Vec<u8>>> {
  let file = SYSTEM_FILES.iter().map(Path::new).find(|path| path.exists());
  file.map_or(Ok(None), |file| read_regular(file, MOST_BYTES))
}

/// The files of `directory` that `openssl rehash` prepared. Others do not count, as for OpenSSL: a copy that somebody
/// left there is not trusted.
fn prepared_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
  let entries = fs::read_dir(directory)?.take(MOST_ENTRIES);
  let mut files: Vec<PathBuf> = entries
    .filter_map(Result::ok)
    .filter(|entry| is_prepared(&entry.file_name()))
    .map(|entry| entry.path())
    .collect();
  // So that it does not depend on the order of the directory which of too many are left out.
  files.sort_unstable();
  files.truncate(MOST_FILES);
  Ok(files)
}

/// Whether a file is called as a certificate is: by the hash of its subject in eight hexadecimal digits, a dot, and a
/// number. (`.r` and a number are revocation lists.)
fn is_prepared(name: &OsStr) -> bool {
  let Some((hash, number)) = name.to_str().and_then(|name| name.split_once('.')) else {
    return false;
  };
  let is_hash = hash.len() == 8
    && hash
      .bytes()
      .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
  is_hash && !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn certificates_are_told_by_the_name_that_openssl_gives_them() {
    for name in ["002c0b4f.0", "ffffffff.12"] {
      assert!(is_prepared(OsStr::new(name)), "{name}");
    }
    for name in [
      "002c0b4f.r0",
      "002c0b4f.",
      "002c0b4f",
      "2c0b4f.0",
      "002C0B4F.0",
      "002c0b4f.0.bak",
      "root.pem",
      "",
    ] {
      assert!(!is_prepared(OsStr::new(name)), "{name}");
    }
  }
}
