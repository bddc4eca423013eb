import type { Dialect } from '../documents/portsentry-conf.ts'
import type { Block } from './configuration.ts'
import type { Action, ActionOutcome, Decision, Outcome } from './decision.ts'
import { isConnectMode } from './modes.ts'
import { NO_TARGET } from './substitute.ts'

type Known = Pick<Outcome, 'decision' | 'outcomes' | 'blocked'>

/** Both daemons print into a buffer of 1024 bytes; 2.x marks a truncated line with dots. */
const clip = (line: string, dialect: Dialect): string =>
  line.length < 1024 ? line : dialect === '1.2' ? line.slice(0, 1023) : `${line.slice(0, 1020)}...`

const skipped = (option: Action['option'], reason: string): string => {
  const token = /\$[A-Z]+\$/.exec(reason)?.[0]
  return reason === NO_TARGET
    ? `No target variable specified in ${option} option. Skipping.`
    : `Error trying to parse ${token} Token for ${option}. Skipping.`
}

/** What the daemon logs about an action. A command counts as successful if a shell could be started for it. */
const actionLines = (
  { action, result, message }: ActionOutcome,
  host: string,
  dialect: Dialect,
): string[] => {
  if (action.kind === 'impossible') {
    return [`${dialect === '1.2' ? 'adminalert: ' : ''}${skipped(action.option, action.reason)}`]
  }
  if (action.kind === 'hosts-deny') {
    if (result !== 'failed')
      return [`attackalert: Host ${host} has been blocked via wrappers with string: "${action.line}"`]
    if (dialect === '2.x') return [message]
    return [
      'adminalert: cannot open hosts.deny file: /etc/hosts.deny for blocking.',
      `securityalert: ERROR: There was an error trying to block host ${host}`,
    ]
  }
  return action.option === 'KILL_ROUTE'
    ? [`attackalert: Host ${host} has been blocked via dropped route using command: "${action.command}"`]
    : [`attackalert: External command run for host: ${host} using command: "${action.command}"`]
}

const noticed12 = ({ packet, mode, host, scan, port }: Decision, name: string): string[] => {
  const target = `from host: ${name}/${host} to ${packet.protocol.toUpperCase()} port: ${port}`
  // 1.2's words for a NULL scan begin with an additional blank.
  const noticed = `attackalert: ${scan === 'TCP NULL scan' ? ' ' : ''}${scan} ${target}`
  return packet.hasIpOptions === true && !isConnectMode(mode)
    ? [noticed, `attackalert: Packet ${target} has IP options set (detection avoidance technique).`]
    : [noticed]
}

/** Each mode of 1.2 has its own code, and so the messages differ. */
const couldNotBlock12 = ({ mode, host }: Decision, name: string): string => {
  const what = 'attackalert: ERROR: Could not block host'
  if (isConnectMode(mode)) return `${what} ${host} !!`
  return mode === 'stcp' ? `${what} ${name}/${host} !!` : `${what} ${name}/${host}!!`
}

const alreadyBlocked12 = ({ mode, host }: Decision, name: string): string =>
  isConnectMode(mode)
    ? `attackalert: Host: ${host} is already blocked. Ignoring`
    : `attackalert: Host: ${name}/${host} is already blocked Ignoring`

interface Scene12 extends Known {
  /** The host's resolved name, or the host itself. */
  readonly name: string
  /** Lines that come before those about the packet. */
  readonly notes: readonly string[]
  /** The BLOCK_* of the packet's protocol. */
  readonly block: Block
}

/** The log of 1.2 for one packet, in its order. */
export const logLines12 = ({ decision, outcomes, blocked, name, notes, block }: Scene12): string[] => {
  const { verdict, host, packet } = decision
  if (verdict === 'in-use' || verdict === 'ignored') return []
  if (verdict === 'below-trigger') return [...notes]
  const ignoring = `attackalert: Ignoring ${packet.protocol.toUpperCase()} response per configuration file setting.`
  const response =
    verdict === 'already-blocked'
      ? [alreadyBlocked12(decision, name)]
      : [
          ...(block === 0 ? [ignoring] : []),
          ...outcomes.flatMap((outcome) => actionLines(outcome, host, '1.2')),
          ...(blocked === true ? [] : [couldNotBlock12(decision, name)]),
        ]
  return [...notes, ...noticed12(decision, name), ...response].map((line) => clip(line, '1.2'))
}

/** The log of 2.x for one packet; `event` is what it also writes to its history. */
export const logLines2 = ({ decision, outcomes, blocked }: Known, event: string): string[] => {
  const { verdict, host, packet } = decision
  if (verdict === 'in-use') {
    return [`Ignoring packet from ${host} to destination port ${packet.port}, a service is running`]
  }
  const response =
    verdict === 'already-blocked'
      ? [`attackalert: Host: ${host}/${host} is already blocked Ignoring`]
      : outcomes.flatMap((outcome) => actionLines(outcome, host, '2.x'))
  const failed =
    verdict === 'act' && blocked !== true ? [`attackalert: Error during target dispose ${host}/${host}!`] : []
  return [...response, ...failed, event].map((line) => clip(line, '2.x'))
}
