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

/** What becomes of a use of the API: it throws or is not there, works in another way, could not be followed, is the same, or is only to be known. */
export type DoctorVerdict = 'missing' | 'differs' | 'unfollowed' | 'same' | 'note'

/** One use of the API, or one thing to know about a file. */
export interface DoctorFinding {
  /** The file, from the path that was examined, with `/` between folders. */
  file: string
  /** From 1. Of a member it is where its name begins; columns count UTF-16 units, as editors do. */
  line: number
  column: number
  verdict: DoctorVerdict
  /** The rule's name. */
  rule: string
  /** The decision in docs/porting.md, such as `"Q-13"`. */
  q: string | null
  /** One sentence. */
  text: string
  /** The code it is about, its first line and 80 characters at most; of a file that could not be read, why. */
  code: string
}

/** What `examine` answers. */
export interface DoctorReport {
  /** As it was given. */
  path: string
  /** How many files of code, pages and manifests there are. */
  files: number
  /** By file, line and column. */
  findings: DoctorFinding[]
  counts: Record<DoctorVerdict, number>
}

/**
 * Reads the code of the app at `path` (a folder, a manifest, a page, or a file of JavaScript or TypeScript) and says of each use of the API
 * whether it works here as on a device. Runs nothing of it. Files of more than 2 MiB, links, `node_modules` and the like are not read. Throws
 * a TypeError for what is no path, and an Error where there is nothing to read, or more than 10000 files.
 */
export function examine(path: string): DoctorReport

/** Options of `runApp`. */
export interface RunOptions {
  /** A folder, made where it is not there, in which localStorage and IndexedDB of the app are kept. Without it they end with the app. */
  data?: string
  /** Hears of what the app prints: `method` is that of its console. By default it is printed by the console of this program. */
  onConsole?: (method: string, args: unknown[]) => void
  /**
   * Hears of what scripts and handlers of the app throw, and of what jsdom cannot do, unless the app prevents the default of its own `error`
   * event. By default it is printed.
   */
  onError?: (thrown: unknown) => void
}

/** An app that runs. */
export interface RunningApp {
  /** Its window, a jsdom; of a script the global object of this program. */
  readonly window: any
  /** Closes the window, its sockets and its listeners, and keeps what it stores. The same promise each time. */
  close(): Promise<void>
}

/**
 * Runs the app at `path` in Node.js: a manifest or a folder that has one, whose first page is loaded when this resolves; or a script, which
 * has been evaluated then. Rejects where there is no such app, where its manifest or an option is wrong, and where what was kept of it is
 * damaged.
 */
export function runApp(path: string, options?: RunOptions): Promise<RunningApp>
