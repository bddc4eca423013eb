import { formatCidr, isWithin, type Network, networkOf } from '../network.ts'
import type { Settings } from '../settings/settings.ts'
import type { Facts } from './facts.ts'
import { chooseHosts, chooseNames, findRemarks, type NameChoice, type Remark } from './proposed-hosts.ts'
import {
  type Choice,
  chooseNetworks,
  isHere,
  type LanCandidate,
  rankLans,
  whyNoLan,
  whyUnknown,
} from './proposed-networks.ts'

/** What `portward init` proposes for config.env, by what the server shows. */
export interface Proposal {
  /** Networks that may be the LAN, the most likely first. */
  readonly candidates: readonly LanCandidate[]
  /**
   * What LAN_IP and LAN_NM would name: this server's address, or its network if config.env has that. Null: no LAN. Undefined:
   * the networks are unknown, so that somebody has to say it.
   */
  readonly lan: Network | null | undefined
  readonly lanReason: string
  /** What WHITELIST and UNTRUSTED would name, and what they could. */
  readonly choices: readonly Choice[]
  /** The same for names of hosts; only WHITELIST has them. */
  readonly names: readonly NameChoice[]
  /** What else the answers should be seen with. */
  readonly remarks: readonly Remark[]
}

/** What is answered already, by an option or at a question. */
export interface Answers {
  /** This server's address in its LAN, with the prefix; null: it has no LAN. */
  readonly lan?: Network | null
  readonly whitelist?: readonly Network[]
  /** Names in WHITELIST, answered along with its networks. */
  readonly names?: readonly string[]
  readonly untrusted?: readonly Network[]
}

/** What config.env says already; `lan` undefined: what it says of the LAN is wrong. */
export type Existing = Pick<Settings, 'whitelist' | 'whitelistNames' | 'untrusted'> & {
  readonly lan: Settings['lan'] | undefined
}

const decideLan = (
  facts: Facts,
  existing: Existing | null,
  answered: Answers['lan'],
): Pick<Proposal, 'candidates' | 'lan' | 'lanReason'> => {
  const candidates = rankLans(facts)
  const decide = (lan: Proposal['lan'], lanReason: string) => ({ candidates, lan, lanReason })
  if (answered === null) return decide(null, 'as you say')
  if (answered !== undefined) {
    const candidate = candidates.find(({ address }) => formatCidr(address) === formatCidr(answered))
    return decide(answered, candidate?.reason ?? 'as you say')
  }
  if (existing?.lan && isHere(facts, existing.lan)) return decide(existing.lan, 'as config.env says')
  const unknown = whyUnknown(facts)
  if (unknown !== null) {
    return existing?.lan === null ? decide(null, 'as config.env says') : decide(undefined, unknown)
  }
  const named = [...(existing?.whitelist ?? []), ...(existing?.untrusted ?? [])]
  const likely = candidates.find(({ isLikely, address }) => isLikely && !isWithin(named, networkOf(address)))
  return likely === undefined ? decide(null, whyNoLan(facts)) : decide(likely.address, likely.reason)
}

const named = (networks: readonly Network[], variable: 'WHITELIST' | 'UNTRUSTED', reason: string): Choice[] =>
  networks.map((network) => ({ network: networkOf(network), device: null, variable, reason }))

/** What config.env should say about this server. Answers count for more than `existing`, and that for more than what is found. */
export const propose = (facts: Facts, existing: Existing | null, answers: Answers = {}): Proposal => {
  const decided = decideLan(facts, existing, answers.lan)
  const lan = decided.lan ? [networkOf(decided.lan)] : []
  const by = (answer: unknown) => (answer === undefined ? 'as config.env says' : 'as you say')
  const whitelist = answers.whitelist ?? existing?.whitelist ?? []
  const untrusted = answers.untrusted ?? existing?.untrusted ?? []
  const given = [
    ...named(whitelist, 'WHITELIST', by(answers.whitelist)),
    ...named(untrusted, 'UNTRUSTED', by(answers.untrusted)),
  ]
  const networks = chooseNetworks(facts, decided.lan, answers.lan === null, [...whitelist, ...untrusted])
  /** An answer has all that its variable is to name. */
  const open = (choices: readonly Choice[]): Choice[] =>
    choices.map((choice) => {
      const answered = choice.variable === 'WHITELIST' ? answers.whitelist : answers.untrusted
      return choice.variable === null || answered === undefined ? choice : { ...choice, variable: null }
    })
  const isSafe = ({ variable }: Choice) => variable === 'WHITELIST'
  const known = [...given, ...open(networks)]
  const names = (answers.whitelist === undefined ? existing?.whitelistNames : answers.names) ?? []
  const ofNames = names.flatMap((name) => {
    const answer = facts.live?.names?.byName.get(name)
    return typeof answer === 'object' ? answer : []
  })
  const safe = [...lan, ...ofNames, ...known.filter(isSafe).map(({ network }) => network)]
  const hosts = open(chooseHosts(facts, safe))
  return {
    ...decided,
    choices: [...known, ...hosts],
    names: chooseNames(facts, names, by(answers.whitelist)),
    remarks: findRemarks(facts, lan, [...known, ...hosts]),
  }
}

/** The networks that a variable would name. */
export const networksOf = ({ choices }: Proposal, variable: 'WHITELIST' | 'UNTRUSTED'): Network[] =>
  choices.filter((choice) => choice.variable === variable).map(({ network }) => network)

/** The names that WHITELIST would have. */
export const namesOf = ({ names }: Proposal): string[] =>
  names.flatMap(({ name, isProposed }) => (isProposed ? [name] : []))
