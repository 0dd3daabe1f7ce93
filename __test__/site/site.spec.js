'use strict'

// The documentation site, built as `npm run docs` does it, and looked at with a browser.

const { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const test = require('ava')

const { buildSite, serveSite } = require('../../scripts/docs/site.js')
const { hasChromium, launch } = require('../helpers/chromium.js')
const { serialWhere } = require('../helpers/needs.js')
const { crawl } = require('./crawl.js')

const docs = join(__dirname, '../../docs')
const inBrowser = serialWhere(test, hasChromium, 'chromium')

let folder, site, browser

test.before(async (t) => {
  t.timeout(110_000)
  if (!hasChromium) return
  folder = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-site-'))
  buildSite({ folder })
  site = await serveSite(folder)
  browser = await launch()
})

test.after.always(async () => {
  await browser?.close()
  await site?.close()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

/** A new browser context, closed when the test ends. */
async function contextFor(t, options) {
  const context = await browser.newContext(options)
  t.teardown(() => context.close())
  return context
}

/** A page of the site, in a context of its own. */
async function open(t, path, options) {
  const page = await (await contextFor(t, options)).newPage()
  await page.goto(site.url + path, { waitUntil: 'networkidle' })
  return page
}

inBrowser('every link leads somewhere, and no page fails or asks another host', async (t) => {
  t.timeout(90_000)
  const { pages, problems } = await crawl(await contextFor(t), site.url)
  t.deepEqual(problems, [])
  const reached = new Set([...pages.keys()].map((address) => address.slice(site.url.length)))
  const written = readdirSync(docs).filter((name) => name.endsWith('.md') && name !== 'index.md')
  for (const name of written) t.true(reached.has(name.replace('.md', '')), `no link leads to ${name}`)
  for (const name of ['moz-tcp-socket', 'moz-tcp-socket/testing', 'moz-tcp-socket-dev']) {
    t.true(reached.has(`reference/${name}`), `no link leads to the types of ${name}`)
  }
})

inBrowser('a broken link, a missing anchor, an exception and a foreign host are found', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-broken-'))
  t.teardown(() => rmSync(place, { recursive: true, force: true }))
  writeFileSync(
    join(place, 'index.html'),
    `<!doctype html><link rel="icon" href="data:,"><h1 id="here">Broken</h1>
    <a href="missing.html">one</a> <a href="#there">two</a> <a href="#here">good</a>
    <img src="http://127.0.0.2:9/pixel.png"><script>missingFunction()</script>`,
  )
  const broken = await serveSite(place)
  t.teardown(() => broken.close())
  const { problems } = await crawl(await contextFor(t), broken.url)
  for (const what of [
    /the link "one" leads to \S+missing\.html, which is not there/,
    /the link "two" leads to #there, which is not in/,
    /throws missingFunction is not defined/,
    /asks for http:\/\/127\.0\.0\.2:9\/pixel\.png/,
    /missing\.html is answered with 404/,
  ]) {
    t.true(
      problems.some((problem) => what.test(problem)),
      `${what} is not among ${problems.join('\n')}`,
    )
  }
  t.false(problems.some((problem) => problem.includes('"good"')))
})

inBrowser('the search finds a word, and leads to where it is', async (t) => {
  const page = await open(t, '')
  await page.click('#local-search')
  await page.fill('#localsearch-input', 'closeImmediately')
  const result = page.locator('.VPLocalSearchBox .result').first()
  await result.waitFor()
  t.regex(await result.textContent(), /closeImmediately/)
  await result.click()
  await page.waitForURL((url) => url.pathname.length > 1)
  t.regex(await page.locator('main').textContent(), /closeImmediately/)
})

inBrowser('what is not on the site is not found by the search', async (t) => {
  const page = await open(t, '')
  await page.click('#local-search')
  await page.fill('#localsearch-input', 'xylophonequartz')
  await page.locator('.VPLocalSearchBox .no-results').waitFor()
  t.is(await page.locator('.VPLocalSearchBox .result').count(), 0)
})

/** In the page: the contrast (WCAG 2) between the text of what `selector` finds and what is behind it. */
function contrastOf(selector) {
  const numbers = (color) => color.match(/[\d.]+/g).map(Number)
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((value) => {
      const part = value / 255
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const element = document.querySelector(selector)
  let behind = element
  while (behind && (numbers(getComputedStyle(behind).backgroundColor)[3] ?? 1) < 1) {
    behind = behind.parentElement
  }
  const background = behind ? getComputedStyle(behind).backgroundColor : 'rgb(255, 255, 255)'
  const [one, other] = [getComputedStyle(element).color, background].map((color) => light(numbers(color)))
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
}

for (const colorScheme of ['light', 'dark']) {
  inBrowser(`text, code and links can be read in ${colorScheme} colors`, async (t) => {
    const page = await open(t, 'api', { colorScheme })
    t.is(await page.locator('html.dark').count(), colorScheme === 'dark' ? 1 : 0)
    for (const selector of ['.vp-doc p', '.vp-doc li', '.vp-doc td', '.vp-doc pre code', '.vp-doc p a']) {
      const contrast = await page.evaluate(contrastOf, selector)
      t.true(contrast >= 4.5, `${selector} has a contrast of ${contrast.toFixed(1)}`)
    }
  })
}

inBrowser('on a telephone no page is wider than the screen', async (t) => {
  const page = await open(t, '', { viewport: { width: 360, height: 640 } })
  const names = readdirSync(docs).filter((name) => name.endsWith('.md'))
  for (const name of [...names, 'reference/moz-tcp-socket.md']) {
    await page.goto(site.url + name.replace(/(?:index)?\.md$/, ''), { waitUntil: 'domcontentloaded' })
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    t.true(width <= 360, `${name} is ${width} pixels wide`)
  }
})

test('the pages of the site are no part of the package', (t) => {
  const { files } = JSON.parse(readFileSync(join(docs, '../package.json'), 'utf8'))
  t.true(files.includes('docs'))
  for (const name of ['.vitepress', 'public', 'reference']) t.true(files.includes(`!docs/${name}`), name)
})
