import { sampleLine } from '../detector/samples.ts'
import { parseAddress } from '../network.ts'
import type { Desired } from '../policy/desired.ts'
import { FAIL2BAN_DIRECTORY } from '../policy/jail.ts'
import { localTime } from './clock.ts'
import { readOption } from './fail2ban.ts'
import { readFileState } from './files.ts'
import { tryRun } from './process.ts'

/** What the live fail2ban says when it is asked. */
export interface Asked {
  /** The server's word on the portsentry jail's logs; null where it does not answer. */
  readonly logpath: string | null
  /** The lines of `fail2ban-client -d`, or why there are none. */
  readonly dump: { readonly lines: readonly string[] } | { readonly failure: string }
  /** What `fail2ban-regex` makes of a history line of this portsentry; null where it cannot be run. */
  readonly filter: { readonly matched: boolean; readonly said: string } | null
}

const TIMEOUT_MS = 30_000
/** Nobody's address (RFC 5737). */
const NOBODY = parseAddress('192.0.2.1') ?? []

const readDump = async (): Promise<Asked['dump']> => {
  const { exitCode, stdout, stderr } = await tryRun('fail2ban-client', ['-d'], { timeoutMs: TIMEOUT_MS })
  if (exitCode === 0) return { lines: stdout.split('\n').filter(Boolean) }
  return { failure: (stderr.trim() || stdout.trim()).split('\n').at(-1) ?? '' }
}

const tryFilter = async ({ release }: Desired): Promise<Asked['filter']> => {
  const name = `${FAIL2BAN_DIRECTORY}/filter.d/${release.filter}`
  const files = await Promise.all(['conf', 'local'].map((end) => readFileState('/', `${name}.${end}`)))
  if (files.every((file) => file === null)) return { matched: false, said: `there is no ${name}.conf` }
  const now = Date.now()
  const line = sampleLine(release.dialect, NOBODY, now, localTime(now)).trimEnd()
  const { exitCode, stdout, stderr } = await tryRun('fail2ban-regex', [line, `${name}.conf`], {
    timeoutMs: TIMEOUT_MS,
  })
  const matched = /^Lines: 1 lines, 0 ignored, 1 matched/m.test(stdout)
  if (exitCode === 127) return null
  const last = (stderr.trim() || stdout.trim()).split('\n').at(-1) ?? ''
  return { matched, said: matched ? '' : `${line} (${last})` }
}

/** Asks fail2ban's own programs; nothing is changed by it. */
export const askFail2ban = async (desired: Desired): Promise<Asked> => {
  const [logpath, dump, filter] = await Promise.all([
    process.getuid?.() === 0 ? readOption('portsentry', 'logpath') : null,
    readDump(),
    tryFilter(desired),
  ])
  return { logpath, dump, filter }
}
