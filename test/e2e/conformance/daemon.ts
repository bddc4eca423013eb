import { eventually } from '../harness/eventually.ts'
import type { Server } from '../harness/server.ts'
import { CONF, confText, DIRECTORY, FILES, HOSTS_DENY_HEAD, ignoreText } from './configuration-files.ts'
import { type Lines, readRecords } from './evidence.ts'
import { PORT_USED_LATER, SENTINELS, type Setup } from './matrix.ts'
import { hold } from './provide.ts'

/** Process ids of the daemons, in the order of the setup's modes. */
type Pids = readonly string[]

/** 1.2 becomes a daemon by itself; its log is the journal, 2.x writes its to standard output. */
const start12 = (setup: Setup): string =>
  [
    `journalctl -q -n 0 --show-cursor | sed -n 's/^-- cursor: //p' >${DIRECTORY}/cursor`,
    ...setup.modes.map((mode) => `/usr/sbin/portsentry -${mode} >/dev/null 2>&1 </dev/null`),
    `until [ "$(journalctl -q --after-cursor="$(cat ${DIRECTORY}/cursor)" -t portsentry | grep -c 'now active')" = 2 ]`,
    'do pgrep -x portsentry >/dev/null || exit 1; sleep 0.02; done',
    ...setup.modes.map((mode) => `pgrep -x -f '/usr/sbin/portsentry -${mode}'`),
  ].join('\n')

const start2 = ({ modes, method }: Setup): string =>
  [
    `portsentry --${modes[0]} ${method === null ? '' : `-m ${method}`} -l stdout -c ${CONF} >${FILES.log} 2>&1 </dev/null &`,
    `until grep -q 'now active' ${FILES.log}; do kill -0 $! || { cat ${FILES.log} >&2; exit 1; }; sleep 0.02; done`,
    'echo $!',
  ].join('\n')

/** Starts the daemons of a setup on a clean slate and returns when they listen and the late service runs. */
const startDaemons = async (server: Server, setup: Setup): Promise<{ pids: Pids; holder: string }> => {
  await server.run(`rm -f ${FILES.blocked}* ${FILES.history} ${FILES.commands} ${FILES.log}`)
  await server.write(FILES.hostsDeny, HOSTS_DENY_HEAD, 0o644)
  await server.write(FILES.ignore, ignoreText, 0o644)
  await server.write(CONF, confText(setup), 0o600)
  const { stdout: pids } = await server.run(setup.version === '1.2' ? start12(setup) : start2(setup))
  const { stdout: holder } = await server.run(hold('0.0.0.0', PORT_USED_LATER))
  return { pids: pids.split('\n'), holder }
}

/** Ends daemons and the late service, and waits until they are gone. */
const endProcesses = (server: Server, pids: Pids): Promise<unknown> =>
  server.run(
    `kill ${pids.join(' ')}; for pid in ${pids.join(' ')}; do while kill -0 $pid 2>/dev/null; do sleep 0.01; done; done`,
  )

const linesOf = async (server: Server, path: string): Promise<string[]> => {
  const { stdout } = await server.run(`cat -- ${path} 2>/dev/null`, { allowFailure: true })
  return stdout.split('\n').filter((line) => line !== '')
}

/** The journal's lines of each daemon, in the order of the setup's modes. */
const journal = async (server: Server, pids: Pids): Promise<string[][]> => {
  const fields = '-o json --output-fields=MESSAGE,_PID'
  const { stdout } = await server.run(
    `journalctl --sync; journalctl -q -t portsentry ${fields} --after-cursor="$(cat ${DIRECTORY}/cursor)"`,
  )
  const entries = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): { _PID: string; MESSAGE: string } => JSON.parse(line))
  return pids.map((pid) => entries.filter(({ _PID }) => _PID === pid).map(({ MESSAGE }) => MESSAGE))
}

/** What a daemon says between its start and its end. */
const whileListening = (log: readonly string[]): string[] =>
  log
    .slice(log.findIndex((line) => line.includes('now active and listening')) + 1)
    .filter((line) => !/portsentry is shutting down$/i.test(line))

const collect = async (server: Server, setup: Setup, pids: Pids): Promise<Lines> => {
  const deny = await server.readText(FILES.hostsDeny)
  if (!deny.startsWith(HOSTS_DENY_HEAD)) throw new Error(`hosts.deny lost its first line:\n${deny}`)
  const common = {
    history: await linesOf(server, FILES.history),
    hostsDeny: deny.slice(HOSTS_DENY_HEAD.length).split('\n').slice(0, -1),
    commands: await linesOf(server, FILES.commands),
  }
  if (setup.version === '2.0.7') {
    const blocked = readRecords(await server.read(FILES.blocked))
    return { ...common, log: [whileListening(await linesOf(server, FILES.log))], blocked }
  }
  const blocked = await Promise.all(setup.modes.map((mode) => linesOf(server, `${FILES.blocked}.${mode}`)))
  return { ...common, log: (await journal(server, pids)).map(whileListening), blocked: blocked.flat() }
}

/** Has the daemon finished with each sentinel's second packet? By the last thing that it does about one. */
const isFinished = async (server: Server, { version, trigger }: Setup): Promise<boolean> => {
  const history = await linesOf(server, FILES.history)
  const count = (lines: readonly string[], text: string) => lines.filter((line) => line.includes(text)).length
  if (version === '2.0.7') {
    return SENTINELS.every(({ source }) => count(history, `Scan from: [${source}]`) >= 2)
  }
  const sentinels = SENTINELS.filter(({ family }) => family === 4)
  if (trigger === 2) return sentinels.every(({ source }) => count(history, `/${source} Port: `) >= 1)
  const { stdout } = await server.run(
    `journalctl -q -o cat -t portsentry --after-cursor="$(cat ${DIRECTORY}/cursor)" -g 'already blocked' | cat`,
  )
  return sentinels.every(({ source }) => count(stdout.split('\n'), `${source} is already blocked`) >= 1)
}

/**
 * What the stock daemon leaves behind of the scans that `scan` lets loose: started before them on a clean slate,
 * ended when it has read them all.
 */
export const watchWithDaemon = async (
  server: Server,
  setup: Setup,
  scan: () => Promise<void>,
): Promise<Lines> => {
  const { pids, holder } = await startDaemons(server, setup)
  await scan()
  await eventually('the daemon has read everything', () => isFinished(server, setup), {
    timeoutMs: 60_000,
    intervalMs: 50,
  })
  await endProcesses(server, [...pids, holder])
  return collect(server, setup, pids)
}
