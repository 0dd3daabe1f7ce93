// The documentation as a site: `npm run docs`. Pages are the Markdown files of docs/, which are read as they are on GitHub and in the package
// too; so what only a site needs is done here. Pages of types are made from the declarations, see scripts/docs.js.

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const docs = join(dirname(fileURLToPath(import.meta.url)), '..')
const repository = 'https://github.com/moz-tcp-socket/moz-tcp-socket'

/** What is in the sidebar, by page. The spec of the site fails for a page that is missing here. */
const CHAPTERS = {
  Start: { index: 'What it is', install: 'Install', walkthrough: 'An app of 2013, start to end' },
  Sockets: {
    client: 'Connect and talk',
    server: 'Listen and serve',
    bytes: 'Bytes and text',
    tls: 'TLS and certificates',
    starttls: 'STARTTLS',
    'back-pressure': 'Slow peers, slow readers',
    timeouts: 'Broken connections',
    closing: 'Closing, and the end of the process',
    udp: 'Datagrams (UDP)',
  },
  Apps: {
    'running-apps': 'Run an app',
    apps: 'Three apps',
    permissions: 'Permissions',
    bridge: 'The bridge into the browser',
  },
  Tools: {
    testing: 'Tests',
    tools: 'Netcat, trace and doctor',
    diagnostics: 'Diagnostics',
  },
  Port: { porting: 'From Firefox OS and other libraries', faq: 'Questions' },
  Reference: {
    api: 'API',
    'reference/index': 'Types',
    'tls-conditions': 'TLS conditions',
    performance: 'Performance',
    reliability: 'Reliability',
    design: 'Design',
    'gecko-tests': 'Tests of Gecko',
    winter: 'connect() of WinterTC',
  },
}

/** Only those that are there: a page that another package brings may be missing. */
const sidebar = Object.entries(CHAPTERS).map(([text, pages]) => ({
  text,
  items: Object.entries(pages)
    .filter(([page]) => existsSync(join(docs, `${page}.md`)))
    .map(([page, title]) => ({
      text: title,
      link: `/${page.replace(/(?:^|\/)index$/, (end) => end.slice(0, -5))}`,
    })),
}))

/** Headings have the anchors that GitHub gives them. */
function slugify(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}

/** Links out of docs/ lead into the repository. */
function linkToRepository(md) {
  const toRepository = (url) => (url.startsWith('../') ? `${repository}/blob/main/${url.slice(3)}` : url)
  md.core.ruler.after('inline', 'repository-links', ({ tokens, env }) => {
    if (env.relativePath?.startsWith('reference/')) return
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        if (token.type === 'link_open') token.attrSet('href', toRepository(token.attrGet('href')))
      }
    }
  })
}

/** Comments are for those who edit the file. Everything else that looks like HTML is meant as it is written. */
function withoutComments(md) {
  md.core.ruler.before('normalize', 'comments', (state) => {
    state.src = state.src.replace(/^<!--[^]*?-->$/gm, '')
  })
}

export default {
  title: 'moz-tcp-socket',
  description: 'The TCP sockets of Firefox OS for Node.js',
  lang: 'en',
  cleanUrls: true,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/icon.svg' }]],
  // The spec of the site looks at links, in a browser.
  ignoreDeadLinks: true,
  markdown: {
    html: false,
    anchor: { slugify },
    config(md) {
      linkToRepository(md)
      withoutComments(md)
    },
  },
  // Without fonts of elsewhere.
  themeConfig: {
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    sidebar,
    socialLinks: [{ icon: 'github', link: repository }],
  },
  vite: { logLevel: 'warn' },
}
