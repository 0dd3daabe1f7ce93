// Hooks for `import` in versions of Node.js where those run in a thread of their own: see register.js.

let url

export function initialize(data) {
  url = data.url
}

export async function resolve(specifier, context, nextResolve) {
  const ours = { url, format: 'commonjs', shortCircuit: true }
  if (specifier === 'cloudflare:sockets') return ours
  if (specifier !== 'sockets') return nextResolve(specifier, context)
  try {
    return await nextResolve(specifier, context)
  } catch {
    return ours
  }
}
