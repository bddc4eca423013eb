import { formatAddress, formatCidr, isHost, type Network, networkOf } from '../network.ts'
import type { Facts } from '../policy/facts.ts'
import { type Answers, type Existing, type Proposal, propose } from '../policy/proposal.ts'
import type { Choice } from '../policy/proposed-networks.ts'
import { askMany, askOne, askText, type Choosable } from './ask.ts'
import { readLanAnswer, readWhitelistAnswer } from './init-answers.ts'
import type { GlobalOptions } from './output.ts'

/** The answers that options have not given yet. */
export const findOpen = ({ lan, whitelist }: Answers): ('lan' | 'whitelist')[] => [
  ...(lan === undefined ? (['lan'] as const) : []),
  ...(whitelist === undefined ? (['whitelist'] as const) : []),
]

const askLan = async (
  { lan, lanReason, candidates }: Proposal,
  options: GlobalOptions,
): Promise<{ readonly answer: Network | null } | null> => {
  const isProposed = (address: Network) =>
    Boolean(lan) && formatCidr(networkOf(address)) === formatCidr(networkOf(lan as Network))
  const networks = candidates.map(({ address, device, reason }) => ({
    value: address as Network | 'another' | null,
    name: `${formatCidr(address)} (${device})`,
    description: reason,
  }))
  const given =
    lan && !candidates.some(({ address }) => isProposed(address))
      ? [{ value: lan as Network, name: formatCidr(lan), description: lanReason }]
      : []
  const none: Choosable<Network | 'another' | null> = {
    value: null,
    name: 'none',
    description: lan === null ? lanReason : 'hosts of every network here can be banned',
  }
  const first = networks.filter(({ value }) => value !== null && value !== 'another' && isProposed(value))
  const choices: Choosable<Network | 'another' | null>[] = [
    ...(lan === null ? [none] : []),
    ...given,
    ...first,
    ...networks.filter((network) => !first.includes(network)),
    { value: 'another', name: 'another one', description: 'to be typed' },
    ...(lan === null ? [] : [none]),
  ]
  const chosen = await askOne('Which network is the LAN, whose hosts are never banned?', choices, options)
  if (chosen === null || chosen.answer !== 'another') return chosen as { answer: Network | null } | null
  const typed = await askText(
    "This server's address there, with the prefix, such as 192.168.1.10/24:",
    (text) => {
      const read = readLanAnswer(text)
      return 'fault' in read ? read.fault : null
    },
    options,
  )
  if (typed === null) return null
  const read = readLanAnswer(typed.answer)
  return 'fault' in read ? null : { answer: read.value }
}

const nameOf = ({ network, device }: Choice): string =>
  `${isHost(network) ? formatAddress(network.bytes) : formatCidr(network)}${device === null ? '' : ` (${device})`}`

const askWhitelist = async (
  { choices }: Proposal,
  options: GlobalOptions,
): Promise<Required<Pick<Answers, 'whitelist' | 'untrusted'>> | null> => {
  const chosen =
    choices.length === 0
      ? { answer: [] }
      : await askMany(
          'What else is never banned?',
          choices.map((choice) => ({
            value: choice,
            name: nameOf(choice),
            description: choice.reason,
            checked: choice.variable === 'WHITELIST',
          })),
          options,
        )
  if (chosen === null) return null
  const typed = await askText(
    `${choices.length === 0 ? 'Networks' : 'More networks'} and hosts that are never banned (Enter: none):`,
    (text) => {
      const read = readWhitelistAnswer(text)
      return 'fault' in read ? read.fault : null
    },
    options,
  )
  if (typed === null) return null
  const read = readWhitelistAnswer(typed.answer)
  const more = 'value' in read ? read.value : []
  // A network of this server is named in any case, so that plan and verify know that it was not forgotten.
  const rest = choices.filter(
    (choice) =>
      !chosen.answer.includes(choice) && (choice.variable === 'UNTRUSTED' || choice.device !== null),
  )
  return {
    whitelist: [...chosen.answer.map(({ network }) => network), ...more],
    untrusted: rest.map(({ network }) => network),
  }
}

/** Asks what the options do not answer; null if there was no answer. */
export const askAnswers = async (
  facts: Facts,
  existing: Existing | null,
  answers: Answers,
  options: GlobalOptions,
): Promise<Answers | null> => {
  let known = answers
  if (known.lan === undefined) {
    const lan = await askLan(propose(facts, existing, known), options)
    if (lan === null) return null
    known = { ...known, lan: lan.answer }
  }
  if (known.whitelist !== undefined) return known
  const lists = await askWhitelist(propose(facts, existing, known), options)
  return lists === null
    ? null
    : { ...known, whitelist: lists.whitelist, untrusted: known.untrusted ?? lists.untrusted }
}
