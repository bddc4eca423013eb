import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { cacheDirectory } from './base-image.ts'

/**
 * A program of a Debian package of this machine's release, which does not have to be installed: its package may be large, or bring a
 * daemon. Downloads the package on first use.
 */
export const debianProgram = async (name: string, path: string): Promise<string> => {
  const directory = join(cacheDirectory(), 'programs')
  const target = join(directory, basename(path))
  if (existsSync(target)) return target
  await mkdir(directory, { recursive: true })
  const work = await mkdtemp(join(directory, `${name}.`))
  try {
    await execa('apt-get', ['download', '-q', name], { cwd: work })
    await execa('sh', ['-c', 'dpkg-deb --fsys-tarfile ./*.deb | tar -x "$1"', 'sh', `.${path}`], {
      cwd: work,
    })
    await rename(join(work, path), target)
  } finally {
    await rm(work, { recursive: true })
  }
  return target
}
