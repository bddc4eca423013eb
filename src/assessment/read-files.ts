import { join } from 'node:path'
import { namesPeers, PEER_DIRECTORIES } from '../documents/peer-hosts.ts'
import { BAN_SET_FILES } from '../policy/ban-set.ts'
import { RELEASES } from '../policy/find-release.ts'
import { NAMES_PATH } from '../policy/host-names.ts'
import { FAIL2BAN_DIRECTORY } from '../policy/jail.ts'
import { LEGACY_FILES, LEGACY_RECORD } from '../policy/legacy-bans.ts'
import { NOTIFY_ACTION } from '../policy/notifications.ts'
import { ADDRESSES_PATH } from '../policy/server-addresses.ts'
import { TIMER_FILES } from '../policy/timers.ts'
import { type FileState, listDirectory, readFileState, type Unreadable } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { resolveInRoot } from '../system/paths.ts'

/** The files of all releases, so that leftovers of another one are noticed too, and those that all releases share. */
export const SYSTEM_FILES: ReadonlySet<string> = new Set([
  ...RELEASES.flatMap((release) => [
    ...(release.modesPath === null ? [] : [release.modesPath]),
    release.confPath,
    release.ignorePath,
    release.builtIgnorePath,
    ...release.ownedFiles({ tcpMode: '', udpMode: '' }).keys(),
  ]),
  ...BAN_SET_FILES,
  ...LEGACY_FILES,
  ...TIMER_FILES,
  ADDRESSES_PATH,
  NAMES_PATH,
  NOTIFY_ACTION,
  '/etc/hosts.allow',
  '/etc/hosts.deny',
])

const isFail2banConfig = (path: string): boolean =>
  /^\/etc\/fail2ban\/(?:(?:jail|fail2ban)\.d\/)?[^/]+\.(?:conf|local)$/.test(path)

export const isWanted = (path: string): boolean => SYSTEM_FILES.has(path) || isFail2banConfig(path)

/** A file that is only read. One linked to /dev/null, as admins switch a file off, counts as absent. */
const readConsulted = async (root: string, path: string): Promise<FileState | null> =>
  (await resolveInRoot(root, path)) === join(root, '/dev/null') ? null : readFileState(root, path)

/** The files of a server that could be read, and those that could not. */
interface ReadFiles {
  readonly files: Map<string, FileState>
  readonly unreadable: Map<string, Unreadable>
}

/** The result of `read`; if it throws HostError, that is recorded as the reason why `path` is unreadable, and null returned. */
export const orUnreadable = async <T>(
  { unreadable }: Pick<ReadFiles, 'unreadable'>,
  path: string,
  read: () => Promise<T>,
): Promise<T | null> => {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    unreadable.set(path, { message: error.message, hint: error.hint })
    return null
  }
}

/**
 * Files that name hosts: those that the server talks to, and those that an earlier portward banned. What cannot be read is
 * skipped: without root the facts have less.
 */
const listHostFiles = async (root: string): Promise<string[]> => {
  const lists = PEER_DIRECTORIES.map(async (directory) => {
    const names = await listDirectory(root, directory).catch(() => [])
    return names.map((name) => `${directory}/${name}`).filter(namesPeers)
  })
  return [...(await Promise.all(lists)).flat(), LEGACY_RECORD]
}

/** Every managed or consulted file of a server or tree. */
export const readFiles = async (root: string): Promise<ReadFiles> => {
  const read: ReadFiles = { files: new Map(), unreadable: new Map() }
  const add = async (path: string, state: Promise<FileState | null>): Promise<void> => {
    const found = await state
    if (found !== null) read.files.set(path, found)
  }
  const readOne = (path: string) =>
    add(
      path,
      orUnreadable(read, path, () => readConsulted(root, path)),
    )
  const directories = [FAIL2BAN_DIRECTORY, `${FAIL2BAN_DIRECTORY}/jail.d`, `${FAIL2BAN_DIRECTORY}/fail2ban.d`]
  await Promise.all([
    ...[...SYSTEM_FILES].map(readOne),
    ...directories.map(async (directory) => {
      const names = (await orUnreadable(read, directory, () => listDirectory(root, directory))) ?? []
      await Promise.all(
        names
          .map((name) => `${directory}/${name}`)
          .filter(isFail2banConfig)
          .map(readOne),
      )
    }),
    listHostFiles(root).then((paths) =>
      Promise.all(
        paths.map((path) =>
          add(
            path,
            readConsulted(root, path).catch(() => null),
          ),
        ),
      ),
    ),
  ])
  return read
}
