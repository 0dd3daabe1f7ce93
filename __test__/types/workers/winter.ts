// In a project for Cloudflare Workers, where the global types are those of @cloudflare/workers-types: sockets of either module are sockets of the other.

import { connect as cloudflareConnect } from 'cloudflare:sockets'

import { connect } from 'moz-tcp-socket/winter'
import type { Socket as OwnSocket } from 'moz-tcp-socket/winter'

export const asTheirs: Socket = connect('localhost:80')
export const asOurs: OwnSocket = cloudflareConnect('localhost:80')
export const inPlaceOfTheirs: typeof cloudflareConnect = connect
export const info: Promise<SocketInfo> = connect('localhost:80').opened
export const upgraded: Socket = connect('localhost:80').startTls({ expectedServerHostname: 'name' })
