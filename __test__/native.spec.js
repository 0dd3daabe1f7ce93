'use strict'

// What a user reads where no engine was installed or built.

const { spawnSync } = require('node:child_process')
const { join } = require('node:path')
const test = require('ava')

test('without an engine, requiring the package says so and what to do', (t) => {
  const { stderr, status } = spawnSync(process.execPath, ['-e', 'require(".")'], {
    cwd: join(__dirname, '..'),
    env: { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: join(__dirname, 'no-such.node') },
    encoding: 'utf8',
  })
  t.is(status, 1)
  t.regex(stderr, new RegExp(`no engine for ${process.platform}-${process.arch}`))
  t.regex(stderr, /npm run build/)
  t.regex(stderr, /\[cause\]/)
})
