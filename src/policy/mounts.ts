import type { Mount } from '../facts/confinement.ts'

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

/** Identifies the file at a path: the same text from two processes' mounts means that both see the same file. */
const identify = ({ path: top, source }: Mount, path: string): string | null => {
  if (source === null) return null
  const parts = `${source.root}/${path.slice(top.length)}`.split('/').filter(Boolean)
  return `${source.device} /${parts.join('/')}`
}

/** Whether both see the same file at this path; unknown counts as the same. */
export const isSameFile = (one: readonly Mount[], other: readonly Mount[], path: string): boolean => {
  const [here, there] = [mountOf(one, path), mountOf(other, path)].map(
    (mount) => mount && identify(mount, path),
  )
  return !here || !there || here === there
}
