import { describe, expect, it, test } from 'vitest'
import { COMMAND_TEXTS } from '../../src/commands/help/texts.ts'
import { WORDS } from '../../src/commands/help/words.ts'
import { createProgram } from '../../src/commands/program.ts'
import { run } from '../../src/commands/run.ts'
import { createTerminal, portward } from './in-process.ts'

const commands = Object.keys(COMMAND_TEXTS)
const createSilent = () => createProgram(createTerminal().terminal, () => {})

const at = async (columns: number, ...argv: string[]) => {
  const { terminal, texts } = createTerminal({ COLUMNS: String(columns) })
  return { status: await run({ argv, ...terminal }), ...texts() }
}

const linesOf = (text: string): string[] => text.trimEnd().split('\n')
const widest = (text: string): number => Math.max(...linesOf(text).map(({ length }) => length))

it('has a text for each command that people can run, and for no other', () => {
  const program = createSilent()
  const visible = program.createHelp().visibleCommands(program)
  expect(
    visible
      .map((command) => command.name())
      .filter((name) => name !== 'help')
      .sort(),
  ).toEqual([...commands].sort())
})

describe.each(commands)('portward %s --help', (command) => {
  it('fits on a screen of 80 columns and 24 lines, prompt included', async () => {
    const { status, stdout, stderr } = await at(80, command, '--help')
    expect([status, stderr]).toEqual([0, ''])
    expect(widest(stdout)).toBeLessThanOrEqual(80)
    expect(linesOf(stdout).length).toBeLessThanOrEqual(23)
  })

  it('has one line for each thing at 200 columns', async () => {
    const { stdout } = await at(200, command, '--help')
    expect(widest(stdout)).toBeLessThanOrEqual(200)
    expect(linesOf(stdout).filter((line) => /^ {6}/.test(line))).toEqual([])
  })

  it('has two examples and its exit codes, and leads to the global options', async () => {
    const { stdout } = await at(80, command, '--help')
    const [, examples = ''] = /^Examples:\n((?: .*\n)+)/m.exec(stdout) ?? []
    expect(examples.match(/^ {2}portward /gm)).toHaveLength(2)
    expect(stdout.replace(/\n +/g, ' ')).toMatch(/^Exit codes: 0 .*; 64 wrong usage/m)
    expect(stdout).toMatch(/^Global options: portward --help$/m)
    expect(stdout).not.toMatch(/^ {2}(?:-\w, )?--(?:config|json|quiet|help)\b/m)
  })

  it('is what portward help shows, and portward --help with the command after it', async () => {
    const { stdout } = await at(80, command, '--help')
    for (const argv of [
      ['help', command],
      ['--help', command],
      [command, '-h', '--json'],
      [command, '--quiet', '-h'],
    ])
      expect(await at(80, ...argv)).toMatchObject({ status: 0, stdout, stderr: '' })
  })
})

it.each(
  Object.entries(COMMAND_TEXTS).flatMap(([command, { examples }]) =>
    examples.map(([line]) => [command, line]),
  ),
)('an example of %s is understood: portward %s', async (_, line) => {
  const program = createSilent()
  let name = ''
  for (const command of program.commands)
    command.action(() => {
      name = command.name()
    })
  await program.parseAsync(line.split(' '), { from: 'user' })
  expect(commands).toContain(name)
})

