import { judgeConf } from '../detector/judge-conf.ts'
import { applyEdits, type Edit } from '../documents/edit.ts'
import { afterEdits, type LineOrigins, untouched } from '../documents/line-origins.ts'
import {
  getKey,
  overlongLines,
  type PortsentryConf,
  parsePortsentryConf,
  setKey,
  unsetKey,
} from '../documents/portsentry-conf.ts'
import { fixEdits, fixRefused } from '../documents/portsentry-conf-fix.ts'
import { listed } from '../phrases.ts'
import type { Desired } from '../policy/desired.ts'
import { daemonModes } from '../policy/release.ts'
import type { Problem } from '../problem.ts'
import { cannotSet, type Rewrite } from './files.ts'
import { modesInWords } from './phrases.ts'

const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)

type Fix = ReturnType<typeof fixRefused>[number]

/** What the plan does about a line of portsentry.conf that keeps 2.x from starting. */
const FIXED: Record<Fix['as'], string> = {
  setting: 'the plan rewrites it in the form that portsentry reads',
  translation: 'the plan keeps it in a comment, and sets the ports of the modes atcp and audp from it',
  comment: 'the plan moves it to the start of the line',
  nothing: 'the plan comments it out',
}

const describeFixes = (conf: PortsentryConf, fixes: readonly Fix[], path: string): Problem[] =>
  fixes.map(({ line, as }) => ({
    severity: 'warning',
    code: 'refused-line',
    message: `${quoted(conf.lines[line - 1]?.text ?? '')} is not a setting of this portsentry, which would refuse to start`,
    hint: FIXED[as],
    at: { path, line },
  }))

const describeFixed = (fixes: readonly Fix[]): string => {
  const isKept = fixes.every(({ as }) => as === 'setting' || as === 'comment')
  return `lines that portsentry refuses ${isKept ? 'rewritten in the form that it reads' : 'commented out'}`
}

/** What these keys are changed for. Where no other file has the modes, they stand for the ports. */
const describeKeys = (changed: ReadonlySet<string>, { conf, release, modes }: Desired): string[] => {
  const off = [...changed].filter((key) => conf.get(key) === null)
  const set = [...changed].filter((key) => !off.includes(key))
  const protocols = (['TCP', 'UDP'] as const).filter((protocol) => changed.has(`${protocol}_PORTS`))
  return [
    ...(release.modesPath === null ? modesInWords(protocols, modes) : []),
    ...(set.length > 0 ? [`sets ${listed(set)}`] : []),
    ...(off.length > 0 ? [`turns ${listed(off)} off`] : []),
  ]
}

const describeOverlong = (conf: PortsentryConf, path: string): Problem[] =>
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
  message: `IGNORE_FILE is "${value ?? ''}", but the whitelist is written to ${wanted}`,
  hint: `set IGNORE_FILE="${wanted}", or the LAN would be banned`,
  at: { path },
})

/** Problems of the edited text, with the line numbers of the original text. */
const asBefore = (problems: readonly Problem[], origins: LineOrigins): Problem[] =>
  problems.map(({ at: { path, line }, ...problem }) => {
    const origin = line === undefined ? null : (origins[line - 1] ?? null)
    return { ...problem, at: origin === null ? { path } : { path, line: origin } }
  })

/** portsentry.conf: every key as the daemon reads it, and nothing that keeps it from starting. */
export const rewriteConf = (text: string, desired: Desired): Rewrite => {
  const { release, modes } = desired
  const { confPath: path, dialect, moreKeys, builtIgnorePath } = release
  let current = parsePortsentryConf(text, dialect, moreKeys)
  const fixes = fixRefused(current)
  const problems = [...describeFixes(current, fixes, path), ...describeOverlong(current, path)]
  const changed = new Set<string>()
  let origins = untouched(text)
  const edit = (edits: readonly Edit[]): void => {
    if (edits.length === 0) return
    origins = afterEdits(origins, current.text, edits)
    current = parsePortsentryConf(applyEdits(current.text, edits), dialect, moreKeys)
  }
  const fixed = fixEdits(current, fixes)
  edit(fixed)
  // Twice: 1.2 may read several keys from one odd line, so that setting one unsets another.
  for (const [key, value] of [...desired.conf, ...desired.conf]) {
    const edits = value === null ? unsetKey(current, key) : setKey(current, key, value)
    edit(edits)
    if (edits.length > 0) changed.add(key)
  }
  for (const [key, value] of desired.conf) {
    if (getKey(current, key) === (value ?? undefined)) continue
    problems.push(cannotSet(path, key, undefined, `set ${key} by hand, or restore the package's own file`))
  }
  const ignoreFile = getKey(current, 'IGNORE_FILE')
  if (ignoreFile !== builtIgnorePath) problems.push(wrongIgnoreFile(ignoreFile, builtIgnorePath, path))
  const left = judgeConf(current, daemonModes(release, modes), path)
  // Overlong lines are reported already, for both dialects.
  problems.push(...asBefore(left, origins).filter(({ code }) => code !== 'line-overlong'))
  const reasons = [...(fixed.length > 0 ? [describeFixed(fixes)] : []), ...describeKeys(changed, desired)]
  return { text: current.text, reasons, problems }
}
