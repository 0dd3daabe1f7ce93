'use strict'

// What scripts/check-imports.js must object to, and what it must let pass, on small sources made up for it.

const { spawnSync } = require('node:child_process')
const { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')

const test = require('ava')

const { LONGEST, check } = require('../scripts/check-imports.js')

const SCRIPT = join(__dirname, '../scripts/check-imports.js')

/** Sources that nothing is wrong with, though names come from elsewhere than it looks. */
const CLEAN = {
  'src/lib.rs': `
    //! use crate::net::socket::Socket;
    pub mod binding;
    pub mod net;
    mod sys;
  `,
  'src/net/mod.rs': `
    pub mod error;
    #[cfg(target_os = "linux")]
    mod poll;
    #[cfg(not(target_os = "linux"))]
    #[path = "no_poll.rs"]
    mod poll;
    pub mod socket;
    mod tls;
    pub use error::{ErrorName, SocketError};
    pub use socket::Socket;
  `,
  'src/net/error.rs': `
    pub enum ErrorName { A }
    pub struct SocketError;
    const TEXT: &str = "crate::net::socket::Socket";
    // use super::Socket;
    #[cfg(test)]
    mod tests {
      use super::*;
      use crate::net::Socket;
      fn unused() -> [u8; 2] { crate::net::socket::make(); [b'{', b'"'] }
    }
  `,
  'src/net/poll.rs': 'use super::SocketError;\n',
  'src/net/no_poll.rs':
    'use crate::net::{self, ErrorName as Name};\nfn f() -> net::SocketError { net::SocketError }\n',
  'src/net/socket.rs': `
    use std::{io, net::{IpAddr, SocketAddr}};
    use super::{ErrorName, SocketError, poll::{self, Set}, tls};
    pub(in crate::net) struct Socket<'a>(&'a str);
    fn f() { 'outer: loop { crate::sys::ioctl(); break 'outer } }
    #[cfg(all(test, loom_model))]
    #[path = "socket_model.rs"]
    mod model;
  `,
  'src/net/socket_model.rs': 'use super::*;\nuse crate::net::tls::Stream;\n',
  'src/net/tls/mod.rs': 'mod stream;\npub use self::stream::Stream;\n',
  'src/net/tls/stream.rs': 'use crate::net::SocketError;\npub struct Stream;\n',
  'src/sys.rs': 'pub fn ioctl() {}\n',
  'src/binding/mod.rs': 'pub mod socket;\nuse napi::bindgen_prelude::*;\n',
  'src/binding/socket.rs': `
    use std::net::IpAddr;
    use napi_derive::napi;
    use crate::net::{self, Socket};
    fn f() { let openssl = net::Socket; }
  `,
  'lib/index.js': "// require('./socket.js') requires this\nconst { Socket } = require('./socket.js')\n",
  'lib/socket.js': "/** As require('node:net') has it. */\nconst { inspect } = require('node:util')\n",
}

/** A folder with `files`, by path, which lives as long as the test. */
function sources(t, files) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'check-imports-')))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    const file = join(root, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return root
}

/** What is wrong with CLEAN once `changes` are made to it. */
const checkWith = (t, changes, floors = []) => check(sources(t, { ...CLEAN, ...changes }), floors)

function run(root) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, root], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('clean sources pass: comments, literals, tests, labels and what mod.rs passes on form no circle', (t) => {
  t.deepEqual(run(sources(t, CLEAN)), { status: 0, stdout: 'Imports run one way.\n', stderr: '' })
})

