// What the commands do, as functions.

declare const nothing: unique symbol
export type Nothing = typeof nothing
