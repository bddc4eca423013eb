import { judgeConf } from '../detector/judge-conf.ts'
import type { Daemon } from '../documents/daemon-patterns.ts'
import { decides, type HostsAccess, parseHostsAccess } from '../documents/hosts-access.ts'
import { ignored, parseIgnoreList } from '../documents/ignore-list.ts'
import { notContaining } from '../documents/other-addresses.ts'
import { getKey, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import { contains, formatCidr, hasHostBits, type Network, networkOf, parseNetwork } from '../network.ts'
import { listed, shortList } from '../phrases.ts'
import { isInSync, type Plan } from '../plan/plan.ts'
import { describeWrappers } from '../plan/render.ts'
import { lostFrom } from '../plan/services.ts'
import type { Desired } from '../policy/desired.ts'
import { type Facts, fileText } from '../policy/facts.ts'
import { effective } from '../policy/fail2ban-view.ts'
import { lineFor } from '../policy/hosts-access-verdict.ts'
import { FAIL2BAN_DIRECTORY, viewWith } from '../policy/jail.ts'
import { findLenientRules } from '../policy/lenient-rules.ts'
import { daemonModes } from '../policy/release.ts'
import { needsOf, openIn } from '../policy/untried.ts'
import { caveatsOf, isError, type Problem, renderProblem } from '../problem.ts'
import { type Check, checkFor } from './check.ts'

const APPLY = 'portward apply'

const clip = (text: string): string => JSON.stringify(text.length > 70 ? `${text.slice(0, 70)}…` : text)

/** `path:line: what is wrong`. */
const describeProblem = ({ message, at: { path, line } }: Problem): string =>
  `${path}${line === undefined ? '' : `:${line}`}: ${message}`

const checkConf = ({ release, modes, conf: keys }: Desired, facts: Facts, plan: Plan | null): Check => {
  const { confPath: path, dialect, moreKeys } = release
  const check = checkFor('conf')
  const text = fileText(facts, path)
  if (text === undefined) return check.fail(`${path} does not exist: portsentry does not start`, APPLY)
  const conf = parsePortsentryConf(text, dialect, moreKeys)
  const found = judgeConf(conf, daemonModes(release, modes), path)
  // A value that is cut off may be a different command.
  const fatal = found.find(isError) ?? found.find(({ code }) => code === 'cut-value')
  if (fatal !== undefined) {
    const isFixable = isError(fatal) && plan !== null
    return check.fail(describeProblem(fatal), isFixable ? APPLY : fatal.hint)
  }
  const wrong = [...keys].filter(([key, value]) => getKey(conf, key) !== (value ?? undefined))
  const [first] = wrong
  if (first !== undefined) {
    const [key, value] = first
    const seen = getKey(conf, key)
    return check.fail(
      `${path}: portsentry ${seen === undefined ? `does not read ${key}` : `reads ${key} as ${clip(seen)}`}, config.env asks for ${value === null ? 'none' : clip(value)}${wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : ''}`,
      APPLY,
    )
  }
  const [odd, ...more] = found
  if (odd !== undefined) {
    return check.warn(
      `${describeProblem(odd)}${more.length > 0 ? ` (and ${more.length} more)` : ''}`,
      odd.hint,
    )
  }
  return check.pass(`${path}: ${keys.size} keys`)
}

interface Entry {
  readonly text: string
  readonly line: number
}

/** Entries that were meant for the network but are written so that they match no host. */
const meantFor = (network: Network, entries: readonly Entry[]): Entry | undefined =>
  entries.find(({ text }) => {
    const meant = parseNetwork(text.replace(/^\[(.*)\]/, '$1').replace('//', '/'))
    return meant !== null && hasHostBits(meant) && contains(networkOf(meant), networkOf(network))
  })

/** Checks that a list covers the networks; names the networks that it does not cover, and an entry that was meant to. */
const checkList = (
  check: ReturnType<typeof checkFor>,
  path: string,
  networks: readonly Network[],
  isCovered: (network: Network) => boolean,
  entries: readonly Entry[],
): Check => {
  const lost = networks.filter((network) => !isCovered(network))
  if (lost.length === 0) return check.pass(`${path}: ${shortList(networks.map(formatCidr), 8)}`)
  const entry = lost.map((network) => meantFor(network, entries)).find((found) => found !== undefined)
  const names = shortList(lost.map(formatCidr))
  return entry === undefined
    ? check.fail(`${path} lacks ${names}`, APPLY)
    : check.fail(
        `${path}:${entry.line}: ${entry.text} has host bits set and matches no host; ${names} is missing`,
        APPLY,
      )
}

const checkIgnoreList = (desired: Desired, facts: Facts): Check => {
  const { release, ignored: networks } = desired
  const check = checkFor('ignore-list')
  // 1.2's list is built when it starts: a tree may not have it yet.
  const built = fileText(facts, release.builtIgnorePath)
  const path = built === undefined && facts.live === null ? release.ignorePath : release.builtIgnorePath
  const text = fileText(facts, path)
  if (text === undefined) return check.fail(`${path} is missing: portsentry acts on every host`, APPLY)
  const list = parseIgnoreList(text, release.dialect, notContaining(networks))
  const fault = release.dialect === '2.x' ? list.faults[0] : undefined
  if (fault !== undefined) {
    return check.fail(
      `${path}:${fault.line}: portsentry does not start because of this line: ${fault.message}`,
      APPLY,
    )
  }
  const entries = list.entries.map(({ raw, line }) => ({ text: raw, line }))
  const found = checkList(check, path, networks, (network) => ignored(list, network), entries)
  const ended = text.slice(0, text.lastIndexOf('\n') + 1)
  if (release.dialect === '2.x' || found.result !== 'pass' || ended === text) return found
  // 1.2 reads such a line with leftovers in its buffer, which differ between builds.
  const unsure = lostFrom(ended, desired)
  return unsure.length === 0
    ? found
    : check.warn(
        `${path}:${ended.split('\n').length}: the last line does not end with a newline, so portsentry may not read it; it has ${shortList(unsure.map(formatCidr))}`,
        `echo >>${path}`,
      )
}

const HOSTS_ALLOW = '/etc/hosts.allow'

/** The first rule that refuses a protected network to a daemon, in words. */
const describeRefusal = (
  file: HostsAccess,
  networks: readonly Network[],
  daemons: readonly Daemon[],
): string | null => {
  for (const network of networks) {
    const daemon = daemons.find((each) => decides(file, network, 'allow', each) === 'deny')
    if (daemon === undefined) continue
    const line = lineFor(file, network, 'allow', daemon)
    return `${HOSTS_ALLOW}:${line}: this rule keeps ${formatCidr(network)} out of ${daemon ?? 'every daemon'}`
  }
  return null
}

const checkHostsAllow = (desired: Desired, facts: Facts): Check => {
  const { hostsAllowNetworks, libwrapDaemons } = desired
  const check = checkFor('hosts-allow')
  const file = parseHostsAccess(fileText(facts, HOSTS_ALLOW) ?? '', notContaining(hostsAllowNetworks))
  const daemons: readonly Daemon[] = [null, ...libwrapDaemons]
  const refusal = describeRefusal(file, hostsAllowNetworks, daemons)
  if (refusal !== null) return check.fail(refusal, APPLY)
  const entries = file.rules.flatMap(({ clients, line }) => clients.map((text) => ({ text, line })))
  const isAllowed = (network: Network) =>
    daemons.every((daemon) => decides(file, network, 'allow', daemon) === 'allow')
  const found = checkList(check, HOSTS_ALLOW, hostsAllowNetworks, isAllowed, entries)
  const [lenient] = found.result === 'pass' ? findLenientRules(file, desired) : []
  return lenient === undefined
    ? found
    : check.warn(`${HOSTS_ALLOW}:${lenient.at.line}: ${lenient.message}`, lenient.hint)
}

/** Options of jails that have another value than portward sets, with the file and line that set it. */
export const overriding = (desired: Desired, facts: Facts): { what: string; source: string }[] => {
  const view = viewWith(facts)
  return [...desired.jails].flatMap(([jail, options]) =>
    [...options]
      // For a disabled jail the other options do not matter.
      .filter(([option]) => options.get('enabled') !== 'false' || option === 'enabled')
      .flatMap(([option, wanted]) => {
        const decided = effective(view, jail, option)
        if (decided?.value === wanted) return []
        const source =
          decided === undefined ? FAIL2BAN_DIRECTORY : `${FAIL2BAN_DIRECTORY}/${decided.path}:${decided.line}`
        const value = decided === undefined ? 'is not set' : `is ${clip(decided.value)}`
        return [{ what: `${option} of the ${jail} jail ${value}, not ${clip(wanted)}`, source }]
      }),
  )
}

const checkJailFiles = (desired: Desired, facts: Facts): Check => {
  const check = checkFor('jail-files')
  const [first, ...more] = overriding(desired, facts)
  if (first === undefined) return check.pass('no other file overrides it')
  return check.fail(
    `${first.source}: ${first.what}${more.length > 0 ? ` (and ${more.length} more)` : ''}`,
    `correct that line, or run ${APPLY} where it is in the file that portward writes`,
  )
}

/** `others`: other checks, which may have reported already why there is no plan. */
const checkDrift = (plan: Plan | null, problems: readonly Problem[], others: readonly Check[]): Check => {
  const check = checkFor('drift')
  if (plan === null) {
    const isSaid = ({ message }: Problem) => others.some((other) => other.message.includes(message))
    const error = problems.filter(isError).find((problem) => !isSaid(problem))
    return check.warn(
      error === undefined ? 'unknown: no plan can be made' : renderProblem(error),
      'portward plan',
    )
  }
  if (isInSync(plan)) {
    const [caveat] = problems.filter(({ code }) => code === 'unconfirmed')
    if (caveat !== undefined) return check.warn(`in sync, but ${caveat.message}`, caveat.hint)
    const [unseen] = caveatsOf(problems)
    return unseen === undefined ? check.pass('in sync') : check.skip(`in sync, but ${unseen}`)
  }
  if (plan.inexact.length > 0) return check.warn(`unknown: ${plan.inexact.join('; ')}`, 'portward plan')
  const { length } = plan.steps
  return check.warn(
    `${length === 1 ? '1 change is' : `${length} changes are`} pending`,
    'portward plan shows them',
  )
}

/** Only if portsentry is of an untried version. */
const checkAccepts = ({ release, modes, conf }: Desired, facts: Facts): Check[] => {
  const needs = needsOf(facts, release, modes, conf)
  if (needs === null) return []
  const check = checkFor('accepts')
  const { version, needed, refused } = needs
  if (refused.length > 0) {
    return [
      check.fail(`portsentry ${version} does not know ${listed(refused)}`, 'install an earlier portsentry'),
    ]
  }
  const open = openIn(needs)
  return open === null
    ? [check.pass(`asked, portsentry ${version} accepts all ${needed.length} keys and options`)]
    : [check.skip(`portsentry ${version}: ${open}`)]
}

/** The daemons that use hosts.allow at all: on today's Debian there are few. */
const checkWrapped = (facts: Facts): Check => {
  const check = checkFor('wrapped')
  if (facts.wrapped === null)
    return check.skip(describeWrappers(facts), 'run portward verify on the server itself')
  return facts.wrapped.length === 0
    ? check.pass(`${describeWrappers(facts)}: bans work by the firewall only`)
    : check.pass(facts.wrapped.join(', '))
}

/** The checks of the files. Pure. */
export const checkConfiguration = (
  desired: Desired,
  facts: Facts,
  plan: Plan | null,
  problems: readonly Problem[],
  others: readonly Check[] = [],
): Check[] => {
  const checks = [
    ...checkAccepts(desired, facts),
    checkConf(desired, facts, plan),
    checkIgnoreList(desired, facts),
    checkHostsAllow(desired, facts),
    checkJailFiles(desired, facts),
    checkWrapped(facts),
  ]
  return [checkDrift(plan, problems, [...checks, ...others]), ...checks]
}
