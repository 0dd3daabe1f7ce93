'use strict'

// Preloaded: what drivers look at to see that they are on Cloudflare Workers.

Object.defineProperty(globalThis, 'navigator', {
  value: { userAgent: 'Cloudflare-Workers' },
  configurable: true,
})
