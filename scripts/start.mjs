// `npm start`: the main job on a copy of the sample server, as anybody, in short or with --details; with other arguments, the
// real thing.
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPackages, root, run } from './install.mjs'

/** @typedef {(text: string) => string} Excerpt */

/** What a plan would do, by topic, and its sum. @type {Excerpt} */
const topicsAndSum = (text) => {
  const paragraphs = text.split('\n\n')
  return `${paragraphs[1]}\n${paragraphs.at(-1)?.split('\n')[0]}`
}

/** @type {Excerpt} */
const lastLine = (text) => text.split('\n').at(-1) ?? ''

const width = process.stdout.columns || 80

/** Breaks a line that is wider than the screen at spaces. @type {Excerpt} */
const wrap = (line) =>
  line.length <= width
    ? line
    : line.replace(new RegExp(`(.{1,${width - 2}})(?: +|$)`, 'g'), '$1\n  ').trimEnd()

/** A line for each of the first hosts. @type {Excerpt} */
const hosts = (text) => (text.match(/^\S+: noticed.*$/gm) ?? []).slice(0, 3).join('\n')

/** @type {Excerpt} */
const all = (text) => text

/** What is asked, the command that answers, how much of its output tells the story, and the exit status that it has to have. */
const STORY = /** @type {const} */ ([
  ['What would change?', 'plan --diff none', topicsAndSum, 2],
  ['Change it.', 'apply --yes --quiet --diff none', lastLine, 0],
  ['Is anything left to do?', 'plan', all, 0],
  [
    'Somebody scanned it, and scan.pcap has the packets. Who would be blocked?',
    'detect --pcap scan.pcap --in-use 22,80 --address 192.168.1.10',
    hosts,
    0,
  ],
])

/** The words of a command that prints all that it can. */
const detailed = (/** @type {string[]} */ words) =>
  words.filter((word) => word !== '--quiet').map((word) => (word === 'none' ? 'full' : word))

const tour = (/** @type {boolean} */ isDetailed) => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-sample-'))
  const server = join(directory, 'server')
  const show = (/** @type {string} */ text) =>
    console.log(text.replaceAll(server, '').split('\n').map(wrap).join('\n'))
  /** Runs a command on the sample server; shows what it prints, or an excerpt. Returns its exit status and messages. */
  const tell = (/** @type {string} */ command, /** @type {Excerpt} */ excerpt) => {
    const words = isDetailed ? detailed(command.split(' ')) : command.split(' ')
    show(`$ portward ${words.join(' ')}`)
    const options = ['--no-pager', '--root', server, '--config', join(server, 'root/config.env')]
    // Of the others an excerpt takes whole lines.
    const columns = { COLUMNS: command.startsWith('plan') ? String(width) : '' }
    const { stdout, stderr, status, error } = spawnSync(join(root, 'bin/portward'), [...words, ...options], {
      cwd: join(root, 'fixtures'),
      encoding: 'utf8',
      stdio: isDetailed ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(isDetailed ? {} : columns) },
    })
    if (error) throw error
    if (!isDetailed) show(excerpt(stdout.trimEnd()))
    return { status, stderr }
  }
  try {
    cpSync(join(root, 'fixtures/sample-server'), server, { recursive: true })
    // A checkout may be group-writable; a config.env that others may write is refused to root.
    chmodSync(join(server, 'root/config.env'), 0o600)
    show('A sample server: Debian 12 and stock packages. Its --root is left out below.')
    for (const [question, command, excerpt, expected] of STORY) {
      show(`\n${question}`)
      const { status, stderr } = tell(command, excerpt)
      if (status === expected) continue
      console.error(`${stderr ?? ''}That exited with ${status}, which should be ${expected}.`)
      return 1
    }
    show(`\n${isDetailed ? '' : 'All of it: npm start -- --details. '}On a server: docs/new-server.md`)
    return 0
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Runs the real thing; what ends this process is passed on, and it waits until portward has put things back. */
const passThrough = (/** @type {string[]} */ args) => {
  const child = spawn(join(root, 'bin/portward'), args, { stdio: 'inherit' })
  // A terminal tells both of Ctrl-C; a termination reaches this process only.
  process.on('SIGINT', () => {})
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP']))
    process.on(signal, () => child.kill(signal))
  child.on('exit', (status) => {
    process.exitCode = status ?? 1
  })
}

installPackages()
run('node', ['scripts/build.mjs'])
const args = process.argv.slice(2)
const isDetailed = args.join() === '--details'
if (args.length > 0 && !isDetailed) passThrough(args)
else process.exitCode = tour(isDetailed)
