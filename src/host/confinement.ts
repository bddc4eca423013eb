import { readlink } from 'node:fs/promises'
import { readProcFile } from '../facts/procfs.ts'
import type { ProcessTexts, UnitProperties } from '../policy/confinement.ts'
import { type Mount, parseMounts } from '../policy/mounts.ts'
import { tryRun } from './process.ts'

/** The mounts of this process. */
export const readOwnMounts = async (): Promise<Mount[]> =>
  parseMounts(await readProcFile('/proc/self/mountinfo'))

/** What the kernel tells of a process's confinement; null where it has ended, or only root may ask. */
export const readConfinement = async (pid: number): Promise<ProcessTexts | null> => {
  try {
    const [mountinfo, status, network, own] = await Promise.all([
      readProcFile(`/proc/${pid}/mountinfo`),
      readProcFile(`/proc/${pid}/status`),
      readlink(`/proc/${pid}/ns/net`),
      readlink('/proc/self/ns/net'),
    ])
    return { mountinfo, status, isOnNetwork: network === own }
  } catch {
    return null
  }
}

const PROPERTIES = [
  'Id',
  'LoadState',
  'FragmentPath',
  'DropInPaths',
  'User',
  'ProtectSystem',
  'ReadWritePaths',
  'ReadOnlyPaths',
  'InaccessiblePaths',
  'CapabilityBoundingSet',
  'PrivateNetwork',
  'RestrictAddressFamilies',
  'SystemCallFilter',
]

/** Reads the blocks that `systemctl show` prints, a unit each; those of units that do not exist are left out. */
export const parseUnits = (shown: string): Map<string, UnitProperties> => {
  const units = new Map<string, UnitProperties>()
  for (const block of shown.split('\n\n')) {
    const properties = new Map(
      block.split('\n').flatMap((line): [string, string][] => {
        const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
        return name === '' ? [] : [[name, value]]
      }),
    )
    const id = properties.get('Id')
    if (id !== undefined && properties.get('LoadState') === 'loaded')
      units.set(id.replace(/\.service$/, ''), properties)
  }
  return units
}

/** How systemd confines some units; empty where it does not run. */
export const readUnits = async (names: readonly string[]): Promise<Map<string, UnitProperties>> => {
  const { exitCode, stdout } = await tryRun('systemctl', [
    'show',
    `--property=${PROPERTIES.join()}`,
    ...names.map((name) => `${name}.service`),
  ])
  return exitCode === 0 ? parseUnits(stdout) : new Map()
}
