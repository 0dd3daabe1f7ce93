'use strict'

// What an application may have in place before `moz-tcp-socket/register` is loaded.

globalThis.TCPSocket = 'of the application'
globalThis.navigatorBefore = globalThis.navigator
