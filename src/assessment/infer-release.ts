import type { Facts } from '../policy/facts.ts'
import { inferRelease } from '../policy/find-release.ts'
import { type FileState, listDirectory, readFileState } from '../system/files.ts'

const PORTSENTRY_CONF = '/etc/portsentry/portsentry.conf'

/**
 * The release that a tree without dpkg's status shows by its /etc: see `inferredRelease` of Facts. `requested`: the release
 * that `--release` names, which overrides the files.
 */
export const readInferredRelease = async (
  root: string,
  packages: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, FileState>,
  requested: string | undefined,
): Promise<Pick<Facts, 'inferredRelease'>> => {
  const conf = files.get(PORTSENTRY_CONF)
  if (root === '/' || packages.size > 0 || conf === undefined) return {}
  if (requested !== undefined) return { inferredRelease: requested }
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
