/* Asks a POP3 server how many messages wait. done(error, count) */
window.check = function (settings, done) {
  var commands = ['USER ' + settings.user, 'PASS ' + settings.password, 'STAT', 'QUIT']
  var command = ''
  var count = null
  var problem = null

  var socket = navigator.mozTCPSocket.open(settings.host, settings.port, { useSSL: settings.ssl })

  socket.ondata = function (event) {
    var line = event.data
    if (line.indexOf('+OK') !== 0) {
      problem = 'The server says: ' + line
      socket.close()
      return
    }
    if (command === 'STAT') {
      count = parseInt(line.split(' ')[1], 10)
    }
    command = commands.shift()
    if (command) {
      socket.send(command + '\r\n')
    } else {
      socket.close()
    }
  }

  socket.onerror = function (event) {
    problem = event.data.name || event.data
  }

  socket.onclose = function () {
    done(problem, count)
  }
}
