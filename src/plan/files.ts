import { judgeConf } from '../detector/judge-conf.ts'
import { daemonModes } from '../detector/modes.ts'
import { applyEdits, type Edit } from '../documents/edit.ts'
import { setValue } from '../documents/fail2ban-edit.ts'
import { parseFail2banIni } from '../documents/fail2ban-ini.ts'
import { removeFaults } from '../documents/fail2ban-mend.ts'
import { parseHostsAccess } from '../documents/hosts-access.ts'
import { removeDenied, setAllowed } from '../documents/hosts-access-edit.ts'
import { parseIgnoreList, setIgnored } from '../documents/ignore-list.ts'
import { afterEdits, type LineOrigins, untouched } from '../documents/line-origins.ts'
import {
  getKey,
  overlongLines,
  type PortsentryConf,
  parsePortsentryConf,
  setKey,
  unsetKey,
} from '../documents/portsentry-conf.ts'
import { mendingEdits, mendRefused } from '../documents/portsentry-conf-mend.ts'
import {
  findAssignment,
  getVariable,
  parseShellAssignments,
  removeCarriageReturns,
  setVariable,
} from '../documents/shell-assignments.ts'
import { contains, isWithin, type Network, parseNetwork } from '../network.ts'
import type { Desired } from '../policy/desired.ts'
import { JAIL_PATH } from '../policy/jail.ts'
import type { Problem } from '../problem.ts'

/** A file's new text, what was changed in words, and what could not be. */
export interface Rewrite {
  readonly text: string
  readonly reasons: readonly string[]
  readonly problems: readonly Problem[]
}

const cannotSet = (path: string, what: string, line: number | undefined, hint: string): Problem => ({
  severity: 'error',
  code: 'cannot-set',
  message: `${what} cannot be set safely`,
  hint,
  at: line === undefined ? { path } : { path, line },
})

const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)

type Mending = ReturnType<typeof mendRefused>[number]

/** What the plan does about a line of portsentry.conf over which 2.x would not start. */
const MENDED: Record<Mending['as'], string> = {
  setting: 'the plan writes it as portsentry reads it',
  translation: 'the plan says it by the keys of portsentry 2.x',
  comment: 'the plan moves it to the start of the line',
  nothing: 'the plan comments it out',
}

const tellMended = (conf: PortsentryConf, mendings: readonly Mending[], path: string): Problem[] =>
  mendings.map(({ line, as }) => ({
    severity: 'warning',
    code: 'refused-line',
    message: `${quoted(conf.lines[line - 1]?.text ?? '')} is no setting of this portsentry, which would not start over it`,
    hint: MENDED[as],
    at: { path, line },
  }))

const tellOverlong = (conf: PortsentryConf, path: string): Problem[] =>
  overlongLines(conf).map((line) => ({
    severity: 'error',
    code: 'long-line',
    message: 'the line is too long: portsentry reads it in pieces',
    hint: 'shorten it',
    at: { path, line },
  }))

const wrongIgnoreFile = (value: string | undefined, wanted: string, path: string): Problem => ({
  severity: 'error',
  code: 'ignore-file',
  message: `IGNORE_FILE is "${value ?? ''}", but the whitelist goes to ${wanted}`,
  hint: `set IGNORE_FILE="${wanted}", or the LAN would be banned`,
  at: { path },
})

/** Problems with the edited text, at the lines that they had before. */
const asBefore = (problems: readonly Problem[], origins: LineOrigins): Problem[] =>
  problems.map(({ at: { path, line }, ...problem }) => {
    const origin = line === undefined ? null : (origins[line - 1] ?? null)
    return { ...problem, at: origin === null ? { path } : { path, line: origin } }
  })

