import { daemonModes } from '../detector/modes.ts'
import { foresee } from '../detector/prospect.ts'
import { parseHostsAccess } from '../documents/hosts-access.ts'
import { readFileState } from '../host/files.ts'
import { readFilters } from '../host/filter.ts'
import { rememberedHosts } from '../host/history.ts'
import { type JailState, readJailState } from '../host/jail-state.ts'
import { readBlockedFile } from '../host/places/blocked-files.ts'
import type { Vantage } from '../host/places/vantage.ts'
import { readWrapped } from '../host/wrappers.ts'
import { contains, formatAddress, isIPv4, type Network, parseNetwork } from '../network.ts'
import { effective, enabledJails } from '../policy/fail2ban-view.ts'
import { type FilterVerdict, judge } from '../policy/filter.ts'
import { judgeHost } from '../policy/hosts-access-verdict.ts'
import { FAIL2BAN_DIRECTORY, viewWith } from '../policy/jail.ts'
import { renderProblem } from '../problem.ts'
import { readHost } from './address.ts'
import { type BanState, loadProtection, type Protection, readBanState, viewState } from './ban-state.ts'
import { banAsJson, placesAsJson } from './ban-table.ts'
import { readSubject } from './detect-subject.ts'
import { describeAll, renderSections } from './explain-text.ts'
import { concludeOn } from './explain-verdict.ts'
import type { Daemons, Explanation, JailFiles } from './explanation.ts'
import { isoMoment } from './moments.ts'
import { EXIT, type GlobalOptions, openOutput } from './output.ts'

const JAIL = 'portsentry'

/** The modes that run; where none does, those that should. */
const readDaemons = async (
  { vantage, history }: BanState,
  { loaded }: Protection,
  host: Network,
): Promise<Daemons | null> => {
  const { release, conf, root } = vantage
  if (release === null || conf === null) return null
  const settings = loaded?.settings ?? null
  const wanted = settings === null ? [] : daemonModes(release, settings)
  const modes = vantage.modes.length > 0 ? vantage.modes : wanted
  const { configurations, ignore, problems } = await readSubject(root, release, modes)
  const list = await ignore.list()
  const target = { address: host.bytes, host: formatAddress(host.bytes) }
  const hosts = rememberedHosts(vantage, history)
  const prospects = await Promise.all(
    configurations.map(async (configuration) => {
      const file = await readBlockedFile(vantage, configuration.mode)
      return foresee(configuration, target, list, { file, hosts })
    }),
  )
  const line = prospects.find(({ ignoredByLine }) => ignoredByLine !== null)?.ignoredByLine ?? null
  return {
    title: release.title,
    dialect: release.dialect,
    isRunning: vantage.isLive ? vantage.modes.length > 0 : null,
    deaf: Object.fromEntries(vantage.deaf),
    faults: problems.map(renderProblem),
    prospects,
    ignoredBy: line === null ? null : `${ignore.path()}:${line} (${ignore.line(line)})`,
  }
}

/** What fail2ban's files say; null where they could not be read with the rest. */
const readJailFiles = ({ loaded }: Protection, host: Network): JailFiles | null => {
  if (loaded === null || loaded.facts === null) return null
  const view = viewWith(loaded.facts)
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

interface Kernel {
  readonly filters: readonly FilterVerdict[] | null
  readonly jail: JailState | null
}

const askServer = async ({ isLive, asRoot }: Vantage, host: Network, address: string): Promise<Kernel> => {
  if (!isLive || !asRoot) return { filters: null, jail: null }
  const [filters, jail] = await Promise.all([
    readFilters(isIPv4(host) ? 'ipv4' : 'ipv6'),
    readJailState(host, address),
  ])
  return { filters: filters.flatMap((filter) => judge(filter, host)), jail }
}

/** Everything that there is to know about one host. */
const explain = async (options: GlobalOptions, host: Network): Promise<Explanation> => {
  const { root } = options
  const address = formatAddress(host.bytes)
  const readText = async (path: string) => (await readFileState(root, path).catch(() => null))?.text ?? ''
  const [state, protection, wrapped, allow, deny] = await Promise.all([
    readBanState(root),
    loadProtection(options),
    readWrapped(root),
    readText('/etc/hosts.allow'),
    readText('/etc/hosts.deny'),
  ])
  const [daemons, kernel] = await Promise.all([
    readDaemons(state, protection, host),
    askServer(state.vantage, host, address),
  ])
  return {
    address,
    protectors: protection.of(host),
    protectionUnknown: protection.unknown,
    ban: viewState(state, protection.of).find((row) => row.address === address) ?? null,
    readings: state.readings,
    lastScan: state.history.events?.findLast((event) => event.host === address) ?? null,
    ...kernel,
    hasDocker: protection.loaded?.facts?.live?.neighbours.docker === true,
    daemons,
    jailFiles: readJailFiles(protection, host),
    wrapper: judgeHost(parseHostsAccess(allow), parseHostsAccess(deny), host),
    wrapped,
  }
}

/** `portward explain ADDR`: what a scan from there would lead to, and why. No packet is sent, nothing is changed. */
export const explainCommand = async (options: GlobalOptions, text: string): Promise<number> => {
  const output = openOutput(options)
  const host = readHost(text)
  if (host === null) return EXIT.usage
  const explanation = await explain(options, host)
  const { verdict, text: sentence } = concludeOn(explanation)
  const sections = describeAll(explanation)
  output.text(`${explanation.address} ${sentence}\n\n${renderSections(sections)}`)
  const { ban, readings, lastScan, ...rest } = explanation
  output.document('explain', {
    root: options.root,
    verdict,
    sentence,
    ...rest,
    ban: ban === null ? null : banAsJson(ban),
    places: placesAsJson(readings),
    lastScan: lastScan === null ? null : { ...lastScan, time: isoMoment(lastScan.timeMs) },
    sections,
  })
  return EXIT.ok
}
