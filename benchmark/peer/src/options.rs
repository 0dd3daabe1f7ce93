//! `key=value` arguments. Each role reads those it needs.

use std::time::Duration;

use crate::tls::Library;

#[derive(Clone, Default)]
pub struct Options {
  /// Where to connect to; 0 where this end listens.
  pub port: u16,
  /// Bytes of one message or of one send.
  pub size: usize,
  pub connections: usize,
  /// Bytes after which the work is complete; 0 means endless.
  pub total: u64,
  /// Bytes per second; 0 means as fast as possible.
  pub rate: u64,
  pub tls: bool,
  /// Leave bytes with the system rather than copy them.
  pub discard: bool,
  /// Which TLS.
  pub library: Library,
  /// The certificate authority of a TLS peer, in PEM; beside `cert`, the one that made that.
  pub ca: String,
  /// The certificate of this end and its key, in PEM. Without, it makes them.
  pub cert: String,
  pub key: String,
  /// How often a program runs.
  pub times: u32,
  /// Bytes that arrive before the work begins.
  pub skip: u64,
  pub warmup: Duration,
  pub duration: Duration,
}

impl Options {
  pub fn parse(args: impl Iterator<Item = String>) -> Self {
    let mut options = Self::default();
    for arg in args {
      let (key, value) = arg.split_once('=').unwrap_or((&arg, "true"));
      let number = || {
        value
          .parse::<u64>()
          .unwrap_or_else(|_| panic!("{key} takes a number"))
      };
      match key {
        "port" => options.port = number() as u16,
        "size" => options.size = number() as usize,
        "connections" => options.connections = number() as usize,
        "total" => options.total = number(),
        "rate" => options.rate = number(),
        "tls" => options.tls = value == "true",
        "discard" => options.discard = value == "true",
        "library" => options.library = Library::parse(value).unwrap_or_else(|| panic!("no library {value}")),
        "ca" => options.ca = value.to_owned(),
        "cert" => options.cert = value.to_owned(),
        "key" => options.key = value.to_owned(),
        "times" => options.times = number() as u32,
        "skip" => options.skip = number(),
        "warmup" => options.warmup = Duration::from_millis(number()),
        "duration" => options.duration = Duration::from_millis(number()),
        _ => panic!("no option {key}"),
      }
    }
    options
  }
}
