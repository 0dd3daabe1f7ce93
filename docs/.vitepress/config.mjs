// The documentation site, which `npm run docs` builds from the Markdown files of docs/. It asks no other host for anything: fonts come
// with the theme, and the search runs in the page.

import { defineConfig } from 'vitepress'

import { REPOSITORY, plainProse, repositoryLinks, slugify } from './markdown.mjs'
import { sidebar } from './sidebar.mjs'

// Where the site is on its host: `npm run docs -- --base /moz-tcp-socket/`.
const base = process.env.DOCS_BASE ?? '/'

export default defineConfig({
  title: 'moz-tcp-socket',
  description: 'The TCP sockets of Firefox OS for Node.js',
  lang: 'en',
  base,
  cleanUrls: true,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${base}icon.svg` }]],
  // __test__/site checks every link and every anchor of the built site.
  ignoreDeadLinks: true,
  markdown: {
    anchor: { slugify },
    config: (md) => md.use(repositoryLinks).use(plainProse),
  },
  themeConfig: {
    nav: [
      { text: 'Getting started', link: '/install' },
      { text: 'Porting', link: '/porting' },
      { text: 'API', link: '/api' },
      { text: 'FAQ', link: '/faq' },
    ],
    sidebar: sidebar(),
    outline: { level: [2, 3] },
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    externalLinkIcon: true,
  },
})
