import { readlink } from 'node:fs/promises'
import { readProcFile } from './procfs.ts'

/** A mount point, as one process sees it. */
export interface Mount {
  readonly path: string
  readonly isWritable: boolean
  /** What is mounted: the device, and the directory on it. Null if only the unit's configuration is known. */
  readonly source: { readonly device: string; readonly root: string } | null
}

const decodePath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

const hasOption = (options: string, wanted: string): boolean => options.split(',').includes(wanted)

/** Parses /proc/PID/mountinfo (proc(5)), in its order: later mounts cover earlier ones. */
export const parseMounts = (mountinfo: string): Mount[] =>
  mountinfo.split('\n').flatMap((line): Mount[] => {
    const [fields = '', rest = ''] = line.split(' - ')
    const [, , device, root, path, options] = fields.split(' ')
    const superOptions = rest.split(' ')[2]
    if (device === undefined || root === undefined || path === undefined || options === undefined) return []
    const isReadOnly = hasOption(options, 'ro') || hasOption(superOptions ?? '', 'ro')
    return [{ path: decodePath(path), isWritable: !isReadOnly, source: { device, root: decodePath(root) } }]
  })

/** How the kernel confines a process, and with it every command that the process runs. */
export interface ProcessConfinement {
  readonly mounts: readonly Mount[]
  readonly isRoot: boolean
  readonly hasNetAdmin: boolean
  /** Whether it is in the network namespace of this process. */
  readonly isOnNetwork: boolean
}

/** A bit of the masks in /proc/PID/status: linux/capability.h. */
const CAP_NET_ADMIN = 12n

/** The effective user and capabilities in the text of /proc/PID/status. */
export const parseRights = (status: string): Pick<ProcessConfinement, 'isRoot' | 'hasNetAdmin'> => {
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
  const effective = BigInt(`0x${field('CapEff') || '0'}`)
  return {
    isRoot: field('Uid').split('\t')[1] === '0',
    hasNetAdmin: ((effective >> CAP_NET_ADMIN) & 1n) === 1n,
  }
}

/** The mounts of this process. */
export const readOwnMounts = async (): Promise<Mount[]> =>
  parseMounts(await readProcFile('/proc/self/mountinfo'))

/** How a process is confined; null if it has ended, or if only root may read that. */
export const readConfinement = async (pid: number): Promise<ProcessConfinement | null> => {
  try {
    const [mountinfo, status, network, own] = await Promise.all([
      readProcFile(`/proc/${pid}/mountinfo`),
      readProcFile(`/proc/${pid}/status`),
      readlink(`/proc/${pid}/ns/net`),
      readlink('/proc/self/ns/net'),
    ])
    return { mounts: parseMounts(mountinfo), ...parseRights(status), isOnNetwork: network === own }
  } catch {
    return null
  }
}
