import { dirname } from 'node:path'
import type { Mount, ProcessConfinement } from '../facts/confinement.ts'
import type { Service } from '../facts/daemons.ts'
import type { UnitProperties } from '../facts/systemd.ts'
import type { Problem } from '../problem.ts'
import { isSameFile, mountOf } from './mounts.ts'
import type { WrittenPath } from './written-paths.ts'

/** The restrictions of a daemon, and so of every command that it runs. */
export interface Confinement extends ProcessConfinement {
  readonly hasNetlink: boolean
  /** Whether some system calls are refused: which ones, and whether they matter, is not checked. */
  readonly filtersCalls: boolean
}

/** Whether a list of a unit allows a member; with `~` in front it is a list of those that are refused. */
const allows = (list: string | undefined, member: string): boolean => {
  if (list === undefined || list === '') return true
  const members = list.replace(/^~/, '').split(/\s+/)
  return list.startsWith('~') ? !members.includes(member) : members.includes(member)
}

const filtersOf = (unit: UnitProperties) => ({
  hasNetlink: allows(unit.get('RestrictAddressFamilies'), 'AF_NETLINK'),
  filtersCalls: !['', '~'].includes(unit.get('SystemCallFilter') ?? ''),
})

/** The confinement of a running daemon, as the kernel shows it. */
export const confinementOf = (process: ProcessConfinement, unit: UnitProperties): Confinement => ({
  ...process,
  ...filtersOf(unit),
})

/** Paths that ProtectSystem= makes read-only, and those that `strict` keeps writable: systemd.exec(5). */
const PROTECTED: Readonly<Record<string, readonly string[]>> = {
  yes: ['/usr', '/boot', '/efi'],
  full: ['/usr', '/boot', '/efi', '/etc'],
  strict: ['/'],
}
const ALWAYS_WRITABLE = ['/dev', '/proc', '/sys']

/** The confinement of a unit's next start, by its configuration. The sources of its mounts are unknown. */
export const configuredConfinement = (unit: UnitProperties): Confinement => {
  const paths = (name: string) =>
    (unit.get(name) ?? '')
      .split(/\s+/)
      .filter(Boolean)
      .map((path) => path.replace(/^[-+]+/, '').replace(/(?<=.)\/$/, ''))
  const mounts = (isWritable: boolean, all: readonly string[]) =>
    all.map((path): Mount => ({ path, isWritable, source: null }))
  const protection = PROTECTED[unit.get('ProtectSystem') ?? ''] ?? []
  return {
    mounts: [
      ...mounts(true, ['/']),
      ...mounts(false, protection),
      ...mounts(true, protection.includes('/') ? ALWAYS_WRITABLE : []),
      ...mounts(true, paths('ReadWritePaths')),
      ...mounts(false, [...paths('ReadOnlyPaths'), ...paths('InaccessiblePaths')]),
    ],
    isRoot: ['', 'root', '0'].includes(unit.get('User') ?? ''),
    hasNetAdmin: allows(unit.get('CapabilityBoundingSet')?.toLowerCase(), 'cap_net_admin'),
    isOnNetwork: unit.get('PrivateNetwork') !== 'yes',
    ...filtersOf(unit),
  }
}

/** What keeps a unit from banning, and the lines for its drop-in that would fix it. */
export interface Obstacle {
  readonly what: string
  readonly remedy: string
}

export const describeObstacles = (obstacles: readonly Obstacle[]): string =>
  obstacles.map(({ what }) => what).join('; it ')

export const remedyFor = (unit: string, obstacles: readonly Obstacle[]): string =>
  `systemctl edit ${unit}: [Service] ${obstacles.map(({ remedy }) => remedy).join(', ')}; then systemctl restart ${unit}`

/** What a ban requires: files that are written, and services that change the firewall with what portward installs. */
export interface BanPath {
  readonly writes: readonly WrittenPath[]
  readonly changesFirewall: readonly Service[]
}

/** The unit setting that makes the server's files visible again if the unit hides them behind others. */
const unhide = (directories: readonly string[]): string =>
  directories.every((path) => /^(?:\/var)?\/tmp(?:\/|$)/.test(path))
    ? 'PrivateTmp=no'
    : `BindPaths=${directories.join(' ')}`

/**
 * What keeps a daemon and its commands from banning and releasing. `own`: the mounts of this process, which is not confined.
 * Pure.
 */
export const findObstacles = (
  confinement: Confinement,
  own: readonly Mount[],
  service: Service,
  { writes, changesFirewall }: BanPath,
): Obstacle[] => {
  const paths = writes.filter(({ by }) => by.includes(service))
  const { mounts, isRoot, hasNetAdmin, isOnNetwork, hasNetlink } = confinement
  const writtenPathOf = ({ path, isReplaced }: WrittenPath) => (isReplaced ? dirname(path) : path)
  // A file that cannot be written outside of the sandbox either is not the unit's fault.
  const isShut = (path: string) =>
    mountOf(mounts, path)?.isWritable === false && mountOf(own, path)?.isWritable !== false
  const shut = paths.filter((written) => [written.path, writtenPathOf(written)].some(isShut))
  const elsewhere = paths.filter(
    (written) => !shut.includes(written) && !isSameFile(own, mounts, written.path),
  )
  const names = (some: readonly WrittenPath[]) =>
    some.map(({ path, purpose }) => `${path} (${purpose})`).join(', ')
  const obstacles: Obstacle[] = []
  if (shut.length > 0)
    obstacles.push({
      what: `cannot write ${names(shut)}`,
      remedy: `ReadWritePaths=${[...new Set(shut.map(writtenPathOf))].join(' ')}`,
    })
  if (elsewhere.length > 0)
    obstacles.push({
      what: `does not see the server's files at ${names(elsewhere)}`,
      remedy: unhide([...new Set(elsewhere.map(writtenPathOf))]),
    })
  if (!isRoot && (paths.length > 0 || changesFirewall.includes(service)))
    obstacles.push({ what: 'does not run as root', remedy: 'User=root' })
  if (!changesFirewall.includes(service)) return obstacles
  if (!hasNetAdmin)
    obstacles.push({
      what: 'may not change the firewall: it lacks CAP_NET_ADMIN',
      remedy: 'CapabilityBoundingSet=CAP_NET_ADMIN',
    })
  if (!isOnNetwork)
    obstacles.push({
      what: 'changes only the firewall of its own network namespace',
      remedy: 'PrivateNetwork=no',
    })
  if (!hasNetlink)
    obstacles.push({
      what: 'may not change the firewall: AF_NETLINK is not allowed',
      remedy: 'RestrictAddressFamilies=AF_NETLINK',
    })
  return obstacles
}

/** Problems with the configured sandboxes of units, found before anything is started in them. Pure. */
export const findSandboxProblems = (
  units: ReadonlyMap<string, UnitProperties>,
  banPath: BanPath,
): Problem[] =>
  [...units].flatMap(([unit, properties]): Problem[] => {
    const service = unit === 'fail2ban' ? 'fail2ban' : 'portsentry'
    const obstacles = findObstacles(configuredConfinement(properties), [], service, banPath)
    if (obstacles.length === 0) return []
    const files = [properties.get('FragmentPath') ?? '', ...(properties.get('DropInPaths') ?? '').split(' ')]
    return [
      {
        severity: 'warning',
        code: 'sandbox',
        message: `in the sandbox of ${unit}.service ${service} ${describeObstacles(obstacles)}: it could not ban as planned`,
        hint: remedyFor(unit, obstacles),
        at: { path: files.filter(Boolean).at(-1) ?? `/etc/systemd/system/${unit}.service.d` },
      },
    ]
  })
