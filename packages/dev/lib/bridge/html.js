'use strict'

// Puts the bridge into a page: two scripts before the page's first, wherever that is. Everything else stays as it is, byte for byte.

const { parse } = require('parse5')

const { withBridge } = require('./csp.js')

/**
 * `{ body, charset }`: the page `bytes` with `scripts` in it, and its encoding. A policy in a `<meta>` gets `nonce` and `origin`. Encodings that have no ASCII in
 * them (UTF-16) are left alone, without the scripts.
 */
function inject(bytes, scripts, { nonce, origin }) {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  if (isUtf16) return { body: bytes, charset: undefined }
  // Each byte is one character, so that offsets are those of bytes.
  const text = bytes.toString('latin1')
  const document = parse(text, { sourceCodeLocationInfo: true, scriptingEnabled: true })
  const hasBom = text.startsWith('\u00ef\u00bb\u00bf')
  const edits = [{ start: placeIn(document, hasBom ? 3 : 0), end: undefined, text: scripts }]
  for (const { value, start, end } of policies(document, text)) {
    edits.push({ start, end, text: attribute(withBridge(value, nonce, origin)) })
  }
  const parts = []
  let at = 0
  for (const edit of edits.sort((a, b) => a.start - b.start)) {
    parts.push(bytes.subarray(at, edit.start), Buffer.from(edit.text))
    at = edit.end ?? edit.start
  }
  parts.push(bytes.subarray(at))
  return { body: Buffer.concat(parts), charset: hasBom ? 'utf-8' : (charsetOf(document) ?? 'utf-8') }
}

/** Where the first script can be: at the beginning of the head, or before what implies one. */
function placeIn(document, start) {
  const html = child(document, 'html')
  const head = child(html, 'head')
  const doctype = document.childNodes.find(({ nodeName }) => nodeName === '#documentType')
  const behind =
    head.sourceCodeLocation?.startTag?.endOffset ??
    html.sourceCodeLocation?.startTag?.endOffset ??
    doctype?.sourceCodeLocation?.endOffset ??
    start
  return Math.max(behind, start)
}

function child(node, name) {
  return node.childNodes.find(({ nodeName }) => nodeName === name)
}

function* metas(document) {
  for (const node of child(child(document, 'html'), 'head').childNodes) {
    if (node.nodeName !== 'meta' || !node.sourceCodeLocation) continue
    yield { node, attributes: new Map(node.attrs.map(({ name, value }) => [name, value])) }
  }
}

/** The policies of the page itself: `{ value, start, end }` of each, the place of the whole attribute. */
function* policies(document) {
  for (const { node, attributes } of metas(document)) {
    if (
      attributes.get('http-equiv')?.toLowerCase() !== 'content-security-policy' ||
      !attributes.has('content')
    )
      continue
    const { startOffset: start, endOffset: end } = node.sourceCodeLocation.attrs.content
    yield { value: attributes.get('content'), start, end }
  }
}

function attribute(value) {
  return `content="${value.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"`
}

/** The encoding that the page names. It has to be told in the header now, since the scripts come before it. */
function charsetOf(document) {
  for (const { attributes } of metas(document)) {
    const named =
      attributes.get('charset') ??
      (attributes.get('http-equiv')?.toLowerCase() === 'content-type'
        ? /charset\s*=\s*["']?([^\s"';]+)/i.exec(attributes.get('content') ?? '')?.[1]
        : undefined)
    if (named !== undefined && /^[\w.:-]+$/.test(named)) return named
  }
  return undefined
}

module.exports = { inject }
