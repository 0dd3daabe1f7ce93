'use strict'

// The packages that hold a prebuilt engine, by platform. They are those of `napi.targets` in package.json, which a test
// compares; spelled out, because tools that collect what a program needs (for a serverless function, or one file) see
// only requests that are literal.

module.exports = {
  __proto__: null,
  'linux-x64-gnu': () => require.resolve('moz-tcp-socket-linux-x64-gnu'),
  'linux-arm64-gnu': () => require.resolve('moz-tcp-socket-linux-arm64-gnu'),
  'linux-x64-musl': () => require.resolve('moz-tcp-socket-linux-x64-musl'),
  'linux-arm64-musl': () => require.resolve('moz-tcp-socket-linux-arm64-musl'),
  'darwin-arm64': () => require.resolve('moz-tcp-socket-darwin-arm64'),
  'darwin-x64': () => require.resolve('moz-tcp-socket-darwin-x64'),
  'win32-x64-msvc': () => require.resolve('moz-tcp-socket-win32-x64-msvc'),
  'win32-arm64-msvc': () => require.resolve('moz-tcp-socket-win32-arm64-msvc'),
}
