import { expect } from 'vitest'
import { documentsOf } from '../documents.ts'
import { eventually } from './harness/eventually.ts'
import askScript from './harness/fail2ban-ask.py?raw'
import { DEFAULT_CONFIG, OPEN_PORT } from './harness/floors.ts'
import type { Server } from './harness/server.ts'
import { quote } from './harness/shell.ts'

export { OPEN_PORT }

/** Ports below 1024 that are not in use, as in the classic scan. */
const SCANNED = [1, 7, 111]

/** Debian 12's init script does not wait for the old daemons: one that ends slowly keeps a new one from starting. */
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

/** Runs portward and expects this exit code; shows the output otherwise. What it prints with --json has to be as its schema says. */
export const portward = async (server: Server, args: string, exitCode: number): Promise<string> => {
  const result = await server.run(`portward ${args}`, { allowFailure: true })
  if (result.exitCode !== exitCode) {
    throw new Error(`portward ${args}: exit ${result.exitCode}\n${result.stdout}\n${result.stderr}`)
  }
  if (/ --json\b/.test(args)) documentsOf(result.stdout)
  return result.stdout
}

/**
 * A scan by the attacker, after which it is cut off from the open port. Scans one port if the ban is going to be released: a
 * busy daemon may read packets to further ports only after that, and they would be a new scan.
 */
export const expectBanned = async (server: Server, source?: string, ports = SCANNED): Promise<void> => {
  const from = source === undefined ? {} : { source }
  expect(await server.attacker.reaches(OPEN_PORT, from)).toBe(true)
  await server.attacker.scan('203.0.113.1', ports, from)
  await expectCutOff(server, source)
}

/** Sends a TCP SYN for each pair of a (maybe forged) source and a port: packets for which a host must not be banned. */
const FORGER = `
import socket, struct, sys
destination, port = sys.argv[1], int(sys.argv[2])
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for source in sys.argv[3:]:
    ends = socket.inet_aton(source) + socket.inet_aton(destination)
    tcp = struct.pack('!HHLLBBHHH', 40000, port, 1, 0, 5 << 4, 2, 1024, 0, 0)
    tcp = tcp[:16] + struct.pack('!H', checksum(ends + struct.pack('!HH', 6, len(tcp)) + tcp)) + tcp[18:]
    raw.sendto(struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + ends + tcp, (destination, 0))
`

/** The attacker sends one packet to a watched port in the name of each of these hosts. */
export const forge = (server: Server, sources: readonly string[]): Promise<string> =>
  server.attacker.exec('python3', '-c', FORGER, '203.0.113.1', String(SCANNED[0]), ...sources)

/** That a host of the attacker is cut off, or is soon. */
export const expectCutOff = (server: Server, source?: string): Promise<boolean> =>
  eventually('the attacker is cut off', async () => {
    const from = source === undefined ? {} : { source }
    return !(await server.attacker.reaches(OPEN_PORT, { ...from, timeoutMs: 1000 }))
  })

/** The same scan by a LAN peer, and that it is not cut off, neither at once nor when fail2ban has read its log. */
export const expectSpared = async (server: Server): Promise<void> => {
  await server.lan.scan('192.168.1.10', SCANNED)
  // fail2ban bans from the history: once it has banned for a later line, it has read the earlier ones.
  expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
}

/** Prints the members of portward's ban sets, for every backend. */
export const LIST_BANS =
  '{ ipset save; nft list table inet portward; ip route show type blackhole; ip -6 route show type blackhole; } 2>/dev/null'

/** Prints the addresses that hosts.deny's one line names; nothing if no daemon uses hosts.deny. */
const DENIED = "cat $(sed -n 's/^denied = //p' /etc/portward/bans.conf) /dev/null"

/** Sends a command to fail2ban, like its client, which needs four times the processor time. */
const ASK_FAIL2BAN = `python3 -I -S -c ${quote(askScript)} /run/fail2ban/fail2ban.sock`

