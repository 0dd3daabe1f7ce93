/**
 * `node --import moz-tcp-socket/winter/register app.js`: `cloudflare:sockets` and `sockets` can be imported and required, and are
 * `moz-tcp-socket/winter`. Types of `cloudflare:sockets` come with `@cloudflare/workers-types`.
 */
declare const registered: undefined
export = registered