test('where something is wrong the exit code says so, and what it is stands in the output', (t) => {
  const root = sources(t, {
    ...CLEAN,
    'src/net/tls/stream.rs': 'use crate::net::Socket;\npub struct Stream;\n',
  })
  const { status, stdout, stderr } = run(root)
  t.is(status, 1)
  t.is(stdout, '1 problems\n')
  t.is(
    stderr,
    [
      '3 files import each other: src/net/socket.rs, src/net/tls/mod.rs, src/net/tls/stream.rs',
      '  src/net/socket.rs -> src/net/tls/mod.rs -> src/net/tls/stream.rs -> src/net/socket.rs',
      '    src/net/socket.rs:3 imports src/net/tls/mod.rs',
      '    src/net/tls/mod.rs:2 imports src/net/tls/stream.rs',
      '    src/net/tls/stream.rs:1 imports src/net/socket.rs',
      '',
    ].join('\n'),
  )
})

test('a folder without sources is no clean one', (t) => {
  const root = sources(t, { 'README.md': '' })
  t.deepEqual(check(root), [`${root} has neither Rust in src/ nor JavaScript in lib/`])
})

for (const [what, changes, circle] of [
  [
    'a nested import of a name that mod.rs passes on',
    { 'src/sys.rs': 'use std::io;\nuse crate::net::{\n  ErrorName,\n  Socket as Other,\n};\n' },
    ['src/net/socket.rs:5', 'src/sys.rs:2'],
  ],
  [
    'a path in the code',
    { 'src/sys.rs': 'fn f() {\n  let _ = super::net::socket::make();\n}\n' },
    ['src/net/socket.rs:5', 'src/sys.rs:2'],
  ],
  [
    'a name taken through an imported folder',
    { 'src/sys.rs': 'use crate::net;\nfn f() -> net::Socket { todo!() }\n' },
    ['src/net/socket.rs:5', 'src/sys.rs:2'],
  ],
  [
    'a module within a file',
    { 'src/sys.rs': 'mod sealed {\n  pub use super::super::net::Socket;\n}\n' },
    ['src/net/socket.rs:5', 'src/sys.rs:2'],
  ],
  [
    'a file that another platform has',
    { 'src/net/no_poll.rs': 'use super::socket::Socket;\n' },
    ['src/net/no_poll.rs:1', 'src/net/socket.rs:3'],
  ],
  [
    'a folder and what is in it',
    {
      'src/net/tls/stream.rs': 'use super::Failure;\n',
      'src/net/tls/mod.rs': 'mod stream;\nuse self::stream::Stream;\nenum Failure {}\n',
    },
    ['src/net/tls/mod.rs:2', 'src/net/tls/stream.rs:1'],
  ],
  [
    'require() in a function',
    { 'lib/socket.js': "\nconst f = () => require('./index.js')\n" },
    ['lib/index.js:2', 'lib/socket.js:2'],
  ],
]) {
  test(`a circle is found through ${what}`, (t) => {
    const [problem, ...others] = checkWith(t, changes)
    t.deepEqual(others, [])
    t.regex(problem, /^\d files import each other: /)
    const places = [...problem.matchAll(/^ {4}(\S+) imports/gm)].map(([, place]) => place)
    t.deepEqual(places, circle)
  })
}

test('each tangle is told of once, with the shortest circle through each of its files', (t) => {
  const use = (...names) => names.map((name) => `use crate::${name}::${name.toUpperCase()};\n`).join('')
  const root = sources(t, {
    'src/lib.rs': 'mod a; mod b; mod c; mod d; mod e; mod f;\n',
    'src/a.rs': use('b'),
    'src/b.rs': use('a', 'c'),
    'src/c.rs': use('a'),
    'src/d.rs': use('a', 'e'),
    'src/e.rs': use('f'),
    'src/f.rs': use('e'),
  })
  const circles = check(root).map((problem) => problem.split('\n').filter((line) => !line.startsWith('    ')))
  t.deepEqual(circles, [
    [
      '3 files import each other: src/a.rs, src/b.rs, src/c.rs',
      '  src/a.rs -> src/b.rs -> src/a.rs',
      '  src/a.rs -> src/b.rs -> src/c.rs -> src/a.rs',
    ],
    ['2 files import each other: src/e.rs, src/f.rs', '  src/e.rs -> src/f.rs -> src/e.rs'],
  ])
})

