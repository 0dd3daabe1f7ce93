// The protocol of the Music Player Daemon over TCPSocket as KaiOS 3 has it: `new TCPSocket(host, port, options)`. Commands have a
// connection, and `idle`, which waits for changes, has another one.
;(() => {
  'use strict'

  /** One connection. Commands are answered in their order. */
  class MpdConnection {
    constructor(host, port, onEnd) {
      this.waiting = []
      this.lines = []
      this.onEnd = onEnd
      this.reason = 'The player closed the connection'
      this.socket = new TCPSocket(host, port, { binaryType: 'arraybuffer' })
      const reader = new LineReader((line) => this.onLine(line))
      this.ready = new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
      this.socket.ondata = (event) => reader.push(event.data)
      this.socket.onerror = (event) => {
        this.reason = event.name || 'The connection failed'
      }
      this.socket.onclose = () => {
        this.waiting.splice(0).forEach(({ reject }) => reject(new Error(this.reason)))
        this.onEnd(this.reason)
      }
    }

    /** Resolves with the lines of the answer, as [name, value]. */
    command(name, ...parameters) {
      const quoted = parameters.map((each) => ` "${String(each).replace(/["\\]/g, '\\$&')}"`)
      return new Promise((resolve, reject) => {
        this.waiting.push({ resolve, reject })
        const bytes = new TextEncoder().encode(`${name}${quoted.join('')}\n`)
        this.socket.send(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      })
    }

    onLine(line) {
      const error = /^ACK \[[^\]]*\] (?:\{[^}]*\} )?(.*)/.exec(line)
      if (error === null && !/^OK( |$)/.test(line)) {
        const [, name, value] = /^([^:]*): (.*)$/.exec(line)
        this.lines.push([name, value])
        return
      }
      const { resolve, reject } = this.waiting.shift()
      const lines = this.lines.splice(0)
      if (error) reject(new Error(error[1]))
      else resolve(lines)
    }

    close() {
      this.socket.close()
    }
  }

  /** A player: calls `onChange` whenever something changed, whoever did it, and `onEnd` once. */
  class Mpd {
    constructor(host, port, { onChange, onEnd }) {
      let ended = false
      const end = (reason) => {
        if (ended) return
        ended = true
        this.close()
        onEnd(reason)
      }
      this.onChange = onChange
      this.commands = new MpdConnection(host, port, end)
      this.changes = new MpdConnection(host, port, end)
    }

    async start() {
      await Promise.all([this.commands.ready, this.changes.ready])
      this.watch().catch(() => {})
      await this.onChange()
    }

    async watch() {
      for (;;) {
        await this.changes.command('idle', 'player', 'playlist', 'mixer', 'options')
        await this.onChange()
      }
    }

    run(...command) {
      return this.commands.command(...command)
    }

    async status() {
      return Object.fromEntries(await this.run('status'))
    }

    async queue() {
      const songs = []
      for (const [name, value] of await this.run('playlistinfo')) {
        if (name === 'file') songs.push({ file: value })
        else songs[songs.length - 1][name] = value
      }
      return songs
    }

    close() {
      this.commands.close()
      this.changes.close()
    }
  }

  window.Mpd = Mpd
})()
