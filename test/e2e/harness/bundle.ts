import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { checkout } from '../../checkout.ts'
import type { Shell } from './shell.ts'

type Bundle = 'portward' | 'portward-faults'

const archives = new Map<string, Promise<Uint8Array>>()

const archive = async (name: Bundle): Promise<Uint8Array> => {
  const path = `dist/${name}`
  if (!existsSync(join(checkout, path))) throw new Error(`${path} is missing: npm run build`)
  const options = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=go-w']
  const args = ['-C', checkout, ...options, '-c', path, 'bin/portward']
  const { stdout } = await execa('tar', args, { encoding: 'buffer', stripFinalNewline: false })
  return stdout
}

/** A tar archive of a built bundle and its launcher; the same for the same files. */
export const bundleArchive = (name: Bundle = 'portward'): Promise<Uint8Array> => {
  const made = archives.get(name) ?? archive(name)
  archives.set(name, made)
  return made
}

/** Puts a built bundle and its launcher into a directory of a server. */
export const unpackBundle = async (
  { run }: Pick<Shell, 'run'>,
  directory: string,
  name?: Bundle,
): Promise<void> => {
  await run(`mkdir -p ${directory} && tar -x -C ${directory}`, { stdin: await bundleArchive(name) })
}