/** portsentry.conf: every key as the daemon reads it, and nothing that keeps it from starting. */
export const rewriteConf = (text: string, desired: Desired): Rewrite => {
  const { release, modes } = desired
  const { confPath: path, dialect, builtIgnorePath } = release
  let current = parsePortsentryConf(text, dialect)
  const mendings = mendRefused(current)
  const problems = [...tellMended(current, mendings, path), ...tellOverlong(current, path)]
  const reasons: string[] = []
  let origins = untouched(text)
  const edit = (edits: readonly Edit[], reason: string): void => {
    if (edits.length === 0) return
    origins = afterEdits(origins, current.text, edits)
    current = parsePortsentryConf(applyEdits(current.text, edits), dialect)
    if (!reasons.includes(reason)) reasons.push(reason)
  }
  const isKept = mendings.every(({ as }) => as === 'setting' || as === 'comment')
  const mending = `lines that portsentry refuses ${isKept ? 'written as it reads them' : 'commented out'}`
  edit(mendingEdits(current, mendings), mending)
  // Twice: to 1.2 one odd line may say several keys, so that setting one unsets another.
  for (const [key, value] of [...desired.conf, ...desired.conf]) {
    if (value === null) edit(unsetKey(current, key), `no ${key}`)
    else edit(setKey(current, key, value), key)
  }
  for (const [key, value] of desired.conf) {
    if (getKey(current, key) === (value ?? undefined)) continue
    problems.push(cannotSet(path, key, undefined, `set ${key} by hand, or give the package's own file back`))
  }
  const ignoreFile = getKey(current, 'IGNORE_FILE')
  if (ignoreFile !== builtIgnorePath) problems.push(wrongIgnoreFile(ignoreFile, builtIgnorePath, path))
  const left = judgeConf(current, daemonModes(release, modes), path)
  // Overlong lines are told already, for both dialects.
  problems.push(...asBefore(left, origins).filter(({ code }) => code !== 'line-overlong'))
  return { text: current.text, reasons, problems }
}

/** /etc/default/portsentry: the modes, in a file that a shell can source. */
export const rewriteModes = (path: string, text: string, { modes }: Desired): Rewrite => {
  const reasons: string[] = []
  const problems: Problem[] = []
  let current = applyEdits(text, removeCarriageReturns(text))
  if (current !== text) reasons.push('LF line ends')
  for (const [name, value] of [
    ['TCP_MODE', modes.tcpMode],
    ['UDP_MODE', modes.udpMode],
  ] as const) {
    const file = parseShellAssignments(current)
    const edits = setVariable(file, name, value)
    if (edits.length === 0) continue
    current = applyEdits(current, edits)
    reasons.push(`${name}="${value}"`)
    if (getVariable(parseShellAssignments(current), name) !== value) {
      const line = findAssignment(file, name)?.line
      problems.push(cannotSet(path, name, line, `write plain ${name}="${value}" there`))
    }
  }
  return { text: current, reasons, problems }
}

/**
 * What the well-known article appends where its variables are empty, or LAN_NM is `/24`: `/` and
 * `192.168.1.10//24`. Nobody reads these; entries with host bits are told by the editors themselves.
 */
const isArticleEntry =
  ({ lan }: Desired) =>
  (entry: string): boolean => {
    const address = parseNetwork(/^([\d.]+)\/\/\d+$/.exec(entry)?.[1] ?? '')
    return entry === '/' || (address !== null && contains(lan, address))
  }

const edited = (text: string, edits: readonly Edit[], reason: string): Rewrite => ({
  text: applyEdits(text, edits),
  reasons: edits.length > 0 ? [reason] : [],
  problems: [],
})

export const rewriteHostsAllow = (text: string, desired: Desired): Rewrite =>
  edited(
    text,
    setAllowed(parseHostsAccess(text), [...desired.protectedNetworks], isArticleEntry(desired)),
    'the whitelist, in a form that libwrap matches',
  )

