//! Runs a command from its start to its end, as often as it is told, and reports what that took: the command's wall time
//! and, as the system counts them, its CPU time and memory.

use std::io::{Error, Result};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::options::Options;
use crate::report;

pub fn run(options: &Options, mut command: impl Iterator<Item = String>) -> Result<()> {
  let file = command
    .next()
    .ok_or_else(|| Error::other("there is no command to run"))?;
  let mut program = Command::new(file);
  // Its stdin stays open, and says nothing: at the end of stdin, a limit would end.
  program.args(command).stdin(Stdio::piped()).stdout(Stdio::null());
  // SAFETY: prctl is async-signal-safe. The command ends with this process.
  unsafe {
    program.pre_exec(|| {
      libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
      Ok(())
    });
  }
  let (mut wall, mut cpu, mut peak) = (0.0, 0.0, 0);
  for _ in 0..options.times {
    let begin = Instant::now();
    let child = program.spawn()?;
    let usage = wait(child.id())?;
    wall += begin.elapsed().as_secs_f64();
    cpu += (report::duration(usage.ru_utime) + report::duration(usage.ru_stime)).as_secs_f64();
    peak = peak.max(usage.ru_maxrss * 1024);
  }
  report::finish(&[
    ("work", options.times.to_string()),
    ("wall", wall.to_string()),
    ("cpu", cpu.to_string()),
    ("peakRss", peak.to_string()),
  ])
}

/// Waits for a command to end well, and returns what it used up.
fn wait(id: u32) -> Result<libc::rusage> {
  let mut status = 0;
  // SAFETY: rusage is plain data; the child is this process's own, and nobody else waits for it.
  let (found, usage) = unsafe {
    let mut usage = std::mem::zeroed::<libc::rusage>();
    (libc::wait4(id as i32, &mut status, 0, &mut usage), usage)
  };
  match (found, status) {
    (-1, _) => Err(Error::last_os_error()),
    (_, 0) => Ok(usage),
    _ => Err(Error::other(format!(
      "the program failed, with status {status:#x}"
    ))),
  }
}
