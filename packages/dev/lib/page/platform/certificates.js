'use strict'

// What a peer's certificate says: Node.js has read it.

const { certificateOf } = require('../tls.js')

const describeCertificate = (raw) => ({ ...certificateOf(raw), raw })

module.exports = { describeCertificate }
