/** A mount point, as one process sees it. */
export interface Mount {
  readonly path: string
  readonly isWritable: boolean
  /** What is there: the device, and the directory on it. Null where only the unit's configuration is known. */
  readonly source: { readonly device: string; readonly root: string } | null
}

const decodePath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

const hasOption = (options: string, wanted: string): boolean => options.split(',').includes(wanted)

/** Reads /proc/PID/mountinfo (proc(5)), in its order: later mounts cover earlier ones. */
export const parseMounts = (mountinfo: string): Mount[] =>
  mountinfo.split('\n').flatMap((line): Mount[] => {
    const [fields = '', rest = ''] = line.split(' - ')
    const [, , device, root, path, options] = fields.split(' ')
    const superOptions = rest.split(' ')[2]
    if (device === undefined || root === undefined || path === undefined || options === undefined) return []
    const isReadOnly = hasOption(options, 'ro') || hasOption(superOptions ?? '', 'ro')
    return [{ path: decodePath(path), isWritable: !isReadOnly, source: { device, root: decodePath(root) } }]
  })

const isBelow = (path: string, top: string): boolean =>
  top === '/' || path === top || path.startsWith(`${top}/`)

/** The mount that a path is on: the innermost, and of several at one path the last. */
export const mountOf = (mounts: readonly Mount[], path: string): Mount | undefined =>
  mounts
    .filter((mount) => isBelow(path, mount.path))
    .reduce<Mount | undefined>(
      (found, mount) => (found === undefined || mount.path.length >= found.path.length ? mount : found),
      undefined,
    )

/** What is at a path: the same text from two processes' mounts means that they see the same file there. */
const identify = ({ path: top, source }: Mount, path: string): string | null => {
  if (source === null) return null
  const parts = `${source.root}/${path.slice(top.length)}`.split('/').filter(Boolean)
  return `${source.device} /${parts.join('/')}`
}

/** Whether the same file is at this path for both; what is not known counts as the same. */
export const isSameFile = (one: readonly Mount[], other: readonly Mount[], path: string): boolean => {
  const [here, there] = [mountOf(one, path), mountOf(other, path)].map(
    (mount) => mount && identify(mount, path),
  )
  return !here || !there || here === there
}
