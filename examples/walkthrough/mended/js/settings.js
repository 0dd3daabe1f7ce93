window.SETTINGS = { host: 'localhost', port: 1995, ssl: true, user: 'ada', password: 'secret' }
