import type { PackageVersion } from '../facts/packages.ts'
import { effect } from '../system/effect.ts'
import { HostError } from '../system/host-error.ts'
import { STATE } from '../system/lock.ts'
import { run, tryRun } from '../system/process.ts'
import { tellingProgress } from './apt-progress.ts'

const NONINTERACTIVE = {
  DEBIAN_FRONTEND: 'noninteractive',
  DEBIAN_PRIORITY: 'critical',
  APT_LISTCHANGES_FRONTEND: 'none',
}
/** Waits for another apt or dpkg that is running. Without a pty, dpkg's error messages are in this output. */
const PATIENT = ['-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0']
const INSTALL_TIMEOUT_MS = 1_800_000
/** Options of every run that changes what is installed. */
const CHANGING = { environment: NONINTERACTIVE, timeoutMs: INSTALL_TIMEOUT_MS, lock: STATE }

const apt = (
  verb: 'install' | 'remove' | 'purge',
  options: readonly string[],
  packages: readonly string[],
  hint: string,
): Promise<string> =>
  effect(`run apt-get ${verb}`, () =>
    tellingProgress((status, descriptor) =>
      run('apt-get', [...PATIENT, ...status, ...options, '-y', verb, ...packages], hint, {
        ...CHANGING,
        ...(descriptor === undefined ? {} : { descriptor }),
        purpose: 'apt-get, or an apt before it',
      }),
    ),
  )

/** Presets answers in debconf. Lines are `owner question type value`. */
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
  const options = ['-o', 'Dpkg::Options::=--force-confold', '--no-install-recommends']
  const hint = 'run apt-get update, and fix what apt complains about; then run apply again'
  await apt('install', options, versions, hint)
}

/** Waits until an apt or dpkg that was started by a portward which was killed has ended. Throws HostError. */
export const awaitOrphans = async (): Promise<void> => {
  await run('true', [], 'an apt-get that portward started does not end: see what it waits for', {
    ...CHANGING,
    purpose: 'an apt or dpkg that an earlier portward started',
  })
}

/** dpkg's status of each of these packages: `installed`, `config-files`, …; unknown packages are left out. */
const readStates = async (names: readonly string[]): Promise<Map<string, string>> => {
  if (names.length === 0) return new Map()
  const { stdout } = await tryRun('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names])
  const states = [...stdout.matchAll(/^(\S+) (\S+)$/gm)].map(
    ([, name = '', state = '']) => [name, state] as const,
  )
  return new Map(states.filter(([, state]) => state !== 'not-installed'))
}

/** Which of these packages were removed earlier but not purged. */
export const readConfigured = async (names: readonly string[]): Promise<string[]> =>
  [...(await readStates(names))].filter(([, state]) => state === 'config-files').map(([name]) => name)

/** What apt would remove besides these packages. Throws HostError if apt fails. */
const findDependents = async (names: readonly string[], among: readonly string[]): Promise<string[]> => {
  const { exitCode, stdout, stderr } = await tryRun('apt-get', ['-s', '-q', 'purge', ...names])
  if (exitCode !== 0)
    throw new HostError(`apt-get cannot purge ${names.join(' ')}: ${stderr.trim()}`, BY_HAND)
  const removed = [...stdout.matchAll(/^(?:Purg|Remv) (\S+)/gm)].map(([, name = '']) => name)
  return removed.filter((name) => !among.includes(name))
}

/** Also removes a package that dpkg was unpacking when it was killed. */
const UNFINISHED = ['-o', 'Dpkg::Options::=--force-remove-reinstreq']

const BY_HAND = 'remove the packages manually: apt-get purge'

/**
 * Purges those of the packages that are installed and that no other package depends on by now; those in `configured`, which
 * had left their configuration before, are removed only. First finishes what an interrupted dpkg left. Returns the packages
 * that could not be removed, each with those that depend on it. Throws HostError.
 */
export const purge = async (
  names: readonly string[],
  configured: readonly string[],
): Promise<Map<string, readonly string[]>> => {
  const audit = await tryRun('dpkg', ['--audit'])
  if (audit.exitCode !== 0 || audit.stdout !== '') {
    await effect('run dpkg --configure', () =>
      tryRun('dpkg', ['--force-confold', '--configure', '-a'], CHANGING),
    )
  }
  const states = await readStates(names)
  const present = [...states.keys()].filter(
    (name) => states.get(name) !== 'config-files' || !configured.includes(name),
  )
  if (present.length === 0) return new Map()
  const kept = new Map<string, readonly string[]>()
  if ((await findDependents(present, present)).length > 0) {
    for (const name of present) {
      const others = await findDependents([name], present)
      if (others.length > 0) kept.set(name, others)
    }
  }
  for (const verb of ['remove', 'purge'] as const) {
    const removable = present.filter(
      (name) => !kept.has(name) && configured.includes(name) === (verb === 'remove'),
    )
    if (removable.length > 0) await apt(verb, UNFINISHED, removable, BY_HAND)
  }
  return kept
}
