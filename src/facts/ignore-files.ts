import type { IgnoreFile } from '../documents/ignoreip.ts'
import { readFileState } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'

const read = async (root: string, path: string): Promise<IgnoreFile> => {
  try {
    const file = await readFileState(root, path)
    if (file !== null) return { text: file.text }
    return { reason: root === '/' ? 'does not exist' : 'is not in this tree' }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return { reason: `could not be read: ${error.message}` }
  }
}

/** The files that fail2ban's ignoreip names, by path. */
export const readIgnoreFiles = async (
  root: string,
  paths: readonly string[],
): Promise<Map<string, IgnoreFile>> =>
  new Map(await Promise.all(paths.map(async (path) => [path, await read(root, path)] as const)))
