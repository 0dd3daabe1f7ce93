'use strict'

// Debian's mpd, with a port, a folder and music of its own. It plays into nothing: its output is the one named `null`.

const { mkdirSync, writeFileSync } = require('node:fs')
const net = require('node:net')
const { join } = require('node:path')

const { startServer, temporaryDirectory } = require('./peers.js')

const RATE = 8000

/** A WAV file of 8-bit mono silence, with a title and an artist in its LIST chunk. */
function wav({ title, artist, seconds }) {
  const chunk = (id, ...parts) => {
    const data = Buffer.concat(parts)
    const size = Buffer.alloc(4)
    size.writeUInt32LE(data.length)
    return Buffer.concat([Buffer.from(id, 'latin1'), size, data, Buffer.alloc(data.length % 2)])
  }
  const format = Buffer.alloc(16)
  format.writeUInt16LE(1, 0) // PCM
  format.writeUInt16LE(1, 2)
  format.writeUInt32LE(RATE, 4)
  format.writeUInt32LE(RATE, 8)
  format.writeUInt16LE(1, 12)
  format.writeUInt16LE(8, 14)
  const text = (id, value) => chunk(id, Buffer.from(`${value}\0`))
  const info = chunk('LIST', Buffer.from('INFO'), text('INAM', title), text('IART', artist))
  const samples = chunk('data', Buffer.alloc(RATE * seconds, 128))
  return chunk('RIFF', Buffer.from('WAVE'), chunk('fmt ', format), info, samples)
}

function configuration(dir, port) {
  return `
    music_directory "${dir}/music"
    db_file "${dir}/database"
    state_file "${dir}/state"
    bind_to_address "127.0.0.1"
    port "${port}"
    zeroconf_enabled "no"
    audio_output {
      type "null"
      name "nothing"
      mixer_type "null"
    }
  `
}

/**
 * Starts it with `songs`, each `{ file, title, artist, seconds }`. Resolves, when they are in its database, with its `port` and
 * `ask(command)`, which resolves with the text of its answer.
 */
async function startMpd(own, songs) {
  const dir = temporaryDirectory(own)
  mkdirSync(join(dir, 'music'))
  for (const song of songs) writeFileSync(join(dir, 'music', song.file), wav(song))
  // It listens before it reads the music.
  const { port } = await startServer(own, /update: finished/, (each) => {
    const file = join(dir, `${each}.conf`)
    writeFileSync(file, configuration(dir, each))
    return ['mpd', '--no-daemon', '--stderr', '--verbose', file]
  })
  return { port, ask: (command) => ask(port, command) }
}

/** What mpd answers to `command`, on a connection of its own. */
async function ask(port, command) {
  const socket = net.connect(port, '127.0.0.1')
  socket.end(`${command}\nclose\n`)
  let text = ''
  for await (const bytes of socket) text += bytes
  if (text.includes('ACK ')) throw new Error(`mpd: ${command}: ${text}`)
  return text
}

module.exports = { startMpd }
