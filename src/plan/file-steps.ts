import jailTemplate from '../../templates/fail2ban-jail.conf?raw'
import type { Desired } from '../policy/desired.ts'
import { type Facts, fileText } from '../policy/facts.ts'
import { isJailWanted, JAIL_PATH } from '../policy/jail.ts'
import { portsentryWritesHostsDeny } from '../policy/lenient-rules.ts'
import type { Problem } from '../problem.ts'
import { type Rewrite, rewriteHostsAllow, rewriteHostsDeny, rewriteJails, rewriteModes } from './files.ts'
import type { TouchStep, WriteStep } from './plan.ts'
import { rewriteConf } from './rewrite-conf.ts'
import { rewriteIgnoreList } from './rewrite-ignore-list.ts'

const HOSTS_ALLOW = '/etc/hosts.allow'
const HOSTS_DENY = '/etc/hosts.deny'

interface ManagedFile {
  readonly path: string
  readonly rewrite: (text: string, desired: Desired) => Rewrite
  /** The content to start from if the file does not exist; undefined: a missing file is a problem. */
  readonly initial?: string
}

/** Every configuration file that apply may edit, in that order. */
export const managedFiles = ({ release }: Desired): ManagedFile[] => {
  const { modesPath } = release
  const modes: ManagedFile[] =
    modesPath === null
      ? []
      : [{ path: modesPath, rewrite: (text, desired) => rewriteModes(modesPath, text, desired), initial: '' }]
  return [
    ...modes,
    { path: release.confPath, rewrite: rewriteConf },
    { path: HOSTS_ALLOW, rewrite: rewriteHostsAllow, initial: '' },
    { path: release.ignorePath, rewrite: rewriteIgnoreList, initial: '' },
    { path: JAIL_PATH, rewrite: rewriteJails, initial: jailTemplate },
  ]
}

const missingFile = (path: string, packageName: string): Problem => ({
  severity: 'error',
  code: 'missing-file',
  message: 'is missing, although its package is installed',
  hint: `apt-get install --reinstall -o Dpkg::Options::=--force-confmiss ${packageName}`,
  at: { path },
})

/** The step that edits a managed file, or null where its content stays. */
export const planFile = (
  file: ManagedFile,
  desired: Desired,
  facts: Facts,
): { step: WriteStep | null; problems: readonly Problem[] } => {
  const state = facts.files.get(file.path)
  const start = state?.text ?? file.initial
  if (start === undefined) {
    const isMissing = facts.packages.has('portsentry')
    return { step: null, problems: isMissing ? [missingFile(file.path, 'portsentry')] : [] }
  }
  const { text, reasons, problems } = file.rewrite(start, desired)
  if (text === state?.text) return { step: null, problems }
  const step: WriteStep = {
    kind: 'write',
    path: file.path,
    before: state?.text ?? null,
    after: text,
    mode: 0o644,
    fromPackage: facts.predicted.has(file.path),
    reasons,
  }
  return { step, problems }
}

/** In hosts.deny only portward's bans, entries for protected hosts and a missing last newline are changed. */
export const planHostsDeny = (desired: Desired, facts: Facts): WriteStep | null => {
  const before = fileText(facts, HOSTS_DENY) ?? null
  const { text, reasons } = rewriteHostsDeny(before ?? '', desired)
  if (text === (before ?? '')) return null
  const fromPackage = facts.predicted.has(HOSTS_DENY)
  return { kind: 'write', path: HOSTS_DENY, before, after: text, mode: 0o644, fromPackage, reasons }
}

/**
 * fail2ban does not start while a jail's log is missing, and portsentry 1.2 creates its history only when it first detects
 * something: it is created here with the mode that portsentry would use.
 */
export const planLogs = (desired: Desired, facts: Facts): TouchStep[] => {
  const { release, historyPath, logs } = desired
  const isComing = release.packageMakesHistory && !facts.packages.has('portsentry')
  const history =
    isComing && historyPath === release.requiredKeys.get('HISTORY_FILE')
      ? []
      : [{ path: historyPath, mode: 0o600 }]
  const isRead = isJailWanted(desired)
  const forFail2ban = ['fail2ban does not start without it']
  return [
    ...history.map((log) => ({ ...log, reasons: isRead ? forFail2ban : ['portsentry logs scans in it'] })),
    ...logs.map((path) => ({ path, mode: 0o640, reasons: forFail2ban })),
    // portsentry 2.x appends to the file, but does not create it.
    ...(portsentryWritesHostsDeny(desired)
      ? [{ path: HOSTS_DENY, mode: 0o644, reasons: ['bans are written to it'] }]
      : []),
  ]
    .filter(({ path }) => !facts.files.has(path))
    .map((file) => ({ kind: 'touch', ...file }))
}
