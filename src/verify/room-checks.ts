import type { Room } from '../host/room.ts'
import { type Confinement, cureFor, describeObstacles, findObstacles } from '../policy/confinement.ts'
import type { Service } from '../policy/daemons.ts'
import type { Mount } from '../policy/mounts.ts'
import type { WrittenPath } from '../policy/written-paths.ts'
import { type Check, checkFor, listed } from './check.ts'

/** Less than this is gone with the next scan. */
const FEW_BYTES = 64 * 1024
const FEW_INODES = 4

const REASONS: Readonly<Record<string, string>> = {
  EROFS: 'the file system is read-only',
  EPERM: 'it is immutable, see lsattr',
  EACCES: 'permission is denied',
  ENXIO: 'it is a pipe or a socket',
}

/** Why nothing can be written to a path now; null: it can. */
const faultOf = ({ errno, bytes, inodes }: Room): string | null => {
  if (errno !== null) return REASONS[errno] ?? errno
  if (bytes !== null && bytes < FEW_BYTES) return `no space is left on its file system (${bytes} bytes)`
  if (inodes !== null && inodes < FEW_INODES) return `no inodes are left on its file system (${inodes})`
  return null
}

/** Whether a ban could be written down everywhere now. TCP wrappers only stand beside the firewall. */
export const checkRoom = (rooms: readonly Room[] | null): Check => {
  const check = checkFor('room', 'what a ban has to write can be written now')
  if (rooms === null) return check.skip('only root can look')
  const faults = rooms.flatMap((room) => {
    const fault = faultOf(room)
    return fault === null ? [] : [{ fault, ...room.written }]
  })
  if (faults.length === 0) return check.pass(listed(rooms.map(({ written }) => written.path)))
  const text = faults.map(({ path, purpose, fault }) => `${path} (${purpose}): ${fault}`).join('; ')
  return faults.some(({ path }) => path !== '/etc/hosts.deny')
    ? check.fail(text, 'make room, or make it writable: until then bans may be lost at the next restart')
    : check.warn(`${text}; bans are in the firewall alone`, 'make it writable')
}

/** A daemon that runs, and what it is confined to; null where that could not be read. */
export interface Confined {
  readonly service: Service
  readonly unit: string
  readonly confinement: Confinement | null
}

const TITLES: Readonly<Record<Service, string>> = {
  portsentry: 'what portsentry runs has the rights that a ban takes',
  fail2ban: "fail2ban's action has the rights that a ban and a release take",
}

/** Whether the units' sandboxes let their daemons ban and release. `own`: the mounts of this process. */
export const checkConfinement = (
  service: Service,
  daemons: readonly Confined[],
  own: readonly Mount[],
  paths: readonly WrittenPath[],
): Check => {
  const check = checkFor(`${service}-rights`, TITLES[service])
  const writes = paths.filter(({ by }) => by.includes(service))
  const known = daemons.filter((daemon) => daemon.service === service)
  if (writes.length === 0) return check.pass('it writes nothing for a ban')
  if (known.length === 0) return check.skip(`${service} does not run`)
  for (const { unit, confinement } of known) {
    if (confinement === null) return check.skip('only root can look')
    const obstacles = findObstacles(confinement, own, service, paths)
    if (obstacles.length > 0)
      return check.fail(`in its sandbox ${service} ${describeObstacles(obstacles)}`, cureFor(unit, obstacles))
  }
  const isFiltered = known.some(({ confinement }) => confinement?.filtersCalls)
  return check.pass(
    `it can write ${listed(writes.map(({ path }) => path))}${isFiltered ? '; whether its SystemCallFilter lets the commands work was not looked at' : ''}`,
  )
}
