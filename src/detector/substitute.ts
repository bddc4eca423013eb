import type { Dialect } from '../documents/portsentry-conf.ts'
import type { Configuration } from './configuration.ts'
import type { Action, Mode } from './decision.ts'
import type { Protocol } from './modes.ts'

/** The scan that an action responds to. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly mode: Mode
}

type Option = Action['option']

/** MAXBUF of both: the buffer for a C string with its terminator. */
const ROOM = 1024

/** Why an action cannot be done: the daemon requires the host in it. */
export const NO_TARGET = 'it has no $TARGET$'

/** SubstString() of 1.2 counts each token once, and nothing if it is missing; 2.x checks the length of the result. */
const fits = (text: string, token: string, value: string, result: string, dialect: Dialect): boolean =>
  dialect === '1.2'
    ? text.length + value.length + token.length <= ROOM && result.length < ROOM
    : result.length < ROOM

/** The text with its tokens substituted, or the token at which the daemon gives up. */
const fillIn = (
  text: string,
  { host, port, mode }: Target,
  dialect: Dialect,
): { text: string } | { token: string } => {
  let filled = text
  for (const [token, value] of [
    ['$TARGET$', host],
    ['$PORT$', `${port}`],
    ['$MODE$', mode],
  ] as const) {
    const result = filled.replaceAll(token, () => value)
    if (filled.includes(token) && !fits(filled, token, value, result, dialect)) return { token }
    filled = result
  }
  return { text: filled }
}

const makeAction = (option: Option, text: string, target: Target, dialect: Dialect): Action => {
  if (option !== 'KILL_RUN_CMD' && !text.includes('$TARGET$')) {
    return { kind: 'impossible', option, reason: NO_TARGET }
  }
  const filled = fillIn(text, target, dialect)
  if ('token' in filled) {
    return { kind: 'impossible', option, reason: `it is too long to fill in ${filled.token}` }
  }
  return option === 'KILL_HOSTS_DENY'
    ? { kind: 'hosts-deny', option, line: filled.text }
    : { kind: 'command', option, command: filled.text }
}

/** The options that BLOCK_* lets the daemon use, in its order (DisposeTCP() of 1.2, DisposeTarget() of 2.x). */
const optionsOf = ({ block, killRunCmdFirst }: Configuration, protocol: Protocol): readonly Option[] => {
  if (block[protocol] === 0) return []
  if (block[protocol] === 2) return ['KILL_RUN_CMD']
  return killRunCmdFirst
    ? ['KILL_RUN_CMD', 'KILL_HOSTS_DENY', 'KILL_ROUTE']
    : ['KILL_HOSTS_DENY', 'KILL_ROUTE', 'KILL_RUN_CMD']
}

/** What the daemon does about a host that came by this protocol; options that are not set are left out. */
export const actionsOf = (configuration: Configuration, protocol: Protocol, target: Target): Action[] => {
  const { killRoute, killHostsDeny, killRunCmd, dialect } = configuration
  const texts = { KILL_ROUTE: killRoute, KILL_HOSTS_DENY: killHostsDeny, KILL_RUN_CMD: killRunCmd }
  return optionsOf(configuration, protocol)
    .filter((option) => texts[option] !== '')
    .map((option) => makeAction(option, texts[option], target, dialect))
}
