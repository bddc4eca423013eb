import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import {
  commandsOf,
  examplesIn,
  PAGES,
  readPage,
  withOutputs,
  withVariables,
} from '../documentation/examples.ts'
import { excerptOf, keptRecording, RECORDING } from '../documentation/picture.ts'
import { buildPackage } from './deb.ts'
import type { Suite } from './harness/base-image.ts'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { environment } from './harness/shell.ts'
import { openTmux } from './harness/tmux.ts'
import { expectBanned, OPEN_PORT } from './scenario.ts'

/** Where the shell on the server notes how each command ended. */
const STATUSES = '/run/statuses'

const CONFIG = '/root/config.env'

/** A shell of the server in a terminal, in which an admin types what the pages say and answers what is asked. */
const openShell = async (server: Server, rows: number) => {
  const terminal = await openTmux(
    ['nsenter', '-t', String(server.leader()), '-a', 'sh', '-c', 'cd /root && exec bash --norc'],
    {
      columns: 80,
      rows,
      env: {
        ...environment,
        TERM: 'screen-256color',
        PAGER: 'cat',
        PS1: '# ',
        PROMPT_COMMAND: `echo $? >>${STATUSES}`,
      },
    },
  )
  const statuses = async () =>
    (await server.run(`cat ${STATUSES} 2>/dev/null`, { allowFailure: true })).stdout
      .split('\n')
      .filter(Boolean)
  /** Answers with what is proposed, and with yes where only that goes on. */
  const answer = async () => {
    const screen = await terminal.screen()
    const question = /^\? [\s\S]*/m.exec(screen)?.[0]
    if (question === undefined) return
    await terminal.press(...(question.includes('(y/N)') ? ['y', 'Enter'] : ['Enter']))
    await eventually('the answer is taken', async () => (await terminal.screen()) !== screen)
  }
  await terminal.shows('#')
  return {
    terminal,
    /** Types a command. Returns its exit status. */
    type: async (command: string): Promise<number> => {
      const before = (await statuses()).length
      await terminal.press(command, 'Enter')
      return Number(
        await eventually(
          `"${command}" ends`,
          async () => {
            const all = await statuses()
            if (all.length > before) return all.at(-1)
            await answer()
            throw new Error(`the terminal shows\n${await terminal.everything()}`)
          },
          { timeoutMs: 200_000 },
        ),
      )
    },
  }
}

/**
 * Types all commands of a page, with the variables that it shows in config.env from then on, and holds the page to their
 * outputs. Returns what the terminal showed.
 */
const follow = async (server: Server, page: string): Promise<string> => {
  const { type, terminal } = await openShell(server, 50)
  const outputs = new Map<string, string>()
  for (const example of examplesIn(page)) {
    if (example.language === 'dotenv' && example.mark === '' && (await server.exists(CONFIG)))
      await server.write(CONFIG, withVariables(await server.readText(CONFIG), example.text), 0o600)
    if (example.mark !== 'server') continue
    for (const { text, exit } of commandsOf(example)) {
      const typed = text.replace(/ +# .*$/, '')
      const status = await type(typed)
      const shown = await terminal.everything()
      expect(status, `${example.at}: ${text}\n${shown}`).toBe(exit)
      outputs.set(text, (shown.split(`# ${typed}\n`).at(-1) ?? '').replace(/#$/, ''))
    }
  }
  await expect(withOutputs(readPage(page), outputs)).toMatchFileSnapshot(join(checkout, page))
  return terminal.colored()
}

const start = async (suite: Suite): Promise<Server> => {
  const server = await startServer({ suite })
  const { name, bytes } = buildPackage()
  await server.write(`/root/${name}`, bytes)
  await server.listen(OPEN_PORT)
  return server
}

const onServers = PAGES.filter((page) => examplesIn(page).some(({ mark }) => mark === 'server'))

describeServers('the pages, typed on a new Debian 12', () => {
  let server: Server

  beforeAll(async () => {
    server = await start('bookworm')
  })
  afterAll(() => server?.stop())

  it('has a Node.js that cannot build portward, which it says', async () => {
    for (const name of ['install', 'start'])
      await server.write(`/root/scripts/${name}.mjs`, readFileSync(join(checkout, `scripts/${name}.mjs`)))
    const { exitCode, stderr } = await server.run('node /root/scripts/start.mjs', { allowFailure: true })
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/^Node\.js 20\.19 or newer is needed .* this is 18\./),
    ])
  })

  it('docs/new-server.md', async () => {
    await follow(server, 'docs/new-server.md')
    await expectBanned(server)
  })
})

describeServers('the pages, typed on a new Debian 13', () => {
  let server: Server

  beforeAll(async () => {
    server = await start('trixie')
  })
  afterAll(() => server?.stop())

  it('README.md, which shows a picture of it', async () => {
    const shown = excerptOf(await follow(server, 'README.md'))
    await expectBanned(server, undefined, [1])
    const earlier = existsSync(RECORDING) ? readFileSync(RECORDING, 'utf8') : ''
    await expect(keptRecording(earlier, shown)).toMatchFileSnapshot(RECORDING)
  })

  it.each(onServers.filter((page) => !['README.md', 'docs/new-server.md'].includes(page)))(
    '%s',
    async (page) => {
      await follow(server, page)
    },
  )
})
