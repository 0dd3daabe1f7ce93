//! Lookups that take long, and are given up. Each test runs once more in a process of its own, where a preloaded library holds
//! `getaddrinfo` up until a file exists.

use std::{
  env, fs,
  path::{Path, PathBuf},
  process::Command,
  time::{Duration, Instant},
};

use moz_tcp_socket::net::{Event, names::resolve::MOST_LOOKUPS};

use crate::support::Owner;

const LOG: &str = "LOOKUPS_LOG";
const GATE: &str = "LOOKUPS_GATE";

/// Whether this is the process where lookups can be held. In the other one, runs the test called `name` there.
fn in_child(name: &str) -> bool {
  if env::var_os(GATE).is_some() {
    return true;
  }
  let directory = env::temp_dir().join(format!("moz-tcp-socket-{name}-{}", std::process::id()));
  fs::create_dir_all(&directory).unwrap();
  let library = directory.join("slow_names.so");
  let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/net/slow_names.c");
  let compiler = Command::new("cc")
    .args(["-shared", "-fPIC", "-o"])
    .args([&library, &source])
    .arg("-ldl")
    .status();
  assert!(compiler.unwrap().success());
  fs::write(directory.join("log"), "").unwrap();
  let child = Command::new(env::current_exe().unwrap())
    .args(["--exact", &format!("lookups::{name}"), "--nocapture"])
    .env("LD_PRELOAD", library)
    .env(LOG, directory.join("log"))
    .env(GATE, directory.join("gate"))
    .status();
  fs::remove_dir_all(directory).unwrap();
  assert!(child.unwrap().success());
  false
}

fn log() -> Vec<String> {
  let log = fs::read_to_string(env::var(LOG).unwrap()).unwrap();
  log.lines().map(String::from).collect()
}

fn open_gate() {
  fs::write(PathBuf::from(env::var_os(GATE).unwrap()), "").unwrap();
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
  let began = Instant::now();
  while !is_so() {
    assert!(began.elapsed() < Duration::from_secs(20), "{what}: {:?}", log());
    std::thread::sleep(Duration::from_millis(1));
  }
}

fn count(beginning: &str) -> usize {
  log().iter().filter(|line| line.starts_with(beginning)).count()
}

#[test]
fn lookups_that_are_given_up_free_their_sockets_at_once_and_those_that_wait_never_begin() {
  if !in_child("lookups_that_are_given_up_free_their_sockets_at_once_and_those_that_wait_never_begin") {
    return;
  }
  let owner = Owner::new();
  let held: Vec<_> = (0..MOST_LOOKUPS)
    .map(|i| owner.connect_with(&format!("a{i}.held.test"), 9, None))
    .collect();
  wait_for("all begin", || count("begin a") == MOST_LOOKUPS);
  let queued: Vec<_> = (0..10)
    .map(|i| owner.connect_with(&format!("b{i}.held.test"), 9, None))
    .collect();
  for socket in held.iter().chain(&queued) {
    socket.abort();
    // The gate is closed: no lookup has ended.
    assert!(matches!(owner.event(socket.id()), Event::Closed { .. }));
  }
  assert_eq!(count("end"), 0);
  // The threads are not free although nobody waits, so this one has to wait for one.
  let listener = owner.listen(0).unwrap();
  let last = owner.connect_with("c.test", listener.local_addr().port(), None);
  std::thread::sleep(Duration::from_millis(50));
  open_gate();
  assert!(matches!(owner.event(last.id()), Event::Opened));
  wait_for("all end", || count("end a") == MOST_LOOKUPS);
  let log = log();
  let position = |wanted: &str| log.iter().position(|line| line.starts_with(wanted)).unwrap();
  assert!(position("begin c") > position("end a"), "{log:?}");
  // Those that waited were before it in the queue.
  assert_eq!(count("begin b"), 0);
}