test(`a file may have ${LONGEST} lines, and no more`, (t) => {
  const most = { 'lib/socket.js': '\n'.repeat(LONGEST), 'src/sys.rs': '\n'.repeat(LONGEST) }
  t.deepEqual(checkWith(t, most), [])
  const more = { 'lib/socket.js': '\n'.repeat(LONGEST + 1), 'src/sys.rs': '\n'.repeat(LONGEST + 1) }
  t.deepEqual(checkWith(t, more), [
    `src/sys.rs: ${LONGEST + 1} lines, and the most is ${LONGEST}`,
    `lib/socket.js: ${LONGEST + 1} lines, and the most is ${LONGEST}`,
  ])
})

test('a file that no module declares was not looked at, and is told of', (t) => {
  t.deepEqual(checkWith(t, { 'src/net/old.rs': '' }), ['src/net/old.rs: no module declares this file'])
})

for (const [file, text, message] of [
  [
    'src/net/error.rs',
    'use napi::Result;',
    /^src\/net\/error\.rs:1 names napi::Result: src\/net is the engine/,
  ],
  ['src/net/error.rs', 'type A = napi::sys::napi_env;', /^src\/net\/error\.rs:1 names napi::sys::napi_env: /],
  ['src/net/error.rs', 'use napi_derive::napi;', /^src\/net\/error\.rs:1 names napi_derive::napi: /],
  [
    'src/net/error.rs',
    'use crate::binding;',
    /^src\/net\/error\.rs:1 imports src\/binding\/mod\.rs: src\/net is/,
  ],
  [
    'src/binding/mod.rs',
    'pub mod socket;\nuse tokio::{io, net::{TcpStream}};',
    /^src\/binding\/mod\.rs:2 names tokio::net::TcpStream: src\/binding has no networking/,
  ],
  [
    'src/binding/mod.rs',
    'pub mod socket;\nuse openssl::ssl::Ssl;',
    /^src\/binding\/mod\.rs:2 names openssl::ssl::Ssl: /,
  ],
  ['lib/socket.js', "require('node:net')", /^lib\/socket\.js:1 names node:net: lib has no networking/],
  [
    'lib/socket.js',
    'const { connect } = require("tls")',
    /^lib\/socket\.js:1 names tls: lib has no networking/,
  ],
]) {
  test(`the wall stands: not in ${file}: ${text.replace('\n', ' ')}`, (t) => {
    const problems = checkWith(t, { [file]: `${text}\n` })
    t.is(problems.length, 1)
    t.regex(problems[0], message)
  })
}

test('the wall stands: peers in lib/testing have sockets of Node.js, and nothing else of lib has those peers', (t) => {
  const peer = { 'lib/testing/peer.js': "require('node:net')\n" }
  t.deepEqual(checkWith(t, peer), [])
  t.deepEqual(checkWith(t, { ...peer, 'lib/socket.js': "require('./testing/peer.js')\n" }), [
    'lib/socket.js:1 imports lib/testing/peer.js: lib/testing is for tests alone',
  ])
})

const FLOORS = ['error', ['poll', 'no_poll'], 'tls', ['socket', 'socket_model']]

test('floors: what is above may import what is below', (t) => {
  t.deepEqual(checkWith(t, {}, FLOORS), [])
})

test('floors: what is below may not import what is above, though there is no circle', (t) => {
  t.deepEqual(checkWith(t, {}, ['poll', 'error', 'no_poll', 'tls', ['socket', 'socket_model']]), [
    'src/net/poll.rs:1 imports src/net/error.rs: that is on a higher floor',
  ])
})

test('floors: each part of src/net has its place, and each place its part', (t) => {
  t.deepEqual(checkWith(t, {}, ['error', ['poll', 'no_poll'], 'tls', 'socket', 'attic']), [
    'src/net/socket_model: is on no floor',
    'floor attic: is not in src/net',
  ])
})
