//! Host names with an underscore under a wildcard.
//!
//! DNS allows `my_host.mail.test`, and such hosts are there: Firefox, Chrome and Node.js take a certificate for
//! `*.mail.test` as theirs. OpenSSL's own check does not, because it lets a wildcard stand for letters, digits and hyphens
//! alone. So where that check refuses such a name, and only there, this one is asked, which has the rules of RFC 9525
//! section 6.3 and no more: one whole label, the left-most, below at least two others.

use openssl::x509::X509Ref;

/// Whether `certificate` is for `name` by a wildcard, where `name` has an underscore.
pub(super) fn wildcard_covers(certificate: &X509Ref, name: &str) -> bool {
  name.contains('_')
    && certificate.subject_alt_names().is_some_and(|names| {
      names
        .iter()
        .filter_map(|one| one.dnsname())
        .any(|pattern| covers(pattern, name))
    })
}

/// Whether the `pattern` of a certificate stands for `name`.
fn covers(pattern: &str, name: &str) -> bool {
  let Some(below) = pattern.strip_prefix("*.") else {
    return false;
  };
  let Some((first, rest)) = name.split_once('.') else {
    return false;
  };
  let labels: Vec<&str> = below.split('.').collect();
  labels.len() >= 2
    && labels.iter().all(|label| is_label(label))
    && is_label(first)
    // Else a wildcard would stand for a label in another alphabet, which its owner cannot have seen.
    && !first.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"))
    && below.eq_ignore_ascii_case(rest)
}

fn is_label(label: &str) -> bool {
  let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
  (1..=63).contains(&label.len()) && label.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn a_wildcard_stands_for_one_whole_label() {
    for (pattern, name) in [
      ("*.mail.test", "my_host.mail.test"),
      ("*.mail.test", "_dmz.mail.test"),
      ("*.MAIL.test", "my_host.mail.TEST"),
      ("*.my_mail.test", "host.my_mail.test"),
    ] {
      assert!(covers(pattern, name), "{pattern} {name}");
    }
    for (pattern, name) in [
      ("*.mail.test", "a_b.c.mail.test"),
      ("*.mail.test", "a.b_c.mail.test"),
      ("*.mail.test", "mail.test"),
      ("*.mail.test", "_.other.test"),
      ("*.mail.test", ".mail.test"),
      ("*.mail.test", "xn--a_b.mail.test"),
      ("*.test", "my_host.test"),
      ("*", "my_host"),
      ("*.", "my_host."),
      ("*..test", "my_host..test"),
      ("my*.mail.test", "my_host.mail.test"),
      ("*_host.mail.test", "my_host.mail.test"),
      ("*.*.test", "my_host.mail.test"),
      ("*.mail.test\0.evil.test", "my_host.mail.test"),
      ("*.mail.test ", "my_host.mail.test"),
      ("my_host.mail.test", "my_host.mail.test"),
    ] {
      assert!(!covers(pattern, name), "{pattern} {name}");
    }
  }
}
