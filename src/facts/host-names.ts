import { randomBytes } from 'node:crypto'
import { type Network, parseNetwork, unmapped, withoutContained } from '../network.ts'
import { type RunResult, tryRun } from '../system/process.ts'

// What names resolve to on this server, by /etc/hosts and the name servers, in the order of nsswitch.conf.

/** The C library asks a second name server when the first has been silent for five seconds. */
const TIMEOUT_MS = 8000

/** The addresses of a name, IPv4 first, each once; or why there are none, as text that follows the name. */
export type Answer = readonly Network[] | string

export interface Answers {
  readonly byName: ReadonlyMap<string, Answer>
  /** What a name resolves to that does not exist. Empty where the name servers are honest. */
  readonly ofNobody: readonly Network[]
}

const NOT_ASKED: Answers = { byName: new Map(), ofNobody: [] }

const compare = (a: Network, b: Network): number =>
  a.bytes.length - b.bytes.length || Buffer.compare(Buffer.from(a.bytes), Buffer.from(b.bytes))

/** The addresses that `getent ahosts` prints, without those that are valid on one interface only. */
export const parseAhosts = (stdout: string): Network[] => {
  const words = new Set(stdout.split('\n').map((line) => line.split(/\s/, 1)[0] ?? ''))
  const addresses = [...words].flatMap((word) => parseNetwork(word) ?? []).map(unmapped)
  return withoutContained(addresses).sort(compare)
}

/** getent ends with 2 for a name that it does not find, whether the name does not exist or no name server answers. */
export const judgeAhosts = ({ exitCode, stdout, stderr }: RunResult): Answer => {
  if (exitCode === 0) return parseAhosts(stdout)
  if (exitCode === 2) return 'resolves to nothing: it does not exist, or no name server answers'
  return exitCode === 127
    ? 'could not be looked up: getent is missing'
    : `could not be looked up: getent ${stderr.trim()}`
}

/** `--no-addrconfig`: the answer must not depend on which interfaces are up. getent, unlike node's own lookup, can be killed. */
const lookUp = async (name: string): Promise<Answer> => {
  const options = { timeoutMs: TIMEOUT_MS, purpose: `the address of ${name}` }
  return judgeAhosts(await tryRun('getent', ['--no-addrconfig', 'ahosts', name], options))
}

/** Asks for all of these names at once. Never throws, and takes no longer than a few seconds. */
export const readAnswers = async (names: readonly string[]): Promise<Answers> => {
  if (names.length === 0) return NOT_ASKED
  // RFC 6761: no name below it exists, and no name server should say otherwise.
  const nobody = `${randomBytes(8).toString('hex')}.invalid`
  const [ofNobody, ...answers] = await Promise.all([nobody, ...names].map(lookUp))
  return {
    byName: new Map(names.map((name, index) => [name, answers[index] ?? []])),
    ofNobody: typeof ofNobody === 'object' ? ofNobody : [],
  }
}
