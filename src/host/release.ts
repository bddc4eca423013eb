import { readdir } from 'node:fs/promises'
import type { Facts } from '../policy/facts.ts'
import { findRelease, tellRelease } from '../policy/find-release.ts'
import type { Release } from '../policy/release.ts'
import { readFileState } from './files.ts'
import { errnoOf, failedTo, HostError } from './host-error.ts'
import { readInstalled, readPackageFiles } from './packages.ts'
import { resolveInRoot } from './paths.ts'

const PORTSENTRY_CONF = '/etc/portsentry/portsentry.conf'

/** There is no portsentry, as opposed to one that is not known. */
export class NotInstalled extends HostError {}

/** Names in a directory; none where it is not there. Throws HostError where it cannot be read. */
export const listDirectory = async (root: string, path: string): Promise<string[]> => {
  const real = await resolveInRoot(root, path)
  try {
    return await readdir(real)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw failedTo('list', real, error)
  }
}

/**
 * The release that a tree without dpkg's status shows by its /etc: see `told` of Facts. `asked`: the one that somebody names,
 * whatever the files say.
 */
export const readTold = async (
  root: string,
  packages: ReadonlyMap<string, string>,
  asked: string | undefined,
): Promise<Pick<Facts, 'told'>> => {
  if (root === '/' || packages.size > 0) return {}
  const conf = await readFileState(root, PORTSENTRY_CONF)
  if (conf === null) return {}
  if (asked !== undefined) return { told: asked }
  const [version, scripts, rotations, units] = await Promise.all([
    readFileState(root, '/etc/debian_version'),
    listDirectory(root, '/etc/init.d'),
    listDirectory(root, '/etc/logrotate.d'),
    listDirectory(root, '/etc/systemd/system/multi-user.target.wants'),
  ])
  const found = tellRelease({
    conf: conf.text,
    debianVersion: version?.text ?? '',
    hasInitScript: scripts.includes('portsentry'),
    hasLogRotation: rotations.includes('portsentry'),
    hasTemplateUnit: units.some((unit) => unit.startsWith('portsentry@')),
  })
  return { told: found?.name ?? null }
}

/**
 * The release of the portsentry below `root`, for those who need nothing else of the facts. `asked` names that of a copy of
 * /etc. Throws HostError where there is none, or none that is known.
 */
export const readRelease = async (root: string, asked: string | undefined): Promise<Release> => {
  const packages = await readInstalled(root)
  const version = packages.get('portsentry')
  const portsentry =
    version === undefined ? null : { version, files: await readPackageFiles(root, 'portsentry') }
  const told = await readTold(root, packages, asked)
  const release = findRelease({ root, live: null, portsentry, unknown: [], ...told })
  if (!('code' in release)) return release
  const Refusal = release.code === 'no-portsentry' ? NotInstalled : HostError
  throw new Refusal(release.message, release.hint)
}
