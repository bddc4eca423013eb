import type { PackageVersion } from '../policy/facts.ts'
import { effect } from './effect.ts'
import { readFileState } from './files.ts'
import { HostError } from './host-error.ts'
import { run, tryRun } from './process.ts'

const STATUS = '/var/lib/dpkg/status'

const NONINTERACTIVE = {
  DEBIAN_FRONTEND: 'noninteractive',
  DEBIAN_PRIORITY: 'critical',
  APT_LISTCHANGES_FRONTEND: 'none',
}
/** Another apt or dpkg may be at work: it is waited for. */
const PATIENT = ['-q', '-o', 'DPkg::Lock::Timeout=300']
const INSTALL_TIMEOUT_MS = 1_800_000
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
  await effect('run debconf-set-selections', () =>
    run('debconf-set-selections', [], 'see whether another program holds debconf', {
      input: `${selections.join('\n')}\n`,
    }),
  )
}

/** Installs packages without questions, keeping configuration files that exist; waits for dpkg's lock. */
export const install = async (
  packages: readonly PackageVersion[],
  requested: readonly string[],
): Promise<void> => {
  const versions = packages
    .filter(({ name }) => requested.includes(name))
    .map(({ name, version }) => `${name}=${version}`)
  await effect('run apt-get install', () =>
    run(
      'apt-get',
      [...PATIENT, '-o', 'Dpkg::Options::=--force-confold', ...INSTALL, ...versions],
      'run apt-get update, and mend what apt says; then apply again',
      { environment: NONINTERACTIVE, timeoutMs: INSTALL_TIMEOUT_MS },
    ),
  )
}

/** Packages that an apt run like this one would take away. */
const removedBy = (simulation: string): string[] =>
  [...simulation.matchAll(/^(?:Purg|Remv) (\S+)/gm)].map(([, name = '']) => name)

/**
 * Takes packages away with their configuration, as far as they are there, and finishes what an interrupted dpkg left.
 * Throws HostError, with nothing taken away, where others need them by now.
 */
export const purge = async (names: readonly string[]): Promise<void> => {
  const hint = 'take the packages away by hand: apt-get purge'
  const audit = await tryRun('dpkg', ['--audit'])
  if (audit.exitCode !== 0 || audit.stdout !== '') {
    await effect('run dpkg --configure', () =>
      tryRun('dpkg', ['--force-confold', '--configure', '-a'], {
        environment: NONINTERACTIVE,
        timeoutMs: INSTALL_TIMEOUT_MS,
      }),
    )
  }
  const states = await tryRun('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names])
  const present = [...states.stdout.matchAll(/^(\S+) (?!not-installed)/gm)].map(([, name = '']) => name)
  if (present.length === 0) return
  const { exitCode, stdout, stderr } = await tryRun('apt-get', ['-s', '-q', 'purge', ...present])
  if (exitCode !== 0) throw new HostError(`apt-get cannot purge ${present.join(' ')}: ${stderr.trim()}`, hint)
  const others = removedBy(stdout).filter((name) => !present.includes(name))
  if (others.length > 0) {
    throw new HostError(`the new packages stay: ${others.join(', ')} would go with them`, hint)
  }
  await effect('run apt-get purge', () =>
    run('apt-get', [...PATIENT, '-y', 'purge', ...present], hint, {
      environment: NONINTERACTIVE,
      timeoutMs: INSTALL_TIMEOUT_MS,
    }),
  )
}
