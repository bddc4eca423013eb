import { join } from 'node:path'
import { type Assessment, assess } from '../assessment/assess.ts'
import type { PortsentryInstance } from '../bans/portsentry-instance.ts'
import { rememberedHosts } from '../bans/read-bans.ts'
import { predict } from '../detector/predict.ts'
import { parseHostsAccess } from '../documents/hosts-access.ts'
import { parseIgnoreList } from '../documents/ignore-list.ts'
import { judgeIgnoreip } from '../documents/ignoreip.ts'
import { lineText } from '../documents/lines.ts'
import { notContaining } from '../documents/other-addresses.ts'
import { JAIL, readJailState } from '../facts/fail2ban.ts'
import { renderSections } from '../layout.ts'
import { formatAddress, type Network } from '../network.ts'
import { pendingAsJson, pendingProblem } from '../policy/confirmation.ts'
import { isNewer, namedConf } from '../policy/daemons.ts'
import { type Facts, fileText } from '../policy/facts.ts'
import { effective, enabledJails } from '../policy/fail2ban-view.ts'
import { judgedDaemons, judgeHost } from '../policy/hosts-access-verdict.ts'
import { readableIgnoreFiles } from '../policy/ignore-files.ts'
import { FAIL2BAN_DIRECTORY, viewWith } from '../policy/jail.ts'
import { daemonModes } from '../policy/release.ts'
import { isError, renderProblem } from '../problem.ts'
import { styled } from '../styled.ts'
import { type FileState, readFileState } from '../system/files.ts'
import { isoTimestamp } from '../system/timestamps.ts'
import { readHost } from './address.ts'
import { banAsJson, storesAsJson } from './ban-table.ts'
import { type Bans, bansOf } from './bans.ts'
import { judgeIgnoreList, subjectOf } from './detect-subject.ts'
import { describeAll } from './explain-text.ts'
import { concludeFrom, VERDICT_STYLES } from './explain-verdict.ts'
import type { Daemons, Explanation, FirewallState, JailFiles } from './explanation.ts'
import { EXIT, type GlobalOptions, openOutput } from './output.ts'

/** The first of these files that exists; from the facts if they have it. */
const findFile = async (
  { root, files }: Facts,
  paths: readonly string[],
): Promise<{ path: string; file: FileState } | null> => {
  for (const path of paths) {
    const file = files.get(path) ?? (await readFileState(root, path).catch(() => null))
    if (file !== null) return { path, file }
  }
  return null
}

/** Why running daemons may not use these files, which they read only when they start. */
const findStale = (
  { release, daemons }: PortsentryInstance,
  read: readonly { readonly path: string; readonly file: FileState | undefined }[],
): string[] => {
  const others = daemons.flatMap((daemon) => namedConf(daemon) ?? [])
  const named = release?.dialect === '2.x' ? others.filter((path) => path !== release.confPath) : []
  return [
    ...named.map((path) => `was started with another configuration file, ${path}`),
    ...read
      .filter(({ file }) => file !== undefined && isNewer(file.modifiedMs, daemons))
      .map(({ path }) => `was started before ${path} changed`),
  ]
}

/** portsentry in the modes that are running; if none is, in those that should be. */
const readDaemons = async (
  bans: Bans,
  { settings, facts }: Assessment,
  host: Network,
): Promise<Daemons | null> => {
  const { instance, blocked } = bans
  const { release, conf, root, isLive, modes: running } = instance
  if (release === null || conf === null) return null
  const { dialect, confPath, title } = release
  const modes = running.length > 0 || settings === null ? running : daemonModes(release, settings)
  const subject = subjectOf(root, conf, release, modes)
  const { configurations, ignorePaths, needsIgnoreList, problems } = subject
  const found = await findFile(facts, ignorePaths)
  const list = found === null ? null : parseIgnoreList(found.file.text, dialect, notContaining([host]))
  const shownPath = join(root, found?.path ?? ignorePaths[0] ?? '')
  const faults = needsIgnoreList ? judgeIgnoreList(list, shownPath) : []
  const target = { address: host.bytes, host: formatAddress(host.bytes) }
  const hosts = rememberedHosts(bans)
  const predictions = configurations.map((configuration) => {
    const file = blocked.get(configuration.mode) ?? blocked.get(null) ?? null
    return predict(configuration, target, list, { file, hosts })
  })
  const line = predictions.find(({ ignoredByLine }) => ignoredByLine !== null)?.ignoredByLine ?? null
  // 1.2 reads its ignore list at each packet.
  const atStart = [
    { path: confPath, file: facts.files.get(confPath) },
    ...(dialect === '2.x' && found ? [found] : []),
  ]
  return {
    title,
    dialect,
    isRunning: isLive ? running.length > 0 : null,
    deaf: Object.fromEntries(instance.deaf),
    faults: [...problems, ...faults].filter(isError).map(renderProblem),
    stale: findStale(instance, atStart),
    predictions,
    ignoredBy: line === null ? null : `${shownPath}:${line} (${lineText(list?.text ?? '', line).trim()})`,
  }
}

