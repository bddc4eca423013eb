import type { PackageVersion } from '../policy/facts.ts'
import { readFileState } from './files.ts'
import { run, tryRun } from './process.ts'

const STATUS = '/var/lib/dpkg/status'

const NONINTERACTIVE = {
  DEBIAN_FRONTEND: 'noninteractive',
  DEBIAN_PRIORITY: 'critical',
  APT_LISTCHANGES_FRONTEND: 'none',
}
const INSTALL = ['install', '--no-install-recommends', '-y']

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

/** What apt would bring in for `names`, or why it can't. Changes nothing and needs no root. */
export const simulateInstall = async (
  names: readonly string[],
): Promise<{ installs: PackageVersion[] } | { reason: string }> => {
  const { exitCode, stdout, stderr } = await tryRun('apt-get', ['-s', '-q', ...INSTALL, ...names])
  if (exitCode !== 0) {
    const errors = stderr.split('\n').filter((line) => line.startsWith('E: '))
    return { reason: errors.join(' ') || stderr.trim() }
  }
  const installs = [...stdout.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) /gm)]
  return { installs: installs.map(([, name, version]) => ({ name: name ?? '', version: version ?? '' })) }
}

/** Hands answers to debconf. Lines are `owner question type value`. */
export const preseed = async (selections: readonly string[]): Promise<void> => {
  await run('debconf-set-selections', [], 'see whether another program holds debconf', {
    input: `${selections.join('\n')}\n`,
  })
}

/** Installs packages without questions, keeping configuration files that exist; waits for dpkg's lock. */
export const install = async (
  packages: readonly PackageVersion[],
  requested: readonly string[],
): Promise<void> => {
  const versions = packages
    .filter(({ name }) => requested.includes(name))
    .map(({ name, version }) => `${name}=${version}`)
  await run(
    'apt-get',
    ['-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Options::=--force-confold', ...INSTALL, ...versions],
    'run apt-get update, and mend what apt says; then apply again',
    { environment: NONINTERACTIVE, timeoutMs: 1_800_000 },
  )
}
