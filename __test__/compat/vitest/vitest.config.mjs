// The package as users of Vitest have it: in child processes, in worker threads that come and go, and in a realm of its own.

import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

const here = fileURLToPath(new URL('.', import.meta.url))

const projects = ['forks', 'threads', 'vmThreads'].map((pool) => ({
  test: { name: pool, pool, root: here, include: ['*.spec.mjs'] },
}))

export default defineConfig({ test: { projects, teardownTimeout: 5000 } })
