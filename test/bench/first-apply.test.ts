import { test } from 'vitest'
import { DEFAULT_CONFIG } from '../e2e/harness/floors.ts'
import { describeServers } from '../e2e/harness/requirements.ts'
import { type Server, startServer } from '../e2e/harness/server.ts'
import { quote } from '../e2e/harness/shell.ts'
import article from './article.sh?raw'
import { record, roundsOr } from './compare.ts'

const ROUNDS = roundsOr(5)

/** Runs a command, and prints at what time (seconds since its start) each of its lines came, and the end: `0.123 line`. */
const TIMED = `
import subprocess, sys, time
start = time.monotonic()
command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
for line in command.stdout:
    print(f'{time.monotonic() - start:.3f} {line}', end='')
code = command.wait()
print(f'{time.monotonic() - start:.3f} end')
sys.exit(code)`

const END = /^end$/

/** The first line of each phase of an apply, in order; the first phase begins at 0. */
const PHASES: readonly (readonly [name: string, first: RegExp | null])[] = [
  ['reading the server, planning', null],
  ['apt', /^.{25} \[\d+\/\d+\] (?:preseed|install) /],
  ['files', /^.{25} \[\d+\/\d+\] (?:create|edit|write) /],
  ['loading the bans, restarts', /^.{25} \[\d+\/\d+\] (?:enable|load|restart) /],
  ['waiting for the daemons', /^.{25} waiting until /],
  ['verify', /^.{25} proving: /],
]

type Lines = readonly (readonly [seconds: number, line: string])[]

const timeOf = (lines: Lines, pattern: RegExp): number => {
  const found = lines.find(([, line]) => pattern.test(line))
  if (found === undefined) throw new Error(`no line matches ${pattern}`)
  return found[0]
}

/** What the base image's servers have in apt's cache is not downloaded. Seconds at which lines came, with the lines. */
const timeOnBareServer = async (suite: 'bookworm' | 'trixie', command: string): Promise<Lines> => {
  const server: Server = await startServer({ suite })
  try {
    await server.installPortward()
    await server.write('/root/config.env', DEFAULT_CONFIG, 0o600)
    await server.write('/root/article', article, 0o755)
    const { stdout } = await server.run(`python3 -c ${quote(TIMED)} ${command}`, { timeoutMs: 600_000 })
    return [...stdout.matchAll(/^(\d+\.\d+) (.*)$/gm)].map(
      ([, seconds, line = '']) => [Number(seconds), line] as const,
    )
  } finally {
    await server.stop()
  }
}

describeServers('a first apply', () => {
  test.each([
    ['Debian 12', 'bookworm'],
    ['Debian 13', 'trixie'],
  ] as const)('%s', { timeout: 3_600_000 }, async (release, suite) => {
    /** Of each round, when each phase began. */
    const begun: number[][] = []
    const ended: number[] = []
    const script: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const lines = await timeOnBareServer(suite, 'portward apply --yes')
      begun.push(PHASES.map(([, first]) => (first === null ? 0 : timeOf(lines, first))))
      ended.push(timeOf(lines, END))
      script.push(timeOf(await timeOnBareServer(suite, '/root/article'), END))
    }
    const row = { part: 'First apply', quantity: 'time', unit: 's' } as const
    record({
      ...row,
      work: `before verify, ${release}`,
      own: begun.map((times) => times.at(-1) ?? 0),
      peer: { name: "the articles' script", values: script },
      mark: { ratio: 1.15 },
      remark: 'each on a server of its own; the packages are in apt’s cache',
    })
    for (const [index, [phase]] of PHASES.entries()) {
      const own = begun.map((times, at) => (times[index + 1] ?? ended[at] ?? 0) - (times[index] ?? 0))
      record({ ...row, work: `of that, ${release}: ${phase}`, own })
    }
  })
})
