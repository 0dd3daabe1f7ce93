// The screens of Jukebox: setup and player, used with the keys of a phone.
;(() => {
  'use strict'

  const $ = (id) => document.getElementById(id)
  let mpd = null
  let status = {}
  let clock = null

  const minutes = (seconds) => {
    const whole = Math.floor(Number(seconds) || 0)
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
  }

  function show(isConnected) {
    $('setup').hidden = isConnected
    $('player').hidden = !isConnected
    $('add').textContent = isConnected ? 'Add all' : ''
    $('clear').textContent = isConnected ? 'Clear' : ''
    $('toggle').textContent = !isConnected ? '' : status.state === 'play' ? 'Pause' : 'Play'
  }

  function complain(error) {
    $('error').hidden = error === null
    $('error').textContent = error === null ? '' : error.message
  }

  function drawQueue(songs) {
    const focused = [...$('queue').children].indexOf(document.activeElement)
    $('queue').textContent = ''
    songs.forEach((song, index) => {
      const item = document.createElement('li')
      item.tabIndex = 0
      item.classList.toggle('current', String(index) === status.song)
      for (const text of [song.Title || song.file, minutes(song.duration)]) {
        item.append(Object.assign(document.createElement('span'), { textContent: text }))
      }
      item.onclick = () => run('play', index)
      $('queue').append(item)
    })
    const again = $('queue').children[focused]
    if (again) again.focus()
  }

  function drawTime() {
    $('elapsed').textContent = minutes(status.elapsed)
    $('duration').textContent = minutes(status.duration)
    $('progress').value = Number(status.duration) > 0 ? Math.min(1, status.elapsed / status.duration) : 0
  }

  async function draw() {
    const [now, songs] = await Promise.all([mpd.status(), mpd.queue()])
    status = now
    const song = songs[status.song]
    $('song').textContent = song ? song.Title || song.file : 'Nothing plays'
    $('artist').textContent = song ? song.Artist || '' : ''
    $('state').textContent = { play: 'playing', pause: 'paused', stop: 'stopped' }[status.state]
    $('volume').textContent = status.volume >= 0 ? `volume ${status.volume}` : ''
    drawQueue(songs)
    drawTime()
    show(true)
    clearInterval(clock)
    if (status.state !== 'play') return
    clock = setInterval(() => {
      status.elapsed = Number(status.elapsed) + 1
      drawTime()
    }, 1000)
  }

  async function run(...command) {
    complain(null)
    try {
      await mpd.run(...command)
    } catch (error) {
      complain(error)
    }
  }

  async function toggle() {
    if (status.state === 'stop') await run('play')
    else await run('pause', status.state === 'play' ? 1 : 0)
  }

  async function connect() {
    complain(null)
    $('connect').disabled = true
    $('state').textContent = 'connecting…'
    localStorage.setItem('jukebox', JSON.stringify({ host: $('host').value, port: $('port').value }))
    try {
      const onEnd = (reason) => {
        clearInterval(clock)
        show(false)
        $('connect').disabled = false
        $('state').textContent = 'offline'
        complain(new Error(reason))
      }
      mpd = new Mpd($('host').value, Number($('port').value), { onChange: draw, onEnd })
      await mpd.start()
      $('toggle').focus()
    } catch (error) {
      $('connect').disabled = false
      $('state').textContent = 'offline'
      complain(error)
    }
  }

  function move(step) {
    const items = [...$('queue').children]
    const next = items[Math.max(0, Math.min(items.length - 1, items.indexOf(document.activeElement) + step))]
    if (next) next.focus()
  }

  const KEYS = {
    SoftLeft: () => run('add', '/'),
    SoftRight: () => run('clear'),
    F1: () => run('add', '/'),
    F2: () => run('clear'),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    ArrowRight: () => run('next'),
    ArrowLeft: () => run('previous'),
    Enter: () =>
      /^(LI|BUTTON)$/.test(document.activeElement.tagName) ? document.activeElement.click() : toggle(),
  }

  document.addEventListener('keydown', (event) => {
    if ($('player').hidden || !Object.hasOwnProperty.call(KEYS, event.key)) return
    event.preventDefault()
    KEYS[event.key]()
  })
  $('add').onclick = () => run('add', '/')
  $('clear').onclick = () => run('clear')
  $('toggle').onclick = toggle
  $('setup').onsubmit = (event) => {
    event.preventDefault()
    connect()
  }

  const saved = JSON.parse(localStorage.getItem('jukebox') || '{}')
  if (saved.host) $('host').value = saved.host
  if (saved.port) $('port').value = saved.port
  show(false)
})()
