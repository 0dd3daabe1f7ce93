'use strict'

// Looks at every page of a site that can be reached by links from its first one, in a browser: what is broken, and what asks another
// host.

/** Pages that are looked at at a time: each takes half a second in which nothing may happen any more. */
const TABS = 4

/** In the page: the address of each link, and each anchor that can be linked to. */
function read() {
  const links = [...document.querySelectorAll('a[href]')].map(({ href, textContent }) => ({
    href,
    text: textContent.trim(),
  }))
  const anchors = [...document.querySelectorAll('[id], a[name]')].flatMap(({ id, name }) => [id, name])
  return { links, anchors: anchors.filter(Boolean) }
}

/** A new tab that says what goes wrong in it to `report`. */
async function openTab(context, start, report) {
  const page = await context.newPage()
  const say = (what) => report(page.url(), what)
  page.on('pageerror', (error) => say(`throws ${error.message}`))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) say(`console: ${message.text()}`)
  })
  page.on('request', (request) => {
    const { protocol } = new URL(request.url())
    const isOwn = request.url().startsWith(start) || protocol === 'data:' || protocol === 'blob:'
    if (!isOwn) say(`asks for ${request.url()}`)
  })
  page.on('requestfailed', (request) => {
    const { errorText } = request.failure()
    // The page fetches in advance what its links lead to, and may be left before that is done.
    if (errorText !== 'net::ERR_ABORTED') say(`${request.url()} failed: ${errorText}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) say(`${response.url()} is answered with ${response.status()}`)
  })
  return page
}

/**
 * Visits the site at `start`, whose pages are all below it. Resolves with `{ pages, problems }`: the pages by address, and sentences about
 * what is wrong, each once.
 */
async function crawl(context, start) {
  const pages = new Map()
  const problems = new Set()
  const links = new Map()
  const report = (page, what) => problems.add(`${page.slice(start.length - 1)}: ${what}`)

  const waiting = [start]
  const seen = new Set(waiting)
  const visit = async (tab, address) => {
    const response = await tab.goto(address, { waitUntil: 'networkidle' })
    if (!response.ok()) return
    const content = await tab.evaluate(read)
    pages.set(address, content)
    for (const { href, text } of content.links) {
      if (!href.startsWith(start)) continue
      const { hash } = new URL(href)
      const target = href.slice(0, href.length - hash.length)
      // The same link is in the sidebar of each page.
      const key = `${href} ${text}`
      if (!links.has(key)) links.set(key, { from: address, target, hash, text })
      if (seen.has(target)) continue
      seen.add(target)
      waiting.push(target)
    }
  }
  const tabs = await Promise.all(Array.from({ length: TABS }, () => openTab(context, start, report)))
  while (waiting.length > 0) {
    const round = waiting.splice(0, TABS)
    await Promise.all(round.map((address, index) => visit(tabs[index], address)))
  }

  for (const { from, target, hash, text } of links.values()) {
    const page = pages.get(target)
    const anchor = decodeURIComponent(hash.slice(1))
    if (page === undefined) report(from, `the link "${text}" leads to ${target}, which is not there`)
    else if (anchor !== '' && !page.anchors.includes(anchor))
      report(from, `the link "${text}" leads to #${anchor}, which is not in ${target}`)
  }
  return { pages, problems: [...problems] }
}

module.exports = { crawl }
