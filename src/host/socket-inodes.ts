import { readdir, readlink } from 'node:fs/promises'
import { errnoOf } from './host-error.ts'

/** Inodes of the sockets that a process holds, none where it has ended; null where only root may look. */
export const readSocketInodes = async (pid: number): Promise<string[] | null> => {
  const directory = `/proc/${pid}/fd`
  try {
    const names = await readdir(directory)
    const links = await Promise.all(names.map((name) => readlink(`${directory}/${name}`).catch(() => '')))
    return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? [])
  } catch (error) {
    return errnoOf(error) === 'EACCES' || errnoOf(error) === 'EPERM' ? null : []
  }
}
