// What makes one Markdown file right on GitHub, in the npm package and on the site: anchors as GitHub makes them, and links to files
// of the repository that are no pages, such as ../CHANGELOG.md, lead to the repository; and what looks like HTML is meant as it is written.

import { posix } from 'node:path'

export const REPOSITORY = 'https://github.com/moz-tcp-socket/moz-tcp-socket'

/** The anchor of a heading, as GitHub makes it. */
export function slugify(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\-_ ]/gu, '')
    .replaceAll(' ', '-')
}

/** The address of what `href` names on the page `page`, a path below docs/, if it is outside of docs/. */
function outside(href, page) {
  if (/^[a-z]+:|^[#/]/i.test(href)) return undefined
  const path = posix.join('docs', posix.dirname(page), href)
  return path.startsWith('docs/') ? undefined : `${REPOSITORY}/blob/main/${path}`
}

/** A plugin of markdown-it. */
export function repositoryLinks(md) {
  md.core.ruler.push('repository-links', ({ env, tokens }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type !== 'link_open') continue
      const address = outside(token.attrGet('href'), env.relativePath)
      if (address !== undefined) token.attrSet('href', address)
    }
  })
}

/**
 * A plugin of markdown-it: prose is no HTML and no template of Vue, in which `<host>` would vanish and `{{` be run. Comments are for those who
 * edit the file. Pages made from types have anchors in HTML.
 */
export function plainProse(md) {
  md.core.ruler.before('normalize', 'plain-prose', (state) => {
    const isMade = state.env.relativePath.startsWith('reference/')
    md.set({ html: isMade })
    if (isMade) return
    state.src = state.src.replace(/^<!--[^]*?-->$/gm, '')
    if (state.src.replaceAll(/^```[^]*?^```|`[^`\n]*`/gm, '').includes('{{')) {
      throw new Error(`${state.env.relativePath}: "{{" outside of code would be a template`)
    }
  })
}