describe('portward --help', () => {
  it.each([80, 200])('has each command and option on a line of its own at %i columns', async (columns) => {
    const { status, stdout, stderr } = await at(columns, '--help')
    expect([status, stderr]).toEqual([0, ''])
    expect(widest(stdout)).toBeLessThanOrEqual(columns)
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} +\\S`, 'm'))
    const program = createSilent()
    for (const { flags } of program.createHelp().visibleOptions(program))
      expect(stdout).toContain(`\n  ${flags} `)
    expect(stdout).toMatch(/^Exit codes:\n(?: {2}\d+ .*\n){5}/m)
    expect(stdout).toContain('/root/config.env')
    expect(stdout).toContain('man portward')
  })

  it('is wrapped to 80 columns where nothing says how wide the reader is', async () => {
    expect((await portward('--help')).stdout).toBe((await at(80, '--help')).stdout)
  })

  it('is short where no command is given, and goes to stderr', async () => {
    const { status, stdout, stderr } = await at(80)
    expect([status, stdout]).toEqual([64, ''])
    for (const command of commands) expect(stderr).toMatch(new RegExp(`^  ${command} `, 'm'))
    expect(stderr).toContain('portward --help')
  })
})

const ESCAPE = '\u001b['

test.each<[string, Record<string, string>, string[], boolean]>([
  ['in colour', {}, [], true],
  ['without, with NO_COLOR', { NO_COLOR: '1' }, [], false],
  ['without, with --no-color', {}, ['--no-color'], false],
  ['without, on a terminal that has none', { TERM: 'dumb' }, [], false],
])('on a terminal: %s', async (_, env, options, isColored) => {
  for (const columns of [80, 200]) {
    const { terminal, texts } = createTerminal(env)
    Object.assign(terminal.stdout, { isTTY: true, columns, rows: 24 })
    expect(await run({ argv: ['plan', '--help', ...options], ...terminal })).toBe(0)
    expect(texts().stdout.includes(ESCAPE)).toBe(isColored)
    // The same text below its colours.
    expect(texts().stdout.replace(/\u001b\[\d*m/g, '')).toBe((await at(columns, 'plan', '--help')).stdout)
  }
})

test.each<[string[], string]>([
  [['undo'], 'portward rollback restores'],
  [['UNDO'], 'portward rollback restores'],
  [['help', 'undo'], 'portward rollback restores'],
  [['undo', '--help'], 'portward rollback restores'],
  [['--json', 'undo'], 'portward rollback restores'],
  [['ls'], 'portward bans lists'],
  [['check'], 'portward verify proves'],
  [['block', '203.0.113.7'], 'portward ban ADDRESS bans it'],
  [['ban', '203.0.113.7', '--bantime', '1d'], '--for 1d'],
  [['dry-run'], 'portward plan shows'],
  [['restart'], 'systemctl restart fail2ban'],
  [['whitelist', '192.0.2.0/24'], 'WHITELIST in /root/config.env'],
  [['203.0.113.7'], 'portward explain 203.0.113.7 shows'],
  [['2001:db8::7'], 'portward unban 2001:db8::7 releases'],
  [['aply'], 'did you mean apply?'],
  [['paln'], 'did you mean plan or ban?'],
  [['help', 'rolback'], 'did you mean rollback?'],
  [['frob'], 'portward --help lists all commands'],
  [['laboratory'], 'portward --help lists all commands'],
  [['apply', '--dry-run'], 'portward plan shows'],
  [['apply', '-n'], 'portward plan shows'],
  [['apply', '--force'], '--yes does not ask'],
  [['plan', '--yes'], 'portward apply --yes'],
  [['rollback', '--list'], 'portward generations'],
  [['unban', '--all'], 'portward bans lists'],
  [['status', '--debug'], '--verbose'],
  [['plan', '--fromat', 'text'], 'did you mean --format?'],
  [['plan', '--confg', 'x'], 'did you mean --config?'],
  [['plan', '--frob'], 'see portward plan --help'],
  [['plan', 'extra'], 'see portward plan --help'],
  [['explain'], 'see portward explain --help'],
  [['--frob', 'plan'], 'see portward plan --help'],
  [['--frob'], 'see portward --help'],
  [['plan', '--config'], 'see portward --help'],
  [['detect'], 'see portward detect --help'],
  [['detect', '--pcap', 'x', '--listen'], 'see portward detect --help'],
])('wrong usage leads on: %j', async (argv, expected) => {
  const { status, stdout, stderr } = await portward(...argv)
  expect([status, stdout]).toEqual([64, ''])
  expect(stderr).toMatch(/^portward: /)
  expect(stderr).toContain(expected)
  expect(linesOf(stderr).length).toBeLessThanOrEqual(2)
})

test.each<[string[], string]>([
  [['explain', 'foo'], '"foo" is not an IPv4 or IPv6 address'],
  [['unban', '203.0.113.0/24'], '"203.0.113.0/24" is a network: give single addresses; portward bans lists those that are banned'],
  [['explain'], 'explain needs an address'],
  [['ban'], 'ban needs addresses, or --file with a list of them'],
  [['ban', '203.0.113.7', '--file', '-'], 'ban needs addresses, or --file with a list of them'],
  [['ban', '203.0.113.7', '--for', 'long'], '--for "long" is not a time such as 30m, 12h, 1d or "1w 2d", nor "permanent"'],
  [['ban', '203.0.113.7', '--root', '/tmp'], 'ban works on the running server only, not with --root'],
  [['plan', 'foo'], 'plan takes no argument, but was given "foo"'],
  [['explain', '192.0.2.1', 'now'], 'explain takes one argument, but was given "192.0.2.1" "now"'],
  [['rollback', 'x'], '"x" is not the number of a generation: portward generations lists them'],
  [['apply', '--confirm-within', '1s'], '--confirm-within "1s" is not a time from 10s to 24h, such as 5m'],
  [['plan', '--format', 'x'], '--format "x" is not one of text, json, diff, github, gitlab, markdown'],
  [['detect', '--mode', 'x'], '--mode "x" is not one of tcp, stcp, atcp, udp, sudp, audp, stealth, connect'],
  [['plan', '--config'], '--config needs a value: <file>'],
  [['plan', '--root', ''], '--root and --config need a value'],
])('wrong usage in plain words: %j', async (argv, expected) => {
  const { stderr } = await portward(...argv)
  expect(linesOf(stderr)[0]).toBe(`portward: ${expected}`)
}) // biome-ignore format: a table

describe('the words that people try', () => {
  const words = WORDS.flatMap(([list]) => list.split(' '))

  it('are not commands, and each has one answer', () => {
    expect(words.filter((word) => commands.includes(word))).toEqual([])
    expect(words).toEqual([...new Set(words)])
  })

  it.each(WORDS)('%s: %s names commands that exist', (_, text) => {
    const named = [...text.matchAll(/\bportward ([a-z][a-z-]*)/g)].map(([, name]) => name ?? '')
    const prose = ['is', 'bans', 'does', 'has']
    expect(named.filter((name) => !commands.includes(name) && !prose.includes(name))).toEqual([])
  })
})

test.each(['-y', '--yes'])('apply and rollback have %s', (flag) => {
  for (const name of ['apply', 'rollback']) {
    const command = createSilent().commands.find((each) => each.name() === name)
    expect(command?.parseOptions([flag]).unknown).toEqual([])
    expect(command?.opts()).toMatchObject({ yes: true })
  }
})
