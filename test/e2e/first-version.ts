import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fixtures } from '../tree.ts'
import type { Server } from './harness/server.ts'

/** Whole files of the first version, and what its plan for a server of the floor `installed` changed beside them. */
const DIRECTORY = join(fixtures, 'first-version')
const GENERATION = '/var/lib/portward/generations/1'
const DAEMONS_OWN =
  'find /etc/portsentry/portsentry.ignore /var/lib/portsentry /var/lib/fail2ban 2>/dev/null || true'

const readProgram = async (): Promise<Map<string, Buffer>> => {
  const entries = await readdir(join(DIRECTORY, 'etc'), { recursive: true, withFileTypes: true })
  const paths = entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name))
  const files = paths.map(async (path) => [`/${relative(DIRECTORY, path)}`, await readFile(path)] as const)
  return new Map(await Promise.all(files))
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Leaves what an apply of the first version did: its files, its units, both daemons started anew, its own record of that. */
export const applyFirstVersion = async (server: Server, patchName: string): Promise<void> => {
  const list = async (command: string): Promise<string[]> =>
    (await server.run(command)).stdout.split('\n').filter(Boolean)
  const patch = await readFile(join(DIRECTORY, patchName))
  const program = await readProgram()
  const patched = [...patch.toString().matchAll(/^diff --git a(\S+) /gm)].map(([, path = '']) => path)
  const changed = [...patched, ...program.keys()]

  const paths = await list(DAEMONS_OWN)
  const addresses = await list("sed -n 's/^ALL: \\(.*\\) : DENY$/\\1/p' /etc/hosts.deny")
  const active = await list(
    "systemctl list-units --plain --no-legend --state=active 'portsentry*' 'fail2ban*' | sed -n 's/\\.service .*//p'",
  )
  await server.run(`mkdir -p ${GENERATION} && chmod 700 /var/lib/portward`)
  const copies = new Map<string, object>()
  for (const [index, path] of changed.entries()) {
    if (!(await server.exists(path))) continue
    await server.run(`cp -a ${path} ${GENERATION}/${index}`)
    copies.set(path, { copy: String(index), sha256: sha256(await server.read(path)) })
  }

  await server.run('dpkg -i /var/cache/apt/archives/patch_*.deb && patch -p1 -d / && dpkg -P patch', {
    stdin: patch,
  })
  for (const [path, bytes] of program) await server.write(path, bytes, 0o644)
  const files = changed.map(async (path) => {
    const bytes = await server.read(path)
    const directories = path.startsWith('/etc/portward/') ? ['/etc/portward'] : []
    const after = { sha256: sha256(bytes), size: bytes.length }
    const grows = path.endsWith('.history')
    return { path, real: path, after, grows, ...(copies.get(path) ?? { copy: null, directories }) }
  })
  await server.run(`
    systemctl daemon-reload
    systemctl enable portward-firewall.service portward-sync.service portward-sync.timer
    systemctl start portward-firewall.service portward-sync.timer
    systemctl stop portsentry
    while pgrep -x portsentry; do sleep 0.1; done
    systemctl start portsentry
    systemctl restart fail2ban
    until fail2ban-client status portsentry; do sleep 0.2; done`)
  const generation = {
    ...{ version: 1, root: '/', number: 1, state: 'applied', started: '2026-11-01T00:00:00.000Z', steps: [] },
    files: await Promise.all(files),
    services: {
      enabled: ['portsentry', 'fail2ban'],
      active: ['portsentry', 'fail2ban'].map((name) => [
        name,
        active.filter((unit) => unit.startsWith(name)),
      ]),
      daemons: [],
    },
    bans: { addresses, commands: [], rules: { iptables: [], ip6tables: [] } },
    ...{ releases: [], packages: [], configured: [], paths, confirmBy: null },
    newPaths: (await list(DAEMONS_OWN)).filter((path) => !paths.includes(path)),
  }
  await server.write(`${GENERATION}/generation.json`, JSON.stringify(generation, null, 2), 0o600)
}
