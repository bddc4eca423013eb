import { readdir } from 'node:fs/promises'
import type { Facts } from '../policy/facts.ts'
import { inferRelease } from '../policy/find-release.ts'
import type { FileState } from '../system/files.ts'
import { readFileState } from '../system/files.ts'
import { errnoOf, failedTo } from '../system/host-error.ts'
import { resolveInRoot } from '../system/paths.ts'

const PORTSENTRY_CONF = '/etc/portsentry/portsentry.conf'

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
 * The release that a tree without dpkg's status shows by its /etc: see `inferredRelease` of Facts. `asked`: the one that `--release` names,
 * whatever the files say.
 */
export const readInferredRelease = async (
  root: string,
  packages: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, FileState>,
  asked: string | undefined,
): Promise<Pick<Facts, 'inferredRelease'>> => {
  const conf = files.get(PORTSENTRY_CONF)
  if (root === '/' || packages.size > 0 || conf === undefined) return {}
  if (asked !== undefined) return { inferredRelease: asked }
  const [version, scripts, rotations, units] = await Promise.all([
    readFileState(root, '/etc/debian_version'),
    listDirectory(root, '/etc/init.d'),
    listDirectory(root, '/etc/logrotate.d'),
    listDirectory(root, '/etc/systemd/system/multi-user.target.wants'),
  ])
  const found = inferRelease({
    conf: conf.text,
    debianVersion: version?.text ?? '',
    hasInitScript: scripts.includes('portsentry'),
    hasLogRotation: rotations.includes('portsentry'),
    hasTemplateUnit: units.some((unit) => unit.startsWith('portsentry@')),
  })
  return { inferredRelease: found?.name ?? null }
}
