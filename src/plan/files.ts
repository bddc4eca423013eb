import { applyEdits, type Edit } from '../documents/edit.ts'
import { parseFail2banIni, removeFaults, setValue } from '../documents/fail2ban-ini.ts'
import { parseHostsAccess, removeDenied, setAllowed } from '../documents/hosts-access.ts'
import { parseIgnoreList, setIgnored } from '../documents/ignore-list.ts'
import {
  getKey,
  overlongLines,
  parsePortsentryConf,
  setKey,
  strayLines,
  unsetKey,
} from '../documents/portsentry-conf.ts'
import {
  findAssignment,
  getVariable,
  parseShellAssignments,
  removeCarriageReturns,
  setVariable,
} from '../documents/shell-assignments.ts'
import { contains, type Network, parseNetwork } from '../network.ts'
import type { Desired } from '../policy/desired.ts'
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

const fault = (path: string, line: number, message: string, hint: string): Problem => ({
  severity: 'error',
  code: 'bad-line',
  message: `the line ${message}`,
  hint,
  at: { path, line },
})

/** portsentry.conf: every key as the daemon reads it. */
export const rewriteConf = (text: string, desired: Desired): Rewrite => {
  const { confPath: path, dialect } = desired.release
  let current = parsePortsentryConf(text, dialect)
  const reasons: string[] = []
  const problems: Problem[] = [
    ...strayLines(current).map((line) =>
      fault(path, line, 'keeps portsentry from starting', 'comment it out with "#"'),
    ),
    ...overlongLines(current).map((line) =>
      fault(path, line, 'is too long: portsentry reads it in pieces', 'shorten it'),
    ),
  ]
  const absent = [...desired.release.requiredKeys].filter(([key]) => !getKey(current, key))
  for (const [key, value] of [...absent, ...desired.conf]) {
    const edits = value === null ? unsetKey(current, key) : setKey(current, key, value)
    if (edits.length === 0) continue
    current = parsePortsentryConf(applyEdits(current.text, edits), dialect)
    reasons.push(value === null ? `no ${key}` : key)
    if (getKey(current, key) !== (value ?? undefined)) {
      problems.push(
        cannotSet(path, key, undefined, `set ${key} by hand, or give the package's own file back`),
      )
    }
  }
  const ignoreFile = getKey(current, 'IGNORE_FILE')
  if (ignoreFile !== desired.release.builtIgnorePath) {
    problems.push({
      severity: 'error',
      code: 'ignore-file',
      message: `IGNORE_FILE is "${ignoreFile ?? ''}", but the whitelist goes to ${desired.release.builtIgnorePath}`,
      hint: `set IGNORE_FILE="${desired.release.builtIgnorePath}", or the LAN would be banned`,
      at: { path },
    })
  }
  return { text: current.text, reasons, problems }
}

/** /etc/default/portsentry: the modes, in a file that a shell can source. */
export const rewriteModes = (text: string, desired: Desired): Rewrite => {
  const path = desired.release.modesPath
  const reasons: string[] = []
  const problems: Problem[] = []
  let current = applyEdits(text, removeCarriageReturns(text))
  if (current !== text) reasons.push('LF line ends')
  for (const [name, value] of Object.entries(desired.modes)) {
    const file = parseShellAssignments(current)
    const edits = setVariable(file, name, value)
    if (edits.length === 0) continue
    current = applyEdits(current, edits)
    reasons.push(`${name}="${value}"`)
    const after = parseShellAssignments(current)
    if (getVariable(after, name) !== value) {
      problems.push(
        cannotSet(path, name, findAssignment(file, name)?.line, `write plain ${name}="${value}" there`),
      )
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

export const rewriteIgnoreList = (text: string, desired: Desired): Rewrite =>
  edited(
    text,
    setIgnored(parseIgnoreList(text, desired.release.dialect), [...desired.ignored], isArticleEntry(desired)),
    'the whitelist, in a form that portsentry matches',
  )

const isProtected = (networks: readonly Network[]) => (client: string) => {
  const host = parseNetwork(client.replace(/^\[(.*)\]$/, '$1'))
  return host !== null && networks.some((network) => contains(network, host))
}

/**
 * hosts.deny: protected hosts leave. An unfinished last line is ended: libwrap would refuse everybody over it,
 * and the daemon's next entry would be glued to it.
 */
export const rewriteHostsDeny = (text: string, desired: Desired): Rewrite => {
  const released = edited(
    text,
    removeDenied(parseHostsAccess(text), isProtected(desired.protectedNetworks)),
    'protected hosts released',
  )
  const isUnfinished = (part: string) =>
    parseHostsAccess(part).faults.some(({ kind }) => kind === 'unfinished-line')
  if (!isUnfinished(released.text)) return released
  return { ...released, text: `${released.text}\n`, reasons: [...released.reasons, 'its last line ended'] }
}

/** The fail2ban jail file: what is in the way of reading it mended, then each option. */
export const rewriteJails = (text: string, desired: Desired, path: string): Rewrite => {
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
      at: { path, line },
    }),
  )
  return { text: current.text, reasons, problems }
}
