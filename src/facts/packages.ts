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

/** A package that apt would install. */
export interface Candidate extends PackageVersion {
  /** The name that apt gives its archive. */
  readonly archive: string
}

/** What apt would install for `names`, or why it cannot. Changes nothing and does not need root. */
export const simulateInstall = async (
  names: readonly string[],
): Promise<{ installs: Candidate[] } | { reason: string }> => {
  const options = ['-s', '-q', '-y', '--no-install-recommends']
  const { exitCode, stdout, stderr } = await tryRun('apt-get', [...options, 'install', ...names])
  if (exitCode !== 0) {
    const errors = stderr.split('\n').filter((line) => line.startsWith('E: '))
    return { reason: errors.join(' ') || stderr.trim() }
  }
  const installs = stdout.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) .*\[(\w+)\]\)/gm)
  return {
    installs: [...installs].map(([, name = '', version = '', architecture = '']) => ({
      name,
      version,
      archive: `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`,
    })),
  }
}
