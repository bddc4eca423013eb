import { predict } from '../detector/predict.ts'
import { parseHostsAccess } from '../documents/hosts-access.ts'
import { isBanSetLoaded, readBanSet } from '../host/ban-set.ts'
import { readFileState } from '../host/files.ts'
import { rememberedHosts } from '../host/history.ts'
import { readJailState } from '../host/jail-state.ts'
import { readBlockedFile } from '../host/places/blocked-files.ts'
import { BAN_SETS, ROUTE } from '../host/places/firewall.ts'
import type { Vantage } from '../host/places/vantage.ts'
import { readInit } from '../host/services.ts'
import { contains, formatAddress, type Network, parseNetwork } from '../network.ts'
import { type PendingConfirmation, pendingAsJson, pendingProblem } from '../policy/confirmation.ts'
import { isNewer, namedConf } from '../policy/daemons.ts'
import { type Facts, fileText } from '../policy/facts.ts'
import { effective, enabledJails } from '../policy/fail2ban-view.ts'
import { judgedDaemons, judgeHost } from '../policy/hosts-access-verdict.ts'
import { FAIL2BAN_DIRECTORY, viewWith } from '../policy/jail.ts'
import { daemonModes } from '../policy/release.ts'
import { isError, renderProblem } from '../problem.ts'
import { readHost } from './address.ts'
import { type Assessment, assess } from './assess.ts'
import { type BanState, protectionOf, readBanState, viewState } from './ban-state.ts'
import { banAsJson, placesAsJson } from './ban-table.ts'
import { readSubject } from './detect-subject.ts'
import { describeAll, renderSections } from './explain-text.ts'
import { concludeOn } from './explain-verdict.ts'
import type { Daemons, Explanation, FirewallState, JailFiles } from './explanation.ts'
import { EXIT, type GlobalOptions, openOutput } from './output.ts'
import { isoTimestamp } from './timestamps.ts'

const JAIL = 'portsentry'

/** Of the files that portsentry reads when it starts, those that have changed since. */
const findChangedSince = async (
  { root, release, daemons }: Vantage,
  ignorePath: string | null,
): Promise<string[]> => {
  const paths = [release?.confPath, ignorePath].filter((path) => typeof path === 'string')
  const files = await Promise.all(
    paths.map(async (path) => ({ path, file: await readFileState(root, path).catch(() => null) })),
  )
  return files
    .filter(({ file }) => file !== null && isNewer(file.modifiedMs, daemons))
    .map(({ path }) => path)
}

/** The modes that run; where none does, those that should. */
const readDaemons = async (
  { vantage, history }: BanState,
  { settings }: Assessment,
  host: Network,
): Promise<Daemons | null> => {
  const { release, conf, root } = vantage
  if (release === null || conf === null) return null
  const wanted = settings === null ? [] : daemonModes(release, settings)
  const modes = vantage.modes.length > 0 ? vantage.modes : wanted
  const { configurations, ignore, problems } = await readSubject(root, release, modes)
  const list = await ignore.list()
  // 1.2 reads this one at each packet.
  const ignorePath = release.dialect === '2.x' ? (configurations[0]?.ignoreFile ?? null) : null
  const target = { address: host.bytes, host: formatAddress(host.bytes) }
  const hosts = rememberedHosts(vantage, history)
  const prospects = await Promise.all(
    configurations.map(async (configuration) => {
      const file = await readBlockedFile(vantage, configuration.mode)
      return predict(configuration, target, list, { file, hosts })
    }),
  )
  const line = prospects.find(({ ignoredByLine }) => ignoredByLine !== null)?.ignoredByLine ?? null
  return {
    title: release.title,
    dialect: release.dialect,
    isRunning: vantage.isLive ? vantage.modes.length > 0 : null,
    deaf: Object.fromEntries(vantage.deaf),
    faults: problems.filter(isError).map(renderProblem),
    otherConfs:
      release.dialect === '2.x'
        ? vantage.daemons
            .flatMap((daemon) => namedConf(daemon) ?? [])
            .filter((path) => path !== release.confPath)
        : [],
    changedSince: await findChangedSince(vantage, ignorePath),
    prospects,
    ignoredBy: line === null ? null : `${ignore.path()}:${line} (${ignore.line(line)})`,
  }
}