/** The ignore list; 2.x does not start over an entry that it cannot read, so that one is commented out. */
export const rewriteIgnoreList = (text: string, desired: Desired): Rewrite => {
  const { dialect, ignorePath: path } = desired.release
  // An unfinished last line is going to be ended, so what it then says is what counts.
  const original = parseIgnoreList(text === '' || text.endsWith('\n') ? text : `${text}\n`, dialect)
  const refused = dialect === '2.x' ? original.faults : []
  const refusedNumbers = new Set(refused.map(({ line }) => line))
  const offsets = original.entries.filter(({ line }) => refusedNumbers.has(line)).map(({ offset }) => offset)
  const readable = applyEdits(
    text,
    offsets.map((offset) => ({ offset, length: 0, text: '#' })),
  )
  const list = parseIgnoreList(readable, dialect)
  const rewritten = edited(
    readable,
    setIgnored(list, [...desired.ignored], isArticleEntry(desired)),
    'the whitelist, in a form that portsentry matches',
  )
  const overlong = dialect === '2.x' ? list.faults : []
  const lasting = overlong.map(
    ({ line, message }): Problem => ({
      severity: 'error',
      code: 'long-line',
      message: `portsentry would not start over this line, even as a comment: ${message}`,
      hint: 'shorten it',
      at: { path, line },
    }),
  )
  const problems = refused.map(
    ({ line, message }): Problem => ({
      severity: 'warning',
      code: 'refused-line',
      message: `portsentry would not start over this line: ${message}`,
      hint: 'the plan comments it out',
      at: { path, line },
    }),
  )
  const reasons = refused.length > 0 ? ['lines that portsentry refuses commented out'] : []
  return { ...rewritten, reasons: [...reasons, ...rewritten.reasons], problems: [...problems, ...lasting] }
}

const isProtected = (networks: readonly Network[]) => (client: string) => {
  const host = parseNetwork(client.replace(/^\[(.*)\]$/, '$1'))
  return host !== null && isWithin(networks, host)
}

/**
 * hosts.deny: protected hosts leave. An unfinished last line is ended: libwrap would refuse everybody over it,
 * and the daemon's next entry would be glued to it.
 */
export const rewriteHostsDeny = (text: string, desired: Desired): Rewrite => {
  const isUnfinished = (part: string) =>
    parseHostsAccess(part).faults.some(({ kind }) => kind === 'unfinished-line')
  // Behind a NUL byte libwrap sees no newline: adding one would not help.
  const ended = isUnfinished(text) && !isUnfinished(`${text}\n`) ? `${text}\n` : text
  // Ended first, since the line may say more then: of a carriage return at its end, a part of the line end is left.
  const released = edited(
    ended,
    removeDenied(parseHostsAccess(ended), isProtected(desired.protectedNetworks)),
    'protected hosts released',
  )
  const isEnded = ended !== text && released.text.endsWith(ended.slice(text.lastIndexOf('\n') + 1))
  return isEnded ? { ...released, reasons: [...released.reasons, 'its last line ended'] } : released
}

/** The fail2ban jail file: what is in the way of reading it mended, then each option. */
export const rewriteJails = (text: string, desired: Desired): Rewrite => {
  const reasons: string[] = []
  let current = parseFail2banIni(text)
  const mended = removeFaults(current, 'portsentry')
  if (mended.length > 0) {
    current = parseFail2banIni(applyEdits(text, mended))
    reasons.push('readable by fail2ban')
  }
  for (const [jail, options] of desired.jails) {
    const changed: string[] = []
    for (const [option, value] of options) {
      const edits = setValue(current, jail, option, value)
      if (edits.length === 0) continue
      current = parseFail2banIni(applyEdits(current.text, edits))
      changed.push(option)
    }
    if (changed.length > 0) reasons.push(`[${jail}] ${changed.join(', ')}`)
  }
  const problems = current.faults.map(
    ({ line, message }): Problem => ({
      severity: 'error',
      code: 'jail-fault',
      message: `fail2ban would refuse the file: ${message}`,
      hint: 'mend the line, or remove the file',
      at: { path: JAIL_PATH, line },
    }),
  )
  return { text: current.text, reasons, problems }
}
