import { formatCidr, isSameNetwork, type Network } from '../network.ts'
import type { Facts } from '../policy/facts.ts'
import { type Answers, type Existing, type Proposal, propose } from '../policy/proposal.ts'
import type { NameChoice } from '../policy/proposed-hosts.ts'
import type { Choice } from '../policy/proposed-networks.ts'
import { askMany, askOne, askText, type Choosable } from './ask.ts'
import { readLanAnswer, readWhitelistAnswer } from './init-answers.ts'
import { nameNetwork } from './init-text.ts'
import type { GlobalOptions } from './output.ts'

/** The answers that options have not given yet. */
export const findOpen = ({ lan, whitelist }: Answers): ('lan' | 'whitelist')[] => [
  ...(lan === undefined ? (['lan'] as const) : []),
  ...(whitelist === undefined ? (['whitelist'] as const) : []),
]

/** What is wrong with a typed answer, or null. */
const faultOf = (read: object): string | null => ('fault' in read ? `What you typed ${read.fault}` : null)

const askAddress = async (
  facts: Facts,
  options: GlobalOptions,
): Promise<{ readonly lan: Network } | null> => {
  const question = "This server's address there, with the prefix, such as 192.168.1.10/24:"
  const typed = await askText(
    question,
    (text) => faultOf(readLanAnswer(text, facts.live?.topology ?? null)),
    options,
  )
  const read = typed === null ? null : readLanAnswer(typed.answer)
  return read !== null && 'value' in read ? { lan: read.value } : null
}

const askLan = async (
  facts: Facts,
  { lan, lanReason, candidates }: Proposal,
  options: GlobalOptions,
): Promise<{ readonly lan: Network | null } | null> => {
  const isProposed = (address: Network) => Boolean(lan) && isSameNetwork(address, lan as Network)
  const networks = candidates.map(({ address, device, reason }) => {
    return { value: { lan: address }, name: nameNetwork(address, device), description: reason }
  })
  const first = networks.filter(({ value }) => isProposed(value.lan))
  const others = networks.filter(({ value }) => !isProposed(value.lan))
  // Of config.env, or of an interface that is down.
  const known =
    lan && first.length === 0 ? [{ value: { lan }, name: formatCidr(lan), description: lanReason }] : []
  const none: Choosable<{ readonly lan: Network | null }> = {
    value: { lan: null },
    name: 'none',
    description: lan === null ? lanReason : 'hosts of every network here can be banned',
  }
  const another = { value: null, name: 'another one', description: 'you type its address' }
  const choices: Choosable<{ readonly lan: Network | null } | null>[] =
    lan === null ? [none, ...others, another] : [...known, ...first, ...others, another, none]
  const chosen = await askOne('Which network is the LAN, whose hosts are never banned?', choices, options)
  return chosen === null ? null : (chosen.answer ?? askAddress(facts, options))
}

const askWhitelist = async (
  { choices, names }: Proposal,
  options: GlobalOptions,
): Promise<Required<Pick<Answers, 'whitelist' | 'names' | 'untrusted'>> | null> => {
  const chosen =
    choices.length + names.length === 0
      ? { answer: [] }
      : await askMany(
          'What else is never banned?',
          [
            ...choices.map((choice) => ({
              value: choice as Choice | NameChoice,
              name: nameNetwork(choice.network, choice.device),
              description: choice.reason,
              checked: choice.variable === 'WHITELIST',
            })),
            ...names.map((choice) => ({
              value: choice,
              name: choice.name,
              description: choice.reason,
              checked: choice.isProposed,
            })),
          ],
          options,
        )
  if (chosen === null) return null
  const typed = await askText(
    `${choices.length === 0 ? 'Networks' : 'More networks'} and hosts that are never banned, such as 198.51.100.7, 203.0.113.0/28 or a full name (Enter: none):`,
    (text) => faultOf(readWhitelistAnswer(text)),
    options,
  )
  if (typed === null) return null
  const read = readWhitelistAnswer(typed.answer)
  const more = 'value' in read ? read.value : { whitelist: [], names: [] }
  // A network of this server is named in any case, so that plan and verify know that it was not forgotten.
  const rest = choices.filter(
    (choice) =>
      !chosen.answer.includes(choice) && (choice.variable === 'UNTRUSTED' || choice.device !== null),
  )
  return {
    whitelist: [
      ...chosen.answer.flatMap((choice) => ('network' in choice ? [choice.network] : [])),
      ...more.whitelist,
    ],
    names: [...chosen.answer.flatMap((choice) => ('name' in choice ? [choice.name] : [])), ...more.names],
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
    const lan = await askLan(facts, propose(facts, existing, known), options)
    if (lan === null) return null
    known = { ...known, ...lan }
  }
  if (known.whitelist !== undefined) return known
  const lists = await askWhitelist(propose(facts, existing, known), options)
  return lists === null ? null : { ...known, ...lists, untrusted: known.untrusted ?? lists.untrusted }
}
