import { renderSections } from '../layout.ts'
import { formatAddress, formatCidr, formatNetmask, formatNetwork, type Network } from '../network.ts'
import type { Proposal } from '../policy/proposal.ts'

const TOPIC_COLUMNS = 11

/** `192.168.1.0/24 (eth0)` */
export const nameNetwork = (network: Network, device: string | null): string =>
  `${formatNetwork(network)}${device === null ? '' : ` (${device})`}`

const deviceOf = ({ lan, candidates }: Proposal): string | null =>
  candidates.find(({ address }) => lan && formatCidr(address) === formatCidr(lan))?.device ?? null

/** What is proposed and why, a line each. */
export const renderProposal = (proposal: Proposal, columns: number): string => {
  const { lan, lanReason, choices, names, remarks } = proposal
  const described = (isProposed: boolean): string[] =>
    names.filter((one) => one.isProposed === isProposed).map(({ name, reason }) => `${name}: ${reason}`)
  const named = (variable: string | null): string[] =>
    choices
      .filter((choice) => choice.variable === variable)
      .map(({ network, device, reason }) => `${nameNetwork(network, device)}: ${reason}`)
  const what = lan === undefined ? 'unknown' : lan === null ? 'none' : nameNetwork(lan, deviceOf(proposal))
  const sections = [
    { topic: 'LAN', lines: [`${what}: ${lanReason}`] },
    { topic: 'WHITELIST', lines: [...named('WHITELIST'), ...described(true)] },
    { topic: 'UNTRUSTED', lines: named('UNTRUSTED') },
    { topic: 'left out', lines: [...named(null), ...described(false)] },
    ...remarks.map(({ topic, text }) => ({ topic, lines: [text] })),
  ]
  return renderSections(sections, columns, { topicColumns: TOPIC_COLUMNS, indent: 0 })
}

/** The new file, or the lines of an old one that change: its other lines may have secrets of other programs. */
export const renderText = (before: string | null, after: string): string => {
  if (before === null) return after
  const [old, changed] = [before, after].map((text) => text.split('\n'))
  const without = (lines: readonly string[] = [], others: readonly string[] = []) =>
    lines.filter((line) => line !== '' && !others.includes(line))
  return [
    ...without(old, changed).map((line) => `-${line}\n`),
    ...without(changed, old).map((line) => `+${line}\n`),
  ].join('')
}

/** The proposal's part of the JSON document. */
export const proposalAsJson = (proposal: Proposal): object => {
  const { lan, lanReason, candidates, choices, names, remarks } = proposal
  return {
    // Null: no LAN. Absent: unknown.
    ...(lan === undefined
      ? {}
      : {
          lan: lan && {
            address: formatAddress(lan.bytes),
            netmask: formatNetmask(lan),
            interface: deviceOf(proposal),
          },
        }),
    lanReason,
    candidates: candidates.map(({ address, device, reason }) => ({
      ...{ address: formatCidr(address), interface: device, reason },
    })),
    choices: choices.map(({ network, device, variable, reason }) => ({
      ...{ network: formatNetwork(network), interface: device, variable, reason },
    })),
    names: names.map(({ name, isProposed, reason }) => ({
      ...{ name, variable: isProposed ? 'WHITELIST' : null, reason },
    })),
    remarks,
  }
}
