// What is on the site, in which order, and under which name. A page that is in no table, such as a new one, comes last; one that is in
// a table and does not exist is a broken link, which __test__/site finds.

import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const docs = dirname(dirname(fileURLToPath(import.meta.url)))

/** Of each group: pages, by file name without `.md`. */
const GROUPS = {
  Start: {
    install: 'Getting started',
    'running-apps': 'Run an app',
    apps: 'Three apps',
    walkthrough: 'An app of 2013, start to end',
  },
  Tasks: {
    client: 'Connect and talk',
    server: 'Listen and serve',
    tls: 'TLS and certificates',
    starttls: 'STARTTLS',
    bytes: 'Bytes and text',
    'back-pressure': 'Back-pressure',
    timeouts: 'Timeouts, broken connections',
    closing: 'Closing, and the end',
    errors: 'Errors',
    udp: 'Datagrams (UDP)',
    permissions: 'Permissions',
    testing: 'Testing',
  },
  Porting: {
    porting: 'From Firefox OS and KaiOS',
    'from-emailjs': 'From emailjs-tcp-socket',
    'from-net': 'From node:net',
    winter: 'connect() of WinterTC',
    'node-stream': 'Streams of Node.js',
    direct: 'Direct Sockets',
    w3c: 'TCP and UDP Socket API (W3C)',
    faq: 'Questions and answers',
  },
  Tools: {
    tools: 'Netcat, trace and doctor',
    diagnostics: 'Diagnostics',
    bridge: 'The bridge into the browser',
  },
  Reference: {
    api: 'API',
    'reference/index': 'Types',
    'tls-conditions': 'TLS, condition by condition',
    'gecko-tests': "Gecko's own tests",
    performance: 'Performance',
    reliability: 'Reliability',
    design: 'Design',
  },
}

const linkOf = (name) => `/${name.replace(/(^|\/)index$/, '$1')}`

/** The first heading of a page. */
function titleOf(name) {
  return /^# (.+)$/m.exec(readFileSync(join(docs, `${name}.md`), 'utf8'))?.[1] ?? name
}

/** Pages of docs/ that are in no group. */
function others() {
  const known = new Set(['index', ...Object.values(GROUPS).flatMap((pages) => Object.keys(pages))])
  return readdirSync(docs)
    .filter((file) => file.endsWith('.md'))
    .map((file) => basename(file, '.md'))
    .filter((name) => !known.has(name))
}

/** As VitePress' default theme takes it. */
export function sidebar() {
  const groups = Object.entries(GROUPS).map(([text, pages]) => ({
    text,
    items: Object.entries(pages).map(([name, title]) => ({ text: title, link: linkOf(name) })),
  }))
  const more = others().map((name) => ({ text: titleOf(name), link: linkOf(name) }))
  return more.length === 0 ? groups : [...groups, { text: 'More', items: more }]
}
