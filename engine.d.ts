/** INTERNAL: for `moz-tcp-socket-dev` of the same version alone. Not part of the API; it changes without notice. */
declare const engine: Readonly<Record<string, unknown>>
export = engine
