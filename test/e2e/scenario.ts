import { expect } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { DEFAULT_CONFIG } from './harness/floors.ts'
import type { Server } from './harness/server.ts'

/** A port with a service behind it: what a banned host no longer reaches. */
export const OPEN_PORT = 8080

/** Ports below 1024 that nobody uses, as in the classic scan. */
const SCANNED = [1, 7, 111]

/** Debian 12's init script does not wait for the old daemons: one that is slow to end keeps a new one from starting. */
export const STOP_PORTSENTRY = '{ systemctl stop portsentry; while pgrep -x portsentry; do sleep 0.1; done; }'

/** Gives the attacker one more address; a reboot of the server renews the cable and loses it. */
export const addAttacker = async (server: Server, address: string): Promise<void> => {
  await server.attacker.exec('ip', 'address', 'add', `${address}/24`, 'dev', 'eth0')
}

/** Puts portward and a config.env on a server, and a service on its open port. */
export const provide = async (server: Server, config = DEFAULT_CONFIG): Promise<void> => {
  await server.installPortward()
  await server.write('/root/config.env', config, 0o600)
  await server.listen(OPEN_PORT)
}

/** Runs portward and expects this exit code; the output of another one is shown. */
export const portward = async (server: Server, args: string, exitCode: number): Promise<string> => {
  const result = await server.run(`portward ${args}`, { allowFailure: true })
  if (result.exitCode !== exitCode) {
    throw new Error(`portward ${args}: exit ${result.exitCode}\n${result.stdout}\n${result.stderr}`)
  }
  return result.stdout
}

/**
 * An attacker's scan, and that it is cut off from the open port by it. Of one port where the ban is to be taken back:
 * a busy daemon may come to the others' packets only after that, and they would be a new scan.
 */
export const expectBanned = async (server: Server, source?: string, ports = SCANNED): Promise<void> => {
  const from = source === undefined ? {} : { source }
  expect(await server.attacker.reaches(OPEN_PORT, from)).toBe(true)
  await server.attacker.scan('203.0.113.1', ports, from)
  await expectCutOff(server, source)
}

/** That a host of the attacker's is cut off now, or will be presently. */
export const expectCutOff = (server: Server, source?: string): Promise<boolean> =>
  eventually('the attacker is cut off', async () => {
    const from = source === undefined ? {} : { source }
    return !(await server.attacker.reaches(OPEN_PORT, { ...from, timeoutMs: 1000 }))
  })

/** A LAN peer's same scan, and that it is not cut off, neither at once nor when fail2ban has read its log. */
export const expectSpared = async (server: Server): Promise<void> => {
  await server.lan.scan('192.168.1.10', SCANNED)
  // fail2ban bans from the history: once it has banned a later line, it has passed over an earlier one.
  expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
}

/** Path, type, mode, owner, size and hash of every file below some directories, one a line. */
export const manifest = async (server: Server, directories: string): Promise<Map<string, string>> => {
  const { stdout } = await server.run(
    `find ${directories} -type f -printf '%p\\t%M %U:%G\\t' -exec sha256sum '{}' ';' 2>/dev/null | sed 's/  .*//'`,
  )
  return new Map(stdout.split('\n').map((line) => [line.split('\t', 1)[0] ?? '', line]))
}

/** Paths that differ between two manifests, sorted. */
export const changedPaths = (
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] =>
  [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .sort()

/** What must not change when nothing is to be done: inode and times of the files, the units' invocations. */
export const fingerprint = async (server: Server, units: readonly string[]): Promise<string> => {
  const { stdout } = await server.run(
    "find /etc/default /etc/portsentry /etc/hosts.* /etc/fail2ban /etc/systemd /var/lib/portsentry -printf '%p %i %T@ %C@\\n' | sort; " +
      `systemctl show -p InvocationID ${units.join(' ')} fail2ban; pgrep -x portsentry; pgrep -x fail2ban-server`,
  )
  return stdout
}
