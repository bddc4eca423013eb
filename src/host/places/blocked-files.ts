import { type BlockedHost, parseBlockedFile, withoutBlocked } from '../../detector/blocked-file.ts'
import type { Mode } from '../../detector/decision.ts'
import { getKey } from '../../documents/portsentry-conf.ts'
import { readFileState, replaceFile } from '../files.ts'
import { readHistory, rememberedHosts } from '../history.ts'
import { HostError } from '../host-error.ts'
import { type BanPlace, bareBan, NOTHING_TO_SAY, unread } from './place.ts'
import type { Vantage } from './vantage.ts'

const MODES_12: readonly Mode[] = ['tcp', 'stcp', 'atcp', 'udp', 'sudp', 'audp']

interface BlockedFile {
  readonly path: string
  /** Of the daemon that keeps it; null where it is the only one. */
  readonly mode: Mode | null
}

/**
 * The files that this portsentry may have. 1.2 keeps one a mode, reads it on each packet and empties it when it starts;
 * what a mode left that runs no longer is read by nobody.
 */
const filesOf = ({ release, conf }: Vantage): BlockedFile[] => {
  const path = conf === null ? '' : (getKey(conf, 'BLOCKED_FILE') ?? '')
  if (release === null || path === '') return []
  if (release.dialect === '2.x') return [{ path, mode: null }]
  return MODES_12.map((mode) => ({ path: `${path}.${mode}`, mode }))
}

const asBan = ({ host, timeMs, port, protocol }: BlockedHost, { path, mode }: BlockedFile) => ({
  ...bareBan(host, path),
  sinceMs: timeMs ?? null,
  port: port ?? null,
  protocol: protocol ?? null,
  mode,
})

/** The blocked file that counts for a daemon in this mode, latin1-decoded; null where there is none. */
export const readBlockedFile = async (vantage: Vantage, mode: Mode): Promise<string | null> => {
  const file = filesOf(vantage).find((each) => each.mode === null || each.mode === mode)
  return file === undefined ? null : ((await readFileState(vantage.root, file.path))?.text ?? null)
}

/** Whom portsentry itself takes for blocked: it does nothing more about these. */
export const blockedFilesPlace = (vantage: Vantage): BanPlace => {
  const { root, release, modes } = vantage
  const dialect = release?.dialect ?? '1.2'
  const files = filesOf(vantage)
  const isRead = ({ mode }: BlockedFile) => mode === null || modes.length === 0 || modes.includes(mode)
  return {
    name: 'blocked-file',
    read: async () => {
      if (files.length === 0) {
        const isUnknown = vantage.conf === null && !vantage.isAbsent
        return unread('blocked-file', vantage.remark || 'there is no BLOCKED_FILE', isUnknown)
      }
      try {
        const read = files.filter(isRead).map(async (file) => {
          const text = (await readFileState(root, file.path))?.text ?? ''
          return parseBlockedFile(text, dialect).map((blocked) => asBan(blocked, file))
        })
        const bans = (await Promise.all(read)).flat()
        // Portsentry's own memory: no ban has to be in it.
        return { place: 'blocked-file', isExpected: false, remark: '', bans }
      } catch (error) {
        if (error instanceof HostError) return unread('blocked-file', error.message)
        throw error
      }
    },
    release: async (hosts) => {
      let isChanged = false
      for (const { path } of files) {
        const file = await readFileState(root, path)
        const text = withoutBlocked(file?.text ?? '', hosts, dialect)
        if (file === null || text === file.text) continue
        await replaceFile(root, path, text, 0o600)
        isChanged = true
      }
      if (dialect === '1.2' || modes.length === 0) return NOTHING_TO_SAY
      // 2.x reads its file at its start only.
      const remembered = rememberedHosts(vantage, await readHistory(vantage))
      if (!isChanged && ![...hosts].some((host) => remembered.has(host))) return NOTHING_TO_SAY
      const said =
        'portsentry itself forgets it at its next restart; until then fail2ban bans a new scan all the same'
      return { remarks: [said] }
    },
  }
}
