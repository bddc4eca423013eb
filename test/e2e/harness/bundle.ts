import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { checkout } from '../../checkout.ts'

const archives = new Map<string, Promise<Uint8Array>>()

const archive = async (name: string): Promise<Uint8Array> => {
  const path = `dist/${name}`
  if (!existsSync(join(checkout, path))) throw new Error(`${path} is missing: npm run build`)
  const options = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=go-w']
  const args = ['-C', checkout, ...options, '-c', path, 'bin/portward']
  const { stdout } = await execa('tar', args, { encoding: 'buffer', stripFinalNewline: false })
  return stdout
}

/** A tar archive of a built bundle (`portward`, or `portward-faults`) and its launcher; the same for the same files. */
export const bundleArchive = (name: 'portward' | 'portward-faults' = 'portward'): Promise<Uint8Array> => {
  const made = archives.get(name) ?? archive(name)
  archives.set(name, made)
  return made
}