/** The portsentry jail according to fail2ban's files. */
const judgeJailFiles = (facts: Facts, host: Network): JailFiles => {
  const view = viewWith(facts)
  const ignoreip = effective(view, JAIL, 'ignoreip')
  const { entry, at, unread } = judgeIgnoreip(ignoreip?.value ?? '', host, readableIgnoreFiles(facts))
  const place = ignoreip === undefined ? '' : `${FAIL2BAN_DIRECTORY}/${ignoreip.path}:${ignoreip.line}`
  return {
    isEnabled: enabledJails(view).includes(JAIL),
    bantime: effective(view, JAIL, 'bantime')?.value ?? null,
    ignoredBy: entry === null ? null : `${place} (ignoreip${at === null ? '' : `, by ${at}`})`,
    ignoreipUnread: unread,
  }
}

/** Whether the firewall bans a host, judged by the bans that were read and by whether the ban set's rules are in force. */
const judgeFirewall = ({ live }: Facts, address: string): FirewallState => {
  if (live === null || live.bans === null)
    return { state: 'unknown', details: 'not checked: only root can, on the running server' }
  const bans = live.bans.filter((ban) => ban.address === address)
  const inSet = bans.find(({ where, isOwn }) => isOwn && where !== 'blackhole route')
  if (inSet !== undefined && live.hasBanSet === true)
    return { state: 'banned', details: `${inSet.where}, which precedes all other rules` }
  const other = bans.find((ban) => ban !== inSet)
  if (other !== undefined) {
    const what =
      other.where === 'blackhole route'
        ? 'its packets come in, but are not answered'
        : 'rules before it were not checked'
    return { state: 'unknown', details: `${other.where} bans it: ${what}` }
  }
  return live.bansUnread === null
    ? { state: 'open', details: '' }
    : { state: 'unknown', details: live.bansUnread }
}

/** Everything that is known about one host. */
const explain = async (assessment: Assessment, host: Network): Promise<Explanation> => {
  const address = formatAddress(host.bytes)
  const { facts } = assessment
  const { live, wrapped, unreadable } = facts
  const bans = await bansOf(assessment, { only: address })
  const [daemons, jail] = await Promise.all([
    readDaemons(bans, assessment, host),
    live?.asRoot ? readJailState(live.jails, host, address, readableIgnoreFiles(facts)) : null,
  ])
  const wrapperPaths = ['/etc/hosts.allow', '/etc/hosts.deny'] as const
  const wrapperFile = (path: string) => parseHostsAccess(fileText(facts, path) ?? '', notContaining([host]))
  const [allow, deny] = [wrapperFile(wrapperPaths[0]), wrapperFile(wrapperPaths[1])]
  return {
    address,
    protectors: bans.protection.of(address),
    protectionUnknown: bans.protection.unknown,
    ban: bans.rows[0] ?? null,
    stores: bans.stores,
    lastScan: bans.history?.findLast((event) => event.host === address) ?? null,
    historyUnread: bans.historyUnread,
    firewall: judgeFirewall(facts, address),
    daemons,
    jail,
    jailFiles: judgeJailFiles(facts, host),
    wrapperUnread: wrapperPaths.flatMap((path) => unreadable.get(path)?.message ?? []).join('; '),
    wrapped,
    wrappers: judgedDaemons(wrapped).map((daemon) => ({
      daemon,
      verdict: judgeHost(allow, deny, host, daemon),
    })),
  }
}

/** `portward explain ADDR`: what a scan from there would lead to, and why. No packet is sent, nothing is changed. */
export const explainCommand = async (options: GlobalOptions, text: string): Promise<number> => {
  const output = openOutput(options)
  const host = readHost(text)
  if (host === null) return EXIT.usage
  const assessment = await assess(options)
  const { pending } = assessment
  const explanation = await explain(assessment, host)
  const { verdict, text: sentence } = concludeFrom(explanation)
  const sections = describeAll(explanation)
  if (pending !== null) output.problems([pendingProblem(pending)])
  const painted = styled(VERDICT_STYLES[verdict], sentence)
  output.text(`${explanation.address} ${painted}\n\n${renderSections(sections, output.screen.columns)}`)
  const { ban, stores, lastScan, ...rest } = explanation
  output.document('explain', {
    root: options.root,
    verdict,
    sentence,
    ...rest,
    ban: ban === null ? null : banAsJson(ban),
    stores: storesAsJson(stores),
    lastScan: lastScan === null ? null : { ...lastScan, time: isoTimestamp(lastScan.timeMs) },
    sections,
    confirmation: pendingAsJson(pending),
  })
  return EXIT.ok
}
