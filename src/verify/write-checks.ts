import { dirname } from 'node:path'
import type { Mount } from '../facts/confinement.ts'
import type { Service } from '../facts/daemons.ts'
import { shortList } from '../phrases.ts'
import {
  type BanPath,
  type Confinement,
  describeObstacles,
  findObstacles,
  remedyFor,
} from '../policy/confinement.ts'
import type { Desired } from '../policy/desired.ts'
import { isJailWanted } from '../policy/jail.ts'
import type { Problem } from '../problem.ts'
import { type Check, checkFor } from './check.ts'
import type { WriteAccess } from './write-access.ts'

/** Less than this may be used up by the next scan. */
const FEW_BYTES = 64 * 1024
const FEW_INODES = 4

const REASONS: Readonly<Record<string, string>> = {
  EROFS: 'the file system is read-only',
  EPERM: 'it is immutable, see lsattr',
  EACCES: 'permission is denied',
  ENXIO: 'it is a pipe or a socket',
}

/** Why a path cannot be written now; null: it can. */
const faultOf = ({ errno, bytes, inodes }: WriteAccess): string | null => {
  if (errno !== null) return REASONS[errno] ?? errno
  if (bytes !== null && bytes < FEW_BYTES) return `no space is left on its file system (${bytes} bytes)`
  if (inodes !== null && inodes < FEW_INODES) return `no inodes are left on its file system (${inodes})`
  return null
}

/**
 * Whether everything that a ban writes can be written now: by trying to open each file, and by what else is known to be
 * unwritable. Only a warning for hosts.deny, since the firewall bans without it.
 */
export const checkWritable = (
  files: readonly WriteAccess[] | null,
  unwritable: readonly Problem[],
): Check => {
  const check = checkFor('writable')
  if (files === null) return check.skip('only root can check this', 'run portward verify as root')
  const faults = files.flatMap((file) => {
    const fault = faultOf(file)
    return fault === null ? [] : [{ fault, ...file.written }]
  })
  const isSame = ({ at }: Problem, path: string) => at.path === path || dirname(at.path) === path
  const others = unwritable.filter((problem) => !faults.some(({ path }) => isSame(problem, path)))
  const [remedy] = [...unwritable.filter((problem) => !others.includes(problem)), ...others]
  const text = [
    ...faults.map(({ path, purpose, fault }) => `${path} (${purpose}): ${fault}`),
    ...others.map(({ message, at }) => `${at.path}: ${message}`),
  ].join('; ')
  const hint = remedy?.hint ?? 'free space, or make it writable'
  if (text === '') return check.pass(shortList(files.map(({ written }) => written.path)))
  return faults.some(({ path }) => path !== '/etc/hosts.deny')
    ? check.fail(text, hint)
    : check.warn(text, hint)
}

/** A running daemon, and its confinement; null if that could not be read. */
export interface Confined {
  readonly service: Service
  readonly unit: string
  readonly confinement: Confinement | null
}

/** A command that a daemon runs for a ban and that is not portward's; null: none. */
export const foreignCommand = (
  service: Service,
  { conf, jails, changesFirewall }: Pick<Desired, 'conf' | 'jails' | 'changesFirewall'>,
): string | null => {
  if (changesFirewall.includes(service)) return null
  if (service === 'fail2ban') return isJailWanted({ jails }) ? 'its banaction' : null
  return (conf.get('KILL_ROUTE') ?? '') === '' ? null : 'KILL_ROUTE'
}

/**
 * Whether the units' sandboxes let their daemons ban and release. `own`: the mounts of this process; `foreign`: a command
 * that was not checked.
 */
export const checkConfinement = (
  service: Service,
  daemons: readonly Confined[],
  own: readonly Mount[],
  banPath: BanPath,
  foreign: string | null = null,
): Check => {
  const check = checkFor(`${service}-rights`)
  const writes = banPath.writes.filter(({ by }) => by.includes(service))
  const known = daemons.filter((daemon) => daemon.service === service)
  const changes = banPath.changesFirewall.includes(service) ? ['change the firewall'] : []
  if (writes.length === 0 && changes.length === 0)
    return foreign === null
      ? check.pass('it writes nothing for a ban')
      : check.skip(`not checked: portward does not know what ${foreign} needs`)
  if (known.length === 0) return check.skip(`not checked: ${service} is not running`)
  for (const { unit, confinement } of known) {
    if (confinement === null) return check.skip('only root can check this')
    const obstacles = findObstacles(confinement, own, service, banPath)
    if (obstacles.length > 0)
      return check.fail(
        `in its sandbox ${service} ${describeObstacles(obstacles)}`,
        remedyFor(unit, obstacles),
      )
  }
  const isFiltered = known.some(({ confinement }) => confinement?.filtersCalls)
  return check.pass(
    [
      `its unit lets it ${[...changes, ...(writes.length === 0 ? [] : [`write ${shortList(writes.map(({ path }) => path))}`])].join(' and ')}`,
      ...(foreign === null ? [] : [`what ${foreign} needs was not checked`]),
      ...(isFiltered ? ['whether its SystemCallFilter lets the commands work was not checked'] : []),
    ].join('; '),
  )
}
