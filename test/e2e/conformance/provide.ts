import { type Server, startServer } from '../harness/server.ts'
import { DIRECTORY } from './configuration-files.ts'
import { PORT_IN_USE, type Setup } from './matrix.ts'
import { takeAddresses } from './traffic.ts'

/** Holds a port of both protocols on all addresses of a family (:: is both), until it is ended. */
const HOLDER = `
import signal, socket, sys
address, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ':' in address else socket.AF_INET
held = []
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
    held.append(socket.socket(family, kind))
    if family == socket.AF_INET6:
        held[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if kind == socket.SOCK_STREAM:
        held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held[-1].bind((address, port))
    if kind == socket.SOCK_STREAM:
        held[-1].listen(64)
print('held', flush=True)
signal.pause()
`

/** A command that starts a holder and says its process id when the port is held. */
export const hold = (address: string, port: number): string =>
  [
    `: >${DIRECTORY}/held; python3 /root/hold.py ${address} ${port} >${DIRECTORY}/held 2>&1 </dev/null &`,
    `until grep -q held ${DIRECTORY}/held; do kill -0 $! || { cat ${DIRECTORY}/held >&2; exit 1; }; sleep 0.01; done`,
    'echo $!',
  ].join('\n')

/** A server with the stock portsentry of that version, which is not running, and the attacker ready. */
export const provideServer = async (version: Setup['version']): Promise<Server> => {
  const server = await startServer({
    suite: version === '1.2' ? 'bookworm' : 'testing',
    floor: 'installed',
  })
  await server.run(`systemctl stop portsentry && mkdir -p ${DIRECTORY}`)
  await takeAddresses(server)
  await server.write('/root/hold.py', HOLDER)
  await server.run(hold('::', PORT_IN_USE))
  return server
}
