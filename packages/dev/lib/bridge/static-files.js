'use strict'

// The app's files, with their types.

const { extname } = require('node:path')

const TYPES = new Map(
  Object.entries({
    '.appcache': 'text/cache-manifest',
    '.avif': 'image/avif',
    '.bmp': 'image/bmp',
    '.css': 'text/css',
    '.csv': 'text/csv',
    '.eot': 'application/vnd.ms-fontobject',
    '.gif': 'image/gif',
    '.htm': 'text/html',
    '.html': 'text/html',
    '.ico': 'image/vnd.microsoft.icon',
    '.jpeg': 'image/jpeg',
    '.jpg': 'image/jpeg',
    '.js': 'text/javascript',
    '.json': 'application/json',
    '.m4a': 'audio/mp4',
    '.map': 'application/json',
    '.md': 'text/markdown',
    '.mjs': 'text/javascript',
    '.mp3': 'audio/mpeg',
    '.mp4': 'video/mp4',
    '.ogg': 'audio/ogg',
    '.ogv': 'video/ogg',
    '.opus': 'audio/ogg',
    '.otf': 'font/otf',
    '.pdf': 'application/pdf',
    '.png': 'image/png',
    '.properties': 'text/plain',
    '.svg': 'image/svg+xml',
    '.ttf': 'font/ttf',
    '.txt': 'text/plain',
    '.wasm': 'application/wasm',
    '.wav': 'audio/wav',
    '.webapp': 'application/x-web-app-manifest+json',
    '.webm': 'video/webm',
    '.webmanifest': 'application/manifest+json',
    '.webp': 'image/webp',
    '.woff': 'font/woff',
    '.woff2': 'font/woff2',
    '.xhtml': 'application/xhtml+xml',
    '.xml': 'application/xml',
  }),
)

/** The media type of a file, by its name. */
function typeOf(file) {
  return TYPES.get(extname(file).toLowerCase()) ?? 'application/octet-stream'
}

/** The same as a header, with the encoding that texts of apps have. */
function contentType(file, charset = 'utf-8') {
  const type = typeOf(file)
  return /^text\/|javascript|json|xml$/.test(type) ? `${type}; charset=${charset}` : type
}

module.exports = { contentType, typeOf }
