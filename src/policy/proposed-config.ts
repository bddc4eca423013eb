import {
  formatAddress,
  formatNetmask,
  formatNetwork,
  isSameNetwork,
  isWithin,
  type Network,
} from '../network.ts'
import { assign, type Change, editConfig } from '../settings/config-edit.ts'
import type { Settings } from '../settings/settings.ts'
import type { Facts } from './facts.ts'
import { type Existing, namesOf, networksOf, type Proposal, propose } from './proposal.ts'

const LISTS = ['WHITELIST', 'UNTRUSTED'] as const

const NAMES = ['LAN_IP', 'LAN_NM', ...LISTS] as const

const COMMENTS: Readonly<Record<string, string>> = {
  LAN_IP: "This server's address in its LAN, and the netmask. No host there is banned.",
  WHITELIST: 'Other networks and hosts that are never banned.',
  UNTRUSTED: 'Networks of this server whose hosts are banned like any other.',
}

/** A word in a list. */
type Entry = Network | string

const format = (entry: Entry): string => (typeof entry === 'string' ? entry : formatNetwork(entry))

const entriesOf = (proposal: Proposal, variable: (typeof LISTS)[number]): Entry[] => [
  ...networksOf(proposal, variable),
  ...(variable === 'WHITELIST' ? namesOf(proposal) : []),
]

const lanValues = (lan: Network): [string, string][] => [
  ['LAN_IP', formatAddress(lan.bytes)],
  ['LAN_NM', formatNetmask(lan)],
]

/** The variables that have a value. */
const valuesOf = (proposal: Proposal): [name: string, value: string][] => [
  ...(proposal.lan ? lanValues(proposal.lan) : []),
  ...LISTS.map((name): [string, string] => [name, entriesOf(proposal, name).map(format).join(' ')]).filter(
    ([, value]) => value !== '',
  ),
]

/** What `portward init` would do on a server without config.env, as text that follows "which". */
export const describeInit = (facts: Facts): string => describeProposal(propose(facts, null))

/** Exported for its table of tests. */
export const describeProposal = (proposal: Proposal): string => {
  const { lan, lanReason } = proposal
  if (lan === undefined) return `asks for the LAN (${lanReason})`
  const values = valuesOf(proposal).map(([name, value]) => assign(name, value))
  return values.length === 0 ? `proposes no LAN (${lanReason})` : `proposes ${values.join(' ')}`
}

const newConfig = (proposal: Proposal): string => {
  const noLan = proposal.lan
    ? []
    : ['', '# LAN_IP and LAN_NM are for a server with a LAN, whose hosts are never banned.']
  const lines = valuesOf(proposal).flatMap(([name, value]) => {
    const comment = COMMENTS[name]
    return [...(comment === undefined ? [] : ['', `# ${comment}`]), assign(name, value)]
  })
  return [
    '# Who is never banned here. "portward plan" shows what follows from it.',
    ...noLan,
    ...lines,
    '',
  ].join('\n')
}

const isSame = (one: Entry, other: Entry): boolean =>
  typeof one === 'string' || typeof other === 'string' ? one === other : isSameNetwork(one, other)

const has = (entries: readonly Entry[], entry: Entry): boolean =>
  entries.some((other) => isSame(other, entry))

/** What has to become of a list of config.env; undefined: nothing. */
const changeOf = (had: readonly Entry[], wanted: readonly Entry[]): Change | undefined => {
  const added = wanted.filter((network) => !has(had, network))
  if (had.every((network) => has(wanted, network)))
    return added.length === 0 ? undefined : { added: added.map(format) }
  return wanted.length === 0 ? null : wanted.map(format).join(' ')
}

/** The text of config.env for a proposal: a new one, or `text` with only what differs changed. `existing`: what `text` says. */
export const configFor = (proposal: Proposal, text: string | null, existing: Existing | null): string => {
  if (text === null) return newConfig(proposal)
  const { lan } = proposal
  const had = existing?.lan ?? null
  const changes = new Map<string, Change>()
  if (!lan) for (const name of ['LAN_IP', 'LAN_NM']) changes.set(name, null)
  else if (had === null || !isSameNetwork(had, lan))
    for (const [name, value] of lanValues(lan)) changes.set(name, value)
  for (const name of LISTS) {
    const whitelist = existing && [...existing.whitelist, ...existing.whitelistNames]
    const list = name === 'WHITELIST' ? whitelist : existing?.untrusted
    const wanted = entriesOf(proposal, name)
    // What could not be read is replaced.
    const change = list == null ? wanted.map(format).join(' ') || null : changeOf(list, wanted)
    if (change !== undefined) changes.set(name, change)
  }
  return editConfig(text, changes, NAMES)
}

/** Whether config.env, as it was read again, says what was proposed. */
export const says = (
  settings: Pick<Settings, 'lan' | 'whitelist' | 'whitelistNames' | 'untrusted'>,
  proposal: Proposal,
): boolean => {
  const { lan } = proposal
  const isLan = settings.lan === null ? !lan : Boolean(lan) && isSameNetwork(settings.lan, lan as Network)
  const lists = [
    [settings.whitelist, networksOf(proposal, 'WHITELIST')],
    [settings.untrusted, networksOf(proposal, 'UNTRUSTED')],
  ] as const
  // Networks that contain each other are one in what is read.
  const names = namesOf(proposal)
  return (
    isLan &&
    names.length === settings.whitelistNames.length &&
    names.every((name) => settings.whitelistNames.includes(name)) &&
    lists.every(
      ([read, asked]) => asked.every((one) => isWithin(read, one)) && read.every((one) => has(asked, one)),
    )
  )
}
