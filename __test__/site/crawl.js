'use strict'

// Looks at every page of a site that can be reached by links from its first one, in a browser: what is broken, and what asks another
// host.

/** In the page: the address of each link, and each anchor that can be linked to. */
function read() {
  const links = [...document.querySelectorAll('a[href]')].map(({ href, textContent }) => ({
    href,
    text: textContent.trim(),
  }))
  const anchors = [...document.querySelectorAll('[id], a[name]')].flatMap(({ id, name }) => [id, name])
  return { links, anchors: anchors.filter(Boolean), title: document.title }
}

/**
 * Visits the site at `start`, whose pages are all below it. Resolves with `{ pages, problems }`: the pages by address, and sentences about
 * what is wrong.
 */
async function crawl(context, start) {
  const pages = new Map()
  const problems = new Set()
  const links = []
  const page = await context.newPage()
  let visited = start
  const report = (what) => problems.add(`${visited.slice(start.length - 1)}: ${what}`)
  page.on('pageerror', (error) => report(`throws ${error.message}`))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) report(`console: ${message.text()}`)
  })
  page.on('request', (request) => {
    const { protocol } = new URL(request.url())
    const isOwn = request.url().startsWith(start) || protocol === 'data:' || protocol === 'blob:'
    if (!isOwn) report(`asks for ${request.url()}`)
  })
  page.on('requestfailed', (request) => report(`${request.url()} failed: ${request.failure().errorText}`))
  page.on('response', (response) => {
    if (response.status() >= 400) report(`${response.url()} is answered with ${response.status()}`)
  })

  const waiting = [start]
  const seen = new Set(waiting)
  while (waiting.length > 0) {
    visited = waiting.shift()
    const response = await page.goto(visited, { waitUntil: 'networkidle' })
    if (!response.ok()) continue
    const content = await page.evaluate(read)
    pages.set(visited, content)
    for (const { href, text } of content.links) {
      const url = new URL(href)
      if (!href.startsWith(start)) continue
      const address = url.href.slice(0, url.href.length - url.hash.length)
      links.push({ from: visited, address, anchor: decodeURIComponent(url.hash.slice(1)), text })
      if (seen.has(address)) continue
      seen.add(address)
      waiting.push(address)
    }
  }
  await page.close()

  for (const { from, address, anchor, text } of links) {
    visited = from
    const target = pages.get(address)
    if (target === undefined) report(`the link "${text}" leads to ${address}, which is not there`)
    else if (anchor !== '' && !target.anchors.includes(anchor))
      report(`the link "${text}" leads to #${anchor}, which is not in ${address}`)
  }
  return { pages, problems: [...problems] }
}

module.exports = { crawl }
