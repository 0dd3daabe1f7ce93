'use strict'

// The site of the documentation, as `npm run docs` builds it, in a browser: each page that a link leads to, from the first on.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { existsSync, readFileSync, readdirSync, statSync } = require('node:fs')
const { createServer } = require('node:http')
const { extname, join, normalize } = require('node:path')

const test = require('ava')
const { chromium } = require('playwright-core')

const { testWhere } = require('../helpers/needs.js')

const root = join(__dirname, '..', '..')
const site = join(root, 'docs', '.vitepress', 'dist')

const CHROMIUM = '/usr/bin/chromium'
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

/** The file for a path of the site, whose pages have no ending. */
function fileFor(pathname) {
  const path = join(site, normalize(decodeURIComponent(pathname)))
  if (!path.startsWith(site)) return undefined
  const found = [path, `${path}.html`, join(path, 'index.html')]
  return found.find((each) => existsSync(each) && statSync(each).isFile())
}

const server = createServer((request, response) => {
  const file = fileFor(new URL(request.url, 'http://site').pathname)
  if (file === undefined) return response.writeHead(404).end()
  response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
  return response.end(readFileSync(file))
})

let browser
let origin

const there = testWhere(test.serial, existsSync(CHROMIUM), 'Chromium')

test.before(async () => {
  if (!existsSync(CHROMIUM)) return
  const building = spawn(process.execPath, [join(root, 'scripts', 'docs.js')], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  building.stderr.setEncoding('utf8').on('data', (text) => (errors += text))
  const [status] = await once(building, 'close')
  if (status !== 0) throw new Error(`the site is not built:\n${errors}`)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  origin = `http://127.0.0.1:${server.address().port}`
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS, headless: true })
})

test.after.always(async () => {
  await browser?.close()
  server.closeAllConnections()
  server.close()
})

/** A page, and what went wrong in it or with what it asked for. */
async function openPage(t, options) {
  const context = await browser.newContext(options)
  t.teardown(() => context.close())
  const page = await context.newPage()
  const problems = []
  page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`${page.url()}: ${message.text()}`)
  })
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.origin !== origin && url.protocol !== 'data:')
      problems.push(`${page.url()} asks ${request.url()}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${page.url()}: ${response.status()} for ${response.url()}`)
  })
  return { page, problems }
}

there(
  'every page can be reached, no link is broken, no page has an error, and nobody else is asked',
  async (t) => {
    t.timeout(150_000)
    const { page, problems } = await openPage(t)
    /** By path: the ids that its elements have. */
    const pages = new Map()
    const links = []
    const queue = ['/']
    for (const path of queue) {
      if (pages.has(path)) continue
      await page.goto(origin + path, { waitUntil: 'load' })
      const { ids, targets } = await page.evaluate(() => ({
        ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
        targets: [...document.querySelectorAll('a[href]')].map(({ href }) => href),
      }))
      pages.set(path, new Set(ids))
      for (const target of targets) {
        const url = new URL(target)
        if (url.origin !== origin) continue
        links.push({ from: path, to: url.pathname, anchor: decodeURIComponent(url.hash.slice(1)) })
        if (fileFor(url.pathname) !== undefined) queue.push(url.pathname)
      }
    }
    const broken = links.filter(({ to, anchor }) => {
      const ids = pages.get(to)
      return ids === undefined ? fileFor(to) === undefined : anchor !== '' && !ids.has(anchor)
    })
    t.deepEqual([...new Set(broken.map(({ from, to, anchor }) => `${from} -> ${to}#${anchor}`))], [])
    t.deepEqual(problems, [])
    const written = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
    const missing = written.filter((name) => !pages.has(`/${name.replace(/(?:index)?\.md$/, '')}`))
    t.deepEqual(missing, [], 'each page of docs/ is in the sidebar')
    t.true(pages.size > written.length, `${pages.size} pages`)
  },
)

there('search finds pages by their words', async (t) => {
  const { page, problems } = await openPage(t)
  await page.goto(origin)
  await page.keyboard.press('Control+k')
  await page.fill('#localsearch-input', 'bufferedAmount')
  await page.waitForSelector('#localsearch-list a')
  t.true((await page.locator('#localsearch-list a').count()) > 2)
  t.deepEqual(problems, [])
})

there('on a small screen the text fits, light and dark', async (t) => {
  for (const colorScheme of ['light', 'dark']) {
    const { page } = await openPage(t, { viewport: { width: 360, height: 640 }, colorScheme })
    await page.goto(`${origin}/client`)
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    t.true(width <= 360, `${width} pixels`)
    const [text, background] = await page.evaluate(() => {
      const style = getComputedStyle(document.querySelector('.vp-doc p'))
      return [style.color, getComputedStyle(document.body).backgroundColor]
    })
    t.not(text, background)
  }
})
