import type { Server } from '../harness/server.ts'

/** What a program could leave behind or change on a server, by what it is; the values are lines. */
export type LiveState = Readonly<Record<string, readonly string[]>>

/** journald writes whenever somebody logs: nothing else on the server is left out. */
const BUT_JOURNAL = '\\( -path /run/log/journal -o -path /var/log/journal \\) -prune -o'

/** Where verify records its result: nothing else of it may stay. */
const RECORD = '/var/lib/portward/last-verify.json'

/** What ends with a process, or should. Ids are part of it: nothing may have been started anew either. */
const TRANSIENT: Readonly<Record<string, string>> = {
  processes: 'echo $$; ps -ww -eo pid=,ppid=,args=',
  mounts: 'cat /proc/self/mountinfo',
  namespaces: 'lsns --noheadings --output NS,TYPE | sort',
  'run and tmp': `find /run /tmp ${BUT_JOURNAL} -printf '%p %y %M %U:%G\\n' | sort`,
  'network namespaces': 'ls -A /run/netns 2>/dev/null || true',
}

const LASTING: Readonly<Record<string, string>> = {
  files: `find /etc /var /root /srv /opt /home /usr/local /tmp ${BUT_JOURNAL} -printf '%p %y %M %U:%G %s %T@ %C@ %l\\n' | grep -v '^/var/lib/portward\\(/last-verify.json\\)\\? ' | sort`,
  bytes: `find /etc /var/lib /var/log /root ${BUT_JOURNAL} -type f ! -path ${RECORD} -exec sha256sum '{}' + | sort -k 2`,
  // With counters: not a packet may have met the live rules. IPv6 has packets of its own, of neighbours.
  iptables: "iptables-save --counters | sed '/^#/d'",
  ip6tables: "ip6tables-save | sed '/^#/d; s/ \\[[0-9:]*\\]$//'",
  ipset: 'ipset save',
  nft: 'command -v nft >/dev/null && nft list ruleset || true',
  routes: 'ip route show table all; ip -6 route show table all; ip rule; ip -6 rule',
  links: 'ip -details link; ip address',
}

const MARK = '--- '

/** All parts by one command, between lines that name them. */
const readParts = async (server: Server, parts: Readonly<Record<string, string>>): Promise<LiveState> => {
  const commands = Object.entries(parts).map(([name, command]) => `echo '${MARK}${name}'; ${command}`)
  const { stdout } = await server.run(commands.join('\n'))
  const sections = stdout.split(new RegExp(`^${MARK}`, 'm')).slice(1)
  return Object.fromEntries(
    sections.map((section) => {
      const [name = '', ...lines] = section.replace(/\n$/, '').split('\n')
      if (name !== 'processes') return [name, lines]
      // Those who look are not part of it.
      const [self = '', ...rows] = lines.map((line) => line.trim().replace(/\s+/g, ' '))
      return [name, rows.filter((row) => !row.split(' ', 2).includes(self))]
    }),
  )
}

/** Processes, mounts, namespaces and the files of /run and /tmp. */
export const readTransientState = (server: Server): Promise<LiveState> => readParts(server, TRANSIENT)

/** All of that, and the files with hashes, modes, owners and times, the firewall, the routes and the interfaces. */
export const readLiveState = (server: Server): Promise<LiveState> =>
  readParts(server, { ...TRANSIENT, ...LASTING })