/** Prints the addresses that fail2ban's jail has banned. */
const JAILED = `${ASK_FAIL2BAN} get portsentry banip`

/** Waits until fail2ban answers. */
export const UNTIL_FAIL2BAN_ANSWERS = `until ${ASK_FAIL2BAN} ping; do sleep 0.1; done`

/** Commands that succeed where a host is banned: in the kernel and in fail2ban. */
const banReaders = (address: string): readonly string[] => [
  `${LIST_BANS} | grep -qwF ${address}`,
  `${JAILED} | grep -qwF ${address}`,
]

/** Whether libwrap should refuse the host. */
const isDenied = (address: string): string => `${DENIED} | tr -d '[]' | grep -qxF ${address}`

/** Text in 1.2; 2.x keeps its file, and bans the hosts in it again. */
const isBlocked = (address: string): string =>
  `cat /var/lib/portsentry/portsentry.blocked.* | grep -qF '/${address} Port'`

const succeeds = async (server: Server, command: string): Promise<boolean> =>
  (await server.run(`{ ${command}\n} 2>/dev/null`, { allowFailure: true })).exitCode === 0

export const expectBannedEverywhere = (server: Server, address: string): Promise<boolean> =>
  eventually(`${address} is banned everywhere`, () =>
    succeeds(
      server,
      [
        ...banReaders(address),
        `{ grep -qx 'denied = *' /etc/portward/bans.conf || ${isDenied(address)}; }`,
      ].join(' && '),
    ),
  )

export const expectBannedNowhere = (server: Server, address: string): Promise<boolean> =>
  eventually(
    `${address} is banned nowhere`,
    async () =>
      !(await succeeds(server, [...banReaders(address), isDenied(address), isBlocked(address)].join(' || '))),
  )

/** A scan and its ban, of a host that was released. */
export const expectBannedAgain = async (server: Server, address: string): Promise<void> => {
  await expectBanned(server, address, [1])
  await expectBannedEverywhere(server, address)
}

/** That fail2ban has a ban, which it reads from portsentry's log. */
export const expectHeld = (server: Server, address: string): Promise<boolean> =>
  eventually(`fail2ban has banned ${address}`, async () =>
    (await server.run(JAILED)).stdout.split(/\s+/).includes(address),
  )

/** Unpacks sshd without its package scripts: what counts is that it is linked with libwrap. */
export const installSshd = async (server: Server): Promise<void> => {
  await server.run(
    'dpkg-deb --fsys-tarfile /var/cache/apt/archives/openssh-server_*.deb | tar -x --keep-directory-symlink --exclude=./etc -C /',
  )
}

/** Mode, owner and hash of every file below some directories, by path. */
export const manifest = async (server: Server, directories: string): Promise<Map<string, string>> => {
  const { stdout } = await server.run(
    `find ${directories} -type f -printf '%p\\t%M %U:%G\\n' 2>/dev/null
    find ${directories} -type f -print0 2>/dev/null | xargs -0r sha256sum 2>/dev/null | sed -E 's/^(\\S+)  (.*)/\\2\\t\\1/'`,
  )
  const files = new Map<string, string>()
  for (const line of stdout.split('\n')) {
    const [path = '', what] = line.split('\t')
    files.set(path, `${files.get(path) ?? path} ${what}`)
  }
  return files
}

/** Paths that differ between two manifests, sorted. */
export const changedPaths = (
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] =>
  [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .sort()

/** What must not change if there is nothing to do: inode and times of the files, the units' invocations. */
export const fingerprint = async (server: Server, units: readonly string[]): Promise<string> => {
  const { stdout } = await server.run(
    "find /etc/default /etc/portsentry /etc/hosts.* /etc/fail2ban /etc/systemd /var/lib/portsentry -printf '%p %i %T@ %C@\\n' | sort; " +
      `systemctl show -p InvocationID ${units.join(' ')} fail2ban; pgrep -x portsentry; pgrep -x fail2ban-server`,
  )
  return stdout
}
