'use strict'

// The page at /__sockets: which sockets there are, what they carried, and what happened. It is one file without anything from elsewhere.

const STYLE = `
  :root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif }
  body { margin: 0 auto; padding: 1.5rem; max-width: 70rem }
  h1 { font-size: 1.3rem; margin: 0 0 .2rem } h2 { font-size: 1rem; margin: 1.6rem 0 .4rem }
  p { margin: 0; opacity: .75 }
  .wide { overflow-x: auto }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
  th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #8884; white-space: nowrap }
  th { font-weight: 600 } .number { text-align: right } td:last-child, th:last-child { padding-right: 0 }
  .failed, .refused { color: #c33 } .none { opacity: .6 } td.detail { white-space: normal; overflow-wrap: anywhere }
`

const SCRIPT = `
  const $ = (id) => document.getElementById(id)
  const cell = (row, text, kind = '') => {
    const td = row.insertCell()
    td.textContent = text ?? ''
    td.className = kind
  }
  const bytes = (n) => n.toLocaleString('en')
  const live = new WebSocket('ws://' + location.host + CONFIG.path, [CONFIG.subprotocol, CONFIG.token])
  live.onopen = () => { $('state').textContent = 'connected' }
  live.onclose = () => { $('state').textContent = 'disconnected; reload to connect again' }
  live.onmessage = ({ data }) => {
    const { sockets, events } = JSON.parse(data)
    const body = $('sockets')
    body.replaceChildren()
    for (const { page, id, peer, state, bytesRead, bytesWritten, buffered } of sockets) {
      const row = body.insertRow()
      cell(row, page)
      cell(row, id)
      cell(row, peer)
      cell(row, state)
      for (const n of [bytesRead, bytesWritten, buffered]) cell(row, bytes(n), 'number')
    }
    $('none').hidden = sockets.length > 0
    const list = $('events')
    for (const { time, page, socket, event, detail } of events) {
      const row = list.insertRow(0)
      cell(row, new Date(time).toISOString().slice(11, 23))
      cell(row, page)
      cell(row, socket)
      cell(row, event, event)
      cell(row, detail, 'detail')
    }
    while (list.rows.length > 500) list.deleteRow(-1)
  }
`

const escape = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** The text of the page. */
function panelPage({ nonce, token, name, socketPath, subprotocol }) {
  const config = JSON.stringify({ token, path: socketPath, subprotocol }).replaceAll('<', '\\u003c')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sockets of ${escape(name)}</title>
<style nonce="${nonce}">${STYLE}</style>
<h1>Sockets of ${escape(name)}</h1>
<p id="state">connecting</p>
<h2>Now</h2>
<div class="wide"><table>
<thead><tr><th>page<th>socket<th>peer<th>state<th class="number">received<th class="number">written<th class="number">waiting</thead>
<tbody id="sockets"></tbody></table></div>
<p id="none" class="none">There are no sockets.</p>
<h2>Events</h2>
<div class="wide"><table>
<thead><tr><th>time (UTC)<th>page<th>socket<th>event<th>detail</thead>
<tbody id="events"></tbody></table></div>
<script nonce="${nonce}">const CONFIG = ${config}
${SCRIPT}</script>
</html>
`
}

module.exports = { panelPage }
