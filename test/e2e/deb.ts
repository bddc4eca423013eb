import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect } from 'vitest'
import { checkout } from '../checkout.ts'
import { install } from './harness/floors.ts'
import { addresses } from './harness/network.ts'
import type { Server } from './harness/server.ts'

export interface DebianPackage {
  readonly name: string
  readonly bytes: Buffer
}

/** Builds the Debian package of a checkout as `npm run package` does. */
export const buildElsewhere = (
  directory: string,
  umask: string,
  env: Record<string, string>,
): DebianPackage => {
  const output = execFileSync('sh', ['-c', 'umask "$0" && exec node scripts/package.mjs', umask], {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const path = join(directory, output.trim().split('\n').at(-1) ?? '')
  return { name: basename(path), bytes: readFileSync(path) }
}

/** A run of the tests begins with a new bundle: a package that is newer is of this run. */
const BUILD_ONCE = '[ "$0" -nt dist/portward/cli.cjs ] || exec node scripts/package.mjs'

/** The Debian package of this checkout, built by the first test process that asks for it. */
export const buildPackage = (): DebianPackage => {
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
  const path = join(checkout, `dist/portward_${version}_all.deb`)
  execFileSync('flock', ['dist', 'sh', '-c', BUILD_ONCE, path], { cwd: checkout, stdio: 'pipe' })
  return { name: basename(path), bytes: readFileSync(path) }
}

/** Puts the package on a server and installs it from the file, with what it depends on and nothing beside that. Returns what apt says. */
export const installPackage = async (server: Server, { bytes }: DebianPackage): Promise<string> => {
  await server.write('/root/portward.deb', bytes)
  const { stdout } = await server.run(install('/root/portward.deb'))
  await server.run('rm /root/portward.deb')
  return stdout
}

/** Answers with the files of a directory as they are then, whatever the client has cached. */
const fileServer = `
const { readFileSync } = require('node:fs')
const [directory] = process.argv.slice(1)
const server = require('node:http').createServer((request, response) => {
  try {
    const file = readFileSync(directory + decodeURIComponent(request.url))
    response.writeHead(200, { 'content-length': file.length })
    response.end(file)
  } catch {
    response.writeHead(404)
    response.end()
  }
})
server.listen(8000, () => console.log('ready'))
`

/**
 * Serves a directory on a web server of the LAN, whose URL it returns. It goes with the server's network, whose end is that of
 * every process in it.
 */
export const serveDirectory = async ({ network }: Server, directory: string): Promise<string> => {
  const args = ['netns', 'exec', network.lan, process.execPath, '-e', fileServer, directory]
  const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.unref()
  return `http://${addresses.lan.v4}:8000`
}

export interface Download {
  readonly url: string
  readonly sha256: string
}

/** Offers the package that `buildPackage` has built on a web server of the LAN, as an admin would. */
export const servePackage = async (server: Server, { name, bytes }: DebianPackage): Promise<Download> => ({
  url: `${await serveDirectory(server, join(checkout, 'dist'))}/${name}`,
  sha256: createHash('sha256').update(bytes).digest('hex'),
})

/** An example with its two blanks about the package filled in; each must be there once. */
export const fillIn = (example: string, { url, sha256 }: Download): string => {
  const text = readFileSync(join(checkout, 'examples', example), 'utf8')
  const blanks = [/http:\/\/deploy\.example\/portward_[\d.]+_all\.deb/g, /0{64}/g]
  expect(blanks.map((blank) => text.match(blank)?.length)).toEqual([1, 1])
  return blanks.reduce((result, blank, index) => result.replace(blank, index === 0 ? url : sha256), text)
}
