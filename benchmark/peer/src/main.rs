//! The neutral other end of every measurement, and, as `limit-…`, what a plain Rust program reaches in the place of
//! a subject.
//!
//! `benchmark-peer <role> [key=value …] [-- command …]`. A role that listens prints a JSON line with its port; every role prints
//! a JSON line with its result, at its own end or when stdin ends. So it never outlives the process that started it.

mod bulk;
mod churn;
mod datagrams;
mod echo;
mod epoll;
mod idle;
mod limit;
mod load;
mod mailbox;
mod meter;
mod net;
mod options;
mod ping;
mod pop3;
mod program;
mod report;
mod tls;

use std::io::{Error, Read, Result};
use std::time::Duration;

use options::Options;

/// No measurement takes this long.
const DEADLINE_SECONDS: u32 = 120;
/// How long an end that nobody ordered may remain unexplained.
const GRACE: Duration = Duration::from_millis(500);

fn main() -> Result<()> {
  let mut args = std::env::args().skip(1);
  let role = args.next().unwrap_or_default();
  let options = Options::parse(args.by_ref().take_while(|arg| arg != "--"));
  // SAFETY: alarm takes any number; SIGALRM ends the process.
  unsafe { libc::alarm(DEADLINE_SECONDS) };
  net::raise_descriptor_limit();
  if role == "certificate" {
    return certificate();
  }
  std::thread::spawn(end_with_stdin);
  let result = run(&role, &options, args);
  // A subject that has measured enough just goes; then stdin ends in a moment, and with it this process.
  std::thread::sleep(GRACE);
  result.and_then(|()| Err(Error::other("the subject went away")))
}

fn run(role: &str, options: &Options, command: impl Iterator<Item = String>) -> Result<()> {
  match role {
    "source" => bulk::source(options),
    "sink" => bulk::sink(options),
    "handshake" => bulk::handshake(options),
    "ping" => ping::run(options),
    "load" => load::run(options),
    "churn" => churn::run(options, None),
    "echo" => echo::run(options, echo::Count::Nothing),
    "idle" => idle::run(options),
    "pop3" => pop3::run(options),
    "program" => program::run(options, command),
    "datagramSource" => datagrams::source(options),
    "datagramSink" => datagrams::sink(options),
    "limit-datagramReceive" => datagrams::limit_receive(options),
    "limit-datagramSend" => datagrams::limit_send(options),
    "limit-receive" => limit::receive(options),
    "limit-send" => limit::send(options),
    "limit-small" => limit::small(options),
    "limit-mailbox" => mailbox::run(options),
    "limit-echo" if options.port != 0 && options.connections <= 1 => limit::echo(options),
    "limit-echo" => echo::run(options, echo::Count::Bytes),
    "limit-accept" => echo::run(options, echo::Count::Connections),
    "limit-connect" => churn::run(options, Some(meter::Meter::new(options))),
    _ => {
      eprintln!("benchmark-peer: no role {role:?}");
      std::process::exit(2);
    }
  }
}

/// Prints a certificate for a subject that is a server.
fn certificate() -> Result<()> {
  let identity = tls::Identity::new()?;
  report::finish(&[
    ("ca", report::string(&identity.ca)),
    ("cert", report::string(&identity.cert)),
    ("key", report::string(&identity.key)),
  ])
}

fn end_with_stdin() {
  let mut byte = [0];
  while matches!(std::io::stdin().read(&mut byte), Ok(1)) {}
  report::finish(&[]);
}
