//! The JSON lines on stdout, and what a process uses up.

use std::io::Write;
use std::time::Duration;

/// Prints where this end listens.
pub fn listening(port: u16, ca: &str) {
  line(&format!("{{\"port\":{port},\"ca\":{}}}", string(ca)));
}

/// Text without special characters as a JSON string.
pub fn string(text: &str) -> String {
  format!("\"{}\"", text.replace('\r', "").replace('\n', "\\n"))
}

/// Prints the result, given as names and JSON values, and ends the process.
pub fn finish(fields: &[(&str, String)]) -> ! {
  let mut json = String::from("{\"done\":true");
  for (name, value) in fields {
    json.push_str(&format!(",\"{name}\":{value}"));
  }
  json.push_str(&format!(",\"processCpu\":{}}}", cpu().as_secs_f64()));
  line(&json);
  std::process::exit(0)
}

/// CPU time of the process, user and system.
pub fn cpu() -> Duration {
  usage(libc::RUSAGE_SELF)
}

/// CPU time of the calling thread.
pub fn thread_cpu() -> Duration {
  usage(libc::RUSAGE_THREAD)
}

fn usage(who: libc::c_int) -> Duration {
  // SAFETY: rusage is plain data, and getrusage fills it.
  let usage = unsafe {
    let mut usage = std::mem::zeroed::<libc::rusage>();
    libc::getrusage(who, &mut usage);
    usage
  };
  duration(usage.ru_utime) + duration(usage.ru_stime)
}

pub fn duration(time: libc::timeval) -> Duration {
  Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000)
}

/// Peak resident memory in bytes.
pub fn peak_rss() -> u64 {
  let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
  let line = status
    .lines()
    .find(|line| line.starts_with("VmHWM:"))
    .unwrap_or_default();
  line
    .split_whitespace()
    .nth(1)
    .and_then(|kib| kib.parse::<u64>().ok())
    .unwrap_or(0)
    * 1024
}

fn line(text: &str) {
  let mut out = std::io::stdout().lock();
  // The runner may be gone; then nobody misses the line.
  let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
