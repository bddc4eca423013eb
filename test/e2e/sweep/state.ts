import type { Server } from '../harness/server.ts'

/** What a rollback restores, by what it is: `file /etc/hosts.allow` → its attributes, its bytes' hash. */
export type State = ReadonlyMap<string, string>

const WATCHED = `/etc /root /srv/managed /var/lib/portsentry /var/lib/fail2ban /run/portward
  /usr/local/lib/portward/*.py /usr/local/lib/portward/__pycache__`.replace('\n', '')

/** Whose bytes the daemons write by themselves, at each start at the latest: only that they are there is compared. */
const isDaemons = (path: string): boolean =>
  path.startsWith('/var/lib/portsentry/portsentry.blocked') ||
  path === '/var/lib/fail2ban/fail2ban.sqlite3' ||
  path.endsWith('.pyc')

/** Made anew from the same input, by the start of portsentry and by dpkg: the bytes are compared, not the time. */
const isRebuilt = (path: string): boolean =>
  path === '/etc/portsentry/portsentry.ignore' || path === '/etc/ld.so.cache'

/** The rules and the sets' names alone: without counters, comments, and tables that nothing is in. */
const FIREWALL = String.raw`
for program in iptables ip6tables; do
  $program-save 2>/dev/null | grep -E '^-A|^:[^ ]+ (-|DROP)' | sed -E 's/\[[0-9:]*\]//' | sort | sed "s/^/$program /"
done
ipset list -name 2>/dev/null | sed 's/^/ipset /'
nft -s list ruleset 2>/dev/null | grep -E '^\s+[a-z].*(drop|reject|accept|jump|elements)|^table inet portward' | grep -vE '^\s*type filter.*policy accept' | sort`

// That other units start at boot shows by their links in /etc. To list all of them is what takes systemd the longest.
const SCRIPT = String.raw`
exec 2>/dev/null
# A unit counts as started from the fork on: its process has the name of the program a moment later. And what the end of
# fail2ban has started on a server of the first version, in a unit of its own, ends two seconds later.
for try in $(seq 100); do
  { ps -e -o comm= | grep -v '^(sd-pam)' | grep -q '^(' || systemctl list-units --no-legend 'run-*.service' | grep -q .; } || break
  sleep 0.1
done
find ${WATCHED} -type f -printf 'file\t%p\t%M %U:%G %s %T@\n'
find ${WATCHED} ! -type f -printf 'entry\t%p\t%M %U:%G %l\n'
find ${WATCHED} -type f -print0 | xargs -0r sha256sum | sed -E 's/^([0-9a-f]+)  (.*)/bytes\t\2\t\1/'
getfattr -R -h -d -m - --absolute-names ${WATCHED} | awk '/^# file: /{path=substr($0, 9); next} /=/{print "attribute\t" path " " $0 "\t"}'
systemctl list-unit-files --no-legend --no-pager 'portsentry*' 'fail2ban*' 'portward*' | awk '{print "unit\t" $1 "\t" $2}'
systemctl list-units --plain --no-legend --no-pager --state=active --type=service,timer,socket | awk '{print "active\t" $1 "\t"}'
ps -o args= -C portsentry,fail2ban-server | sort | sed 's/^/daemon\t/'
{ ${FIREWALL}
} | sed 's/^/rule\t/'`

/** Everything of a server that an apply may touch, as it is now. */
export const readState = async (server: Server): Promise<State> => {
  const { stdout } = await server.run(SCRIPT)
  const entries = stdout.split('\n').map((line): [string, string] => {
    const [kind = '', name = '', value = ''] = line.split('\t')
    if (kind === 'bytes' && isDaemons(name)) return [`${kind} ${name}`, '']
    if (kind !== 'file') return [`${kind} ${name}`, value]
    const [mode = '', owner = '', size = '', time = ''] = value.split(' ')
    if (isDaemons(name)) return [`${kind} ${name}`, `${mode} ${owner}`]
    return [
      `${kind} ${name}`,
      isRebuilt(name) ? `${mode} ${owner} ${size}` : `${mode} ${owner} ${size} ${time}`,
    ]
  })
  return new Map(entries)
}

/** What differs, a line each: what it is, before and after. */
export const differences = (before: State, after: State): string[] =>
  [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => before.get(key) !== after.get(key))
    .sort()
    .map((key) => `${key}: ${before.get(key) ?? 'not there'} → ${after.get(key) ?? 'not there'}`)

/** A file that is being written, beside the one that it will replace. */
const isTemporary = (key: string): boolean => /\/\.[^/]+\.[0-9a-f]{12}\.portward( |$)/.test(key)

/** The same with the files' times left out: those that an apply writes get new ones. */
export const withoutTimes = (state: State): State =>
  new Map(
    [...state].map(([key, value]) => [key, key.startsWith('file ') ? value.replace(/ \S*$/, '') : value]),
  )

/** What of the files is neither as in the one state nor as in the other. */
export const foreignTo = (now: State, ...known: readonly State[]): string[] => {
  const isFile = (key: string) => /^(?:file|bytes|attribute|entry) /.test(key) && !isTemporary(key)
  const states = known.map(withoutTimes)
  const present = withoutTimes(now)
  const keys = new Set([...present.keys(), ...states.flatMap((state) => [...state.keys()])])
  return [...keys]
    .filter((key) => isFile(key) && !states.some((state) => state.get(key) === present.get(key)))
    .map((key) => `${key}: ${present.get(key) ?? 'not there'}`)
}
