window.check(window.SETTINGS, function (error, count) {
  var answer = error ? 'Sorry: ' + error : count + (count === 1 ? ' message' : ' messages')
  document.getElementById('answer').textContent = answer
  console.log(answer)
})
