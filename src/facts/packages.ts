import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readFileState } from '../system/files.ts'
import { tryRun } from '../system/process.ts'

export interface PackageVersion {
  readonly name: string
  readonly version: string
}

const STATUS = '/var/lib/dpkg/status'

/** Installed packages and their versions, from dpkg's status file below `root`; empty where there is none. */
export const readInstalled = async (root: string): Promise<Map<string, string>> => {
  const status = (await readFileState(root, STATUS))?.text ?? ''
  const installed = new Map<string, string>()
  for (const stanza of status.split(/\n\n+/)) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1]
    const name = field('Package')
    if (name !== undefined && field('Status')?.endsWith(' installed'))
      installed.set(name, field('Version') ?? '')
  }
  return installed
}

/** Paths of an installed package's files. */
export const readPackageFiles = async (root: string, name: string): Promise<string[]> => {
  const list = await readFileState(root, `/var/lib/dpkg/info/${name}.list`)
  return (list?.text ?? '').split('\n').filter(Boolean)
}

/** Whether apt knows any packages at all: on a fresh image apt-get update has not been run yet. */
export const hasPackageLists = async (): Promise<boolean> => {
  const { stdout } = await tryRun('apt-get', [
    'indextargets',
    '--format',
    '$(FILENAME)',
    'Created-By: Packages',
  ])
  return stdout.trim() !== ''
}

/** A package that is going to be installed. */
export interface NewPackage extends PackageVersion {
  /** Bytes that apt has to download for it: 0 if its archive is in apt's cache. */
  readonly download: number
}

/** A package that apt would install. */
export interface Candidate extends NewPackage {
  /** The path of its archive in apt's cache, whether or not it is there. */
  readonly archive: string
}

const APT_CACHE = '/var/cache/apt/archives'

/** The archives that `apt-get --print-uris` lists: the names that they get in apt's cache, and their sizes in bytes. */
export const parseUris = (
  output: string,
): { name: string; version: string; archive: string; size: number }[] =>
  [...output.matchAll(/^'.+' (([^_\s]+)_([^_\s]+)_[^_\s]+) (\d+) /gm)].map(
    ([, archive = '', name = '', version = '', size = '']) => ({
      ...{ name, archive, size: Number(size) },
      version: decodeURIComponent(version),
    }),
  )

/**
 * What apt would install for `names`, or why it cannot. Changes nothing and does not need root. With a cache that does not
 * exist apt prints all archives, not only those that are missing in its own.
 */
export const simulateInstall = async (
  names: readonly string[],
): Promise<{ installs: Candidate[] } | { reason: string }> => {
  const cache = ['-o', 'Dir::Cache::archives=/nonexistent/']
  const options = ['--print-uris', '-qq', '-y', '--no-install-recommends', ...cache]
  const { exitCode, stdout, stderr } = await tryRun('apt-get', [...options, 'install', ...names])
  if (exitCode !== 0) {
    const errors = stderr.split('\n').filter((line) => line.startsWith('E: '))
    return { reason: errors.join(' ') || stderr.trim() }
  }
  return {
    installs: parseUris(stdout).map(({ name, version, archive, size }) => {
      const cached = join(APT_CACHE, archive)
      return { name, version, archive: cached, download: existsSync(cached) ? 0 : size }
    }),
  }
}
