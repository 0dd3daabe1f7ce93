// `using` and `await using`, which need TypeScript's library "esnext.disposable".

import { TCPServerSocket, TCPSocket } from 'moz-tcp-socket'

export async function main(): Promise<void> {
  using server = new TCPServerSocket(0)
  await using socket = new TCPSocket('localhost', server.localPort)
  const disposable: Disposable & AsyncDisposable = socket
  void disposable
}
