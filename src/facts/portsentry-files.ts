import { isSystemPath } from '../settings/log-paths.ts'
import { type FileState, readAttributes } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { resolveInRoot } from '../system/paths.ts'

/**
 * Attributes of a file that portsentry writes, or null where there is none yet. Throws HostError where it is not a regular
 * file, and where links lead to a file of the system: whatever is written there is lost, and fail2ban would read it.
 */
export const readPortsentryFile = async (
  root: string,
  path: string,
): Promise<Omit<FileState, 'text'> | null> => {
  const real = (await resolveInRoot(root, path)).slice(root === '/' ? 0 : root.length)
  if (real !== path && isSystemPath(real) && !isSystemPath(path)) {
    throw new HostError(
      `${path} leads to ${real}, which is not a file of portsentry`,
      `remove the link ${path}`,
    )
  }
  return readAttributes(root, path)
}