/** What fail2ban's files say. */
const readJailFiles = ({ facts }: Assessment, host: Network): JailFiles => {
  const view = viewWith(facts)
  const ignoreip = effective(view, JAIL, 'ignoreip')
  const spares = (ignoreip?.value ?? '').split(/[\s,]+/).some((entry) => {
    const network = parseNetwork(entry)
    return network !== null && contains(network, host)
  })
  return {
    isEnabled: enabledJails(view).includes(JAIL),
    bantime: effective(view, JAIL, 'bantime')?.value ?? null,
    ignoredBy:
      spares && ignoreip ? `${FAIL2BAN_DIRECTORY}/${ignoreip.path}:${ignoreip.line} (ignoreip)` : null,
  }
}

/** Whether the firewall bans a host, by the bans that were read and by whether the ban set's rules are in force. */
const askFirewall = async ({ vantage, readings }: BanState, address: string): Promise<FirewallState> => {
  if (!vantage.isLive || !vantage.asRoot)
    return { state: 'unknown', details: 'was not looked at: only root may, and only where the server runs' }
  const firewall = readings.find(({ place }) => place === 'firewall')
  const bans = (firewall?.bans ?? []).filter((ban) => ban.address === address)
  const inSet = bans.find(({ where }) => BAN_SETS.includes(where))
  const set = inSet === undefined ? null : await readBanSet()
  if (inSet !== undefined && set !== null && (await isBanSetLoaded(set, readInit())))
    return { state: 'banned', details: `${inSet.where}, which is asked before all other rules` }
  const [other] = bans.filter((ban) => ban !== inSet)
  if (other !== undefined) {
    const what =
      other.where === ROUTE
        ? 'its packets come in, and get no answer'
        : 'rules ahead of that were not looked at'
    return { state: 'unknown', details: `${other.where} bans it: ${what}` }
  }
  return firewall?.isUnknown === true
    ? { state: 'unknown', details: firewall.remark }
    : { state: 'open', details: '' }
}

/** A file's text, '' where there is no such file or (`unread` says why) it could not be read. */
const textIn = (facts: Facts, path: string): { text: string; unread: string } => ({
  text: fileText(facts, path) ?? '',
  unread: facts.unreadable.get(path)?.message ?? '',
})

/** Everything that there is to know about one host. */
const explain = async (
  options: GlobalOptions,
  host: Network,
): Promise<{ explanation: Explanation; pending: PendingConfirmation | null }> => {
  const address = formatAddress(host.bytes)
  const assessment = await assess(options)
  const { facts, pending } = assessment
  const { wrapped } = facts
  const [state, protection] = [await readBanState(assessment), protectionOf(assessment)]
  const [allow, deny] = [textIn(facts, '/etc/hosts.allow'), textIn(facts, '/etc/hosts.deny')]
  const { isLive, asRoot } = state.vantage
  const [daemons, firewall, jail] = await Promise.all([
    readDaemons(state, assessment, host),
    askFirewall(state, address),
    isLive && asRoot ? readJailState(host, address) : null,
  ])
  const explanation = {
    address,
    protectors: protection.of(host),
    protectionUnknown: protection.unknown,
    ban: viewState(state, protection.of).find((row) => row.address === address) ?? null,
    readings: state.readings,
    lastScan: state.history.events?.findLast((event) => event.host === address) ?? null,
    historyUnread: state.history.remark,
    firewall,
    jail,
    daemons,
    jailFiles: readJailFiles(assessment, host),
    wrapperUnread: [allow.unread, deny.unread].filter(Boolean).join('; '),
    wrapped,
    wrappers: judgedDaemons(wrapped).map((daemon) => ({
      daemon,
      verdict: judgeHost(parseHostsAccess(allow.text), parseHostsAccess(deny.text), host, daemon),
    })),
  }
  return { explanation, pending }
}

/** `portward explain ADDR`: what a scan from there would lead to, and why. No packet is sent, nothing is changed. */
export const explainCommand = async (options: GlobalOptions, text: string): Promise<number> => {
  const output = openOutput(options)
  const host = readHost(text)
  if (host === null) return EXIT.usage
  const { explanation, pending } = await explain(options, host)
  const { verdict, text: sentence } = concludeOn(explanation)
  const sections = describeAll(explanation)
  if (pending !== null) output.problems([pendingProblem(pending)])
  output.text(`${explanation.address} ${sentence}\n\n${renderSections(sections)}`)
  const { ban, readings, lastScan, ...rest } = explanation
  output.document('explain', {
    root: options.root,
    verdict,
    sentence,
    ...rest,
    ban: ban === null ? null : banAsJson(ban),
    places: placesAsJson(readings),
    lastScan: lastScan === null ? null : { ...lastScan, time: isoTimestamp(lastScan.timeMs) },
    sections,
    confirmation: pendingAsJson(pending),
  })
  return EXIT.ok
}
