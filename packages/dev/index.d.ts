// What the commands do, as functions.

/** Options of `serveApp`. */
export interface ServeOptions {
  /** Where to serve, on 127.0.0.1: 0 to 65535. 0, the default, is any free port. */
  port?: number
  /**
   * Patterns of places that the app may connect to, as `AllowList` of moz-tcp-socket has them, such as `"*.example.org:993"`. They narrow
   * what the manifest allows. By default it is any place.
   */
  allow?: readonly string[]
  /** The same of places to listen at. */
  allowListen?: readonly string[]
}

/** An app that is served. */
export interface ServedApp {
  /** The app's first page. */
  readonly url: string
  /** Ends it, and closes all sockets and listeners of its pages. */
  close(): Promise<void>
}

/**
 * Serves the app at `path`, a manifest or a folder that has one, to a browser on this machine, with the API in its pages and workers.
 * Rejects where there is no such app, or its manifest or an option is wrong, and where the port is taken.
 */
export function serveApp(path: string, options?: ServeOptions): Promise<ServedApp>
