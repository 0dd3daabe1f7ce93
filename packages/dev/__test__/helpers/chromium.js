'use strict'

// A browser for a spec, and apps that it shows.

const { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')

const { hasChromium, launch } = require('../../../../__test__/helpers/chromium.js')
const { serveApp } = require('../../index.js')

/** A promise, so that tests that ask at the same time get the same browser. */
let launched

/** The browser of this process, which `closeBrowser` ends. */
function theBrowser() {
  launched ??= launch()
  return launched
}

async function closeBrowser() {
  const browser = await launched
  launched = undefined
  await browser?.close()
}

const PRIVILEGED = {
  name: 'Test',
  type: 'privileged',
  permissions: { 'tcp-socket': { description: 'test' } },
}

/** A folder with an app: `files` by path, beside a manifest and a page unless they are among them; `undefined` leaves one out. */
function makeApp(t, files = {}, manifest = PRIVILEGED) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'moz-app-')))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const all = {
    'manifest.webapp': JSON.stringify(manifest),
    'index.html': '<!doctype html><title>app</title>',
    ...files,
  }
  for (const [name, content] of Object.entries(all)) {
    if (content === undefined) continue
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
  return root
}

/** Serves an app for as long as the test runs. */
async function serve(t, files, { manifest, ...options } = {}) {
  const server = await serveApp(makeApp(t, files, manifest), options)
  t.teardown(() => server.close())
  return server
}

/** A page of an app: `{ page, server, problems }`; `problems` are its uncaught errors. */
async function openApp(t, files, options) {
  t.timeout(40_000)
  const server = await serve(t, files, options)
  const context = await (await theBrowser()).newContext()
  t.teardown(() => context.close())
  const page = await context.newPage()
  const problems = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  await page.goto(server.url)
  return { page, server, context, problems }
}

module.exports = { PRIVILEGED, closeBrowser, hasChromium, makeApp, openApp, serve, theBrowser }
