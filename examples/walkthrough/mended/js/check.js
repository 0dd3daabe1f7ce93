/* Asks a POP3 server how many messages wait. done(error, count) */
window.check = function (settings, done) {
  var commands = ['USER ' + settings.user, 'PASS ' + settings.password, 'STAT', 'QUIT']
  var command = ''
  var count = null
  var problem = null

  var socket = navigator.mozTCPSocket.open(settings.host, settings.port, { useSSL: settings.ssl })

  /* A line may come in pieces, and several at once. */
  var input = ''
  socket.ondata = function (event) {
    var end
    input += event.data
    while ((end = input.indexOf('\r\n')) !== -1) {
      answered(input.substring(0, end))
      input = input.substring(end + 2)
    }
  }

  function answered(line) {
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
