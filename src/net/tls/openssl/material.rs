//! Certificates, keys and revocation lists, as they come in files.

use openssl::{
  error::ErrorStack,
  pkcs12::Pkcs12,
  pkey::{PKey, Private},
  x509::{X509, X509Crl},
};

use super::{Identity, errors};

/// An identity that was read: the key is the certificate's.
pub(super) struct Material {
  pub(super) leaf: X509,
  pub(super) chain: Vec<X509>,
  pub(super) key: PKey<Private>,
}

impl Material {
  /// # Errors
  /// The name of the option and the reason.
  pub(super) fn read(identity: &Identity) -> Result<Self, String> {
    let material = match identity {
      Identity::Pem {
        cert,
        key,
        passphrase,
      } => Self::from_pem(cert, key, passphrase.as_deref()),
      Identity::Pfx { data, passphrase } => Self::from_pfx(data, passphrase),
    }?;
    let public = material
      .leaf
      .public_key()
      .map_err(|stack| errors::of_option("cert", &stack))?;
    if public.public_eq(&material.key) {
      Ok(material)
    } else {
      Err("key: is not the key of the (first) certificate".into())
    }
  }

  fn from_pem(cert: &[u8], key: &[u8], passphrase: Option<&str>) -> Result<Self, String> {
    let mut chain = certificates("cert", cert)?.into_iter();
    let leaf = chain.next().ok_or(
      "cert: no certificate in PEM form found; what is wanted is the content of a file, not its name",
    )?;
    let mut asked = false;
    // Without a callback OpenSSL would ask on the terminal.
    let pem = key;
    let key = PKey::private_key_from_pem_callback(pem, |buffer| {
      asked = true;
      let passphrase = passphrase.unwrap_or_default().as_bytes();
      let fits = buffer.get_mut(..passphrase.len()).ok_or_else(ErrorStack::get)?;
      fits.copy_from_slice(passphrase);
      Ok(passphrase.len())
    });
    let key = key.map_err(|stack| match (asked, passphrase) {
      (true, None) => "key: is encrypted, so that passphrase is needed".into(),
      (true, Some(_)) => "passphrase: does not decrypt the key".into(),
      (false, _) if !contains(pem, b"PRIVATE KEY-----") => "key: no private key in PEM form found".into(),
      (false, _) => errors::of_option("key", &stack),
    })?;
    Ok(Self {
      leaf,
      chain: chain.collect(),
      key,
    })
  }

  fn from_pfx(data: &[u8], passphrase: &str) -> Result<Self, String> {
    if passphrase.contains('\0') {
      return Err("passphrase: must not contain U+0000 for a pfx".into());
    }
    let parsed = Pkcs12::from_der(data)
      .map_err(|_| "pfx: is not a PKCS #12 file; PEM goes to cert and key")?
      .parse2(passphrase)
      .map_err(|stack| errors::of_pfx(&stack))?;
    Ok(Self {
      // Without a key, OpenSSL takes no certificate for the leaf.
      key: parsed.pkey.ok_or("pfx: holds no private key")?,
      leaf: parsed.cert.ok_or("pfx: holds no certificate")?,
      // OpenSSL hands out the last certificate of the file first.
      chain: parsed.ca.into_iter().flatten().rev().collect(),
    })
  }
}

/// At least one certificate.
pub(super) fn certificates(option: &str, pem: &[u8]) -> Result<Vec<X509>, String> {
  match X509::stack_from_pem(pem) {
    Ok(certificates) if certificates.is_empty() => Err(format!(
      "{option}: no certificate in PEM form found; what is wanted is the content of a file, not its name"
    )),
    Ok(certificates) => Ok(certificates),
    Err(stack) => Err(errors::of_option(option, &stack)),
  }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
  text.windows(part.len()).any(|window| window == part)
}

const LIST_BEGINS: &[u8] = b"-----BEGIN X509 CRL-----";

/// At least one revocation list.
pub(super) fn revocation_lists(pem: &[u8]) -> Result<Vec<X509Crl>, String> {
  let starts = pem
    .windows(LIST_BEGINS.len())
    .enumerate()
    .filter(|(_, text)| *text == LIST_BEGINS)
    .map(|(start, _)| start);
  let lists: Result<Vec<_>, _> = starts.map(|start| X509Crl::from_pem(&pem[start..])).collect();
  match lists {
    Ok(lists) if lists.is_empty() => Err("crl: no revocation list in PEM form found".into()),
    Ok(lists) => Ok(lists),
    Err(stack) => Err(errors::of_option("crl", &stack)),
  }
}
