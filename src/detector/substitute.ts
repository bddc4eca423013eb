import type { Dialect } from '../documents/portsentry-conf.ts'
import type { Configuration } from './configuration.ts'
import type { Action, Mode } from './decision.ts'
import type { Protocol } from './modes.ts'

/** The scan that an action responds to. */
interface Target {
  readonly host: string
  readonly port: number
  readonly mode: Mode
}

type Option = Action['option']

/** MAXBUF of both: the buffer for a C string with its terminator. */
const ROOM = 1024

/** Why an action cannot be done: the daemon requires the host in it. */
export const NO_TARGET = 'it has no $TARGET$'

const TOKENS = ['$TARGET$', '$PORT$', '$MODE$'] as const

/** The text of an option between its tokens, which are replaced one kind after the other. */
interface Template {
  readonly length: number
  /** One more than there are tokens. */
  readonly literals: readonly string[]
  /** Indexes in TOKENS. */
  readonly tokens: readonly number[]
  /** How often each token occurs. */
  readonly counts: readonly number[]
}

const readTemplate = (text: string): Template => {
  let literals = [text]
  let tokens: number[] = []
  for (const [kind, token] of TOKENS.entries()) {
    const parts = literals.map((literal) => literal.split(token))
    // Between two parts of a literal is this token, and behind its last part the one that followed the literal.
    tokens = parts.flatMap((each, at) => [
      ...Array<number>(each.length - 1).fill(kind),
      ...tokens.slice(at, at + 1),
    ])
    literals = parts.flat()
  }
  const counts = TOKENS.map((_, kind) => tokens.filter((other) => other === kind).length)
  return { length: text.length, literals, tokens, counts }
}

/**
 * The first token for which the daemon has no room. SubstString() of 1.2 counts each token once, and nothing if it is missing;
 * 2.x checks the length of the result.
 */
const overflowing = (
  { length, counts }: Template,
  values: readonly string[],
  dialect: Dialect,
): string | undefined => {
  let filled = length
  return TOKENS.find((token, kind) => {
    const count = counts[kind] as number
    const value = values[kind] as string
    const before = filled
    filled += count * (value.length - token.length)
    const fits = filled < ROOM && (dialect !== '1.2' || before + value.length + token.length <= ROOM)
    return count > 0 && !fits
  })
}

const fillIn = ({ literals, tokens }: Template, values: readonly string[]): string => {
  let filled = literals[0] as string
  for (let at = 0; at < tokens.length; at++)
    filled += (values[tokens[at] as number] as string) + (literals[at + 1] as string)
  return filled
}

/** Makes the action of an option that is set. */
type Maker = (values: readonly string[]) => Action

const createMaker = (option: Option, text: string, dialect: Dialect): Maker => {
  const template = readTemplate(text)
  if (option !== 'KILL_RUN_CMD' && template.counts[0] === 0) {
    return () => ({ kind: 'impossible', option, reason: NO_TARGET })
  }
  return (values) => {
    const token = overflowing(template, values, dialect)
    if (token !== undefined) {
      return { kind: 'impossible', option, reason: `it is too long to fill in ${token}` }
    }
    const filled = fillIn(template, values)
    return option === 'KILL_HOSTS_DENY'
      ? { kind: 'hosts-deny', option, line: filled }
      : { kind: 'command', option, command: filled }
  }
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
export type ActionsOf = (protocol: Protocol, target: Target) => Action[]

/** Reads the options once, for any number of targets. */
export const createActions = (configuration: Configuration): ActionsOf => {
  const { killRoute, killHostsDeny, killRunCmd, dialect } = configuration
  const texts = { KILL_ROUTE: killRoute, KILL_HOSTS_DENY: killHostsDeny, KILL_RUN_CMD: killRunCmd }
  const makersOf = (protocol: Protocol): Maker[] =>
    optionsOf(configuration, protocol)
      .filter((option) => texts[option] !== '')
      .map((option) => createMaker(option, texts[option], dialect))
  const makers = { tcp: makersOf('tcp'), udp: makersOf('udp') }
  return (protocol, { host, port, mode }) => {
    const values = [host, `${port}`, mode]
    return makers[protocol].map((make) => make(values))
  }
}
