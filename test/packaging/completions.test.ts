import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bashCompletion, readCommandLine, zshCompletion } from '../../scripts/completions.mjs'
import { isInstalled, readCommands } from './command-line.ts'

let directory: string
let bash: string
let zsh: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'portward-completions-'))
  const commandLine = await readCommandLine()
  bash = join(directory, 'portward')
  zsh = join(directory, '_portward')
  writeFileSync(bash, bashCompletion(commandLine))
  writeFileSync(zsh, zshCompletion(commandLine))
  writeFileSync(join(directory, 'a scan.pcap'), '')
}, 60_000)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** What bash offers for the last of these words. */
const offered = (...words: string[]): string[] => {
  const script = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _portward 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', script, bash, 'portward', ...words], {
    cwd: directory,
    encoding: 'utf8',
  })
    .split('\n')
    .filter(Boolean)
}

const commands = readCommands()
const everywhere = commands.get('') ?? []

describe('bash', () => {
  it('offers every command, and no hidden one', () => {
    const names = [...commands.keys()].filter(Boolean)
    expect(
      offered('')
        .filter((word) => !word.startsWith('-'))
        .sort(),
    ).toEqual([...names, 'help'].sort())
  })

  it.each([...commands])('offers the options of "%s" and no others', (command, options) => {
    const words = command === '' ? offered('--') : offered(command, '--')
    const expected = new Set([...everywhere, ...options, '--help', '--version'])
    expect(new Set(words)).toEqual(expected)
  })

  it.each([
    [['sta'], ['status']],
    [['--config', 'x', 'sta'], ['status']],
    [['--config', '=', 'x', 'sta'], ['status']],
    [['help', 'conf'], ['confirm']],
    [['detect', '--pcap', 'a'], ['a scan.pcap']],
    [
      ['detect', '--pcap', '='],
      ['_portward', 'a scan.pcap', 'portward'],
    ],
    [['detect', '--method', 'r'], ['raw']],
    [
      ['plan', '--format', 'g'],
      ['github', 'gitlab'],
    ],
    [
      ['plan', '--release', ''],
      ['sysv-1.2', 'template-1.2', 'native-2'],
    ],
    [
      ['detect', '--mode', 's'],
      ['stcp', 'sudp', 'stealth'],
    ],
    [['detect', '--interface', 'l'], ['lo']],
    [['apply', '--confirm-within', ''], []],
    [['explain-problem', 'near'], ['near-miss']],
    [['explain-problem', 'near-miss', 'cut-o'], ['cut-off']],
  ])('%j: %j', (words, expected) => {
    expect(offered(...words).sort()).toEqual(expected.sort())
  })
})

/** For the zsh in a terminal of its own: words that completion adds go to a file; "do-ne" tells that all are there. */
const zshInit = `
PS1= dir=\${0:h}
fpath=($dir $fpath)
autoload -Uz compinit
compinit -u -d $dir/dump
compadd() {
  local -a hits
  # With one of these it only asks what would match.
  [[ -n \${(M)@:#-[OAD]} ]] || { builtin compadd -A hits "$@"; print -rl -- $hits >>$dir/offered }
  builtin compadd "$@"
}
say() { print do-ne }
comppostfuncs=(say)
print re-ady
`

const zshTerminal = `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "source $1/init.zsh"
zpty -r z output '*re-ady*'
zpty -n -w z "$2"$'\\t'
zpty -r z output '*do-ne*'
zpty -d z
`

/** What zsh offers after this line. */
const zshOffers = (line: string): string[] => {
  writeFileSync(join(directory, 'init.zsh'), zshInit)
  writeFileSync(join(directory, 'offered'), '')
  const env = { ...process.env, TERM: 'dumb' }
  execFileSync('zsh', ['-f', '-c', zshTerminal, 'zsh', directory, line], {
    cwd: directory,
    env,
    timeout: 30_000,
  })
  return readFileSync(join(directory, 'offered'), 'utf8').split('\n').filter(Boolean)
}

describe('zsh', () => {
  const isThere = isInstalled('zsh')

  it.skipIf(!isThere)('reads the file', () => {
    execFileSync('zsh', ['-n', zsh])
  })

  it.skipIf(!isThere)('offers every command, and no hidden one', () => {
    const names = [...commands.keys()].filter(Boolean)
    expect(zshOffers('portward ').sort()).toEqual([...names, 'help'].sort())
  })

  it.skipIf(!isThere).each([...commands])('offers the options of "%s" and no others', (command, options) => {
    const words = zshOffers(`portward ${command}${command === '' ? '' : ' '}--`)
    expect(new Set(words)).toEqual(new Set([...everywhere, ...options, '--help', '--version']))
  })

  it.skipIf(!isThere).each([
    ['sta', ['status']],
    ['--config x sta', ['status']],
    ['help conf', ['confirm']],
    ['detect --pcap a', ['a\\ scan.pcap']],
    ['detect --method ', ['pcap', 'raw']],
    ['plan --format=g', ['github', 'gitlab']],
    ['plan --release ', ['native-2', 'sysv-1.2', 'template-1.2']],
    ['detect --mode st', ['stcp', 'stealth']],
    ['explain-problem near', ['near-miss']],
    ['explain-problem near-miss cut-o', ['cut-off']],
  ])('%s: %j', (words, expected) => {
    expect(zshOffers(`portward ${words}`).sort()).toEqual(expected)
  })
})
