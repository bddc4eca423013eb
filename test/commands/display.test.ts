import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openDisplay } from '../../src/commands/display.ts'
import { type GlobalOptions, openOutput } from '../../src/commands/output.ts'
import { showingProgress } from '../../src/commands/progress.ts'
import { activity, advance, remark, step, waitingFor, watchedBy } from '../../src/system/progress.ts'
import { createTerminal, portward } from './in-process.ts'

/** What a terminal shows that is tall enough, of what is written to it. */
const draw = (written: string): string => {
  const lines = ['']
  let row = 0
  let column = 0
  for (const [token] of written.matchAll(/\u001b\[[?\d]*[A-Za-z]|./gsu)) {
    if (token === '\n') {
      row += 1
      lines[row] ??= ''
      column = 0
    } else if (token === '\r') column = 0
    else if (token === '\u001b[2K') lines[row] = ''
    else if (token === '\u001b[J') {
      lines.length = row + 1
      lines[row] = (lines[row] ?? '').slice(0, column)
    } else if (!token.startsWith('\u001b')) {
      const line = [...(lines[row] ?? '').padEnd(column)]
      line[column] = token
      lines[row] = line.join('')
      column += 1
    }
  }
  return lines.join('\n').trimEnd()
}

/** Options of a command on a terminal of this width, and what that shows. */
const onTerminal = (columns: number, env: Record<string, string> = {}) => {
  const chunks: string[] = []
  const stream = (): Writable & { isTTY: true; columns: number; rows: number } =>
    Object.assign(
      new Writable({
        write: (chunk: Buffer, _, done) => {
          chunks.push(chunk.toString())
          done()
        },
      }),
      { isTTY: true, columns, rows: 24 } as const,
    )
  const { stdin } = createTerminal().terminal
  const [stdout, stderr] = [stream(), stream()]
  const terminal = { env: { LANG: 'C.UTF-8', TERM: 'xterm', ...env }, stdin, stdout, stderr }
  const options: GlobalOptions = { terminal, root: '/', color: true }
  return { options, stderr, screen: () => draw(chunks.join('')), written: () => chunks.join('') }
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-28T12:35:27Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Does work while a display is open. */
const shown = async (options: GlobalOptions, work: () => Promise<unknown>): Promise<void> => {
  const display = openDisplay(options)
  await watchedBy(display, work).catch(() => undefined)
  display.close()
}

describe('on a terminal', () => {
  it.each([80, 200])('shows what is under way, and keeps what has ended: %i columns', async (columns) => {
    const { options, screen } = onTerminal(columns)
    const work = shown(options, async () => {
      await step('fail2ban: new jail portsentry', () => sleep(140))
      await step('restart fail2ban', () => waitingFor('fail2ban to stop', 15_000, () => sleep(3100)))
      await step('fail', () => Promise.reject(new Error('no')))
    })
    await pass(2400)
    expect(screen()).toMatch(
      /^✔ fail2ban: new jail portsentry {2}0\.1 s\n[|/\\-] restart fail2ban · waiting for fail2ban to stop, up to 15s {2}2 s$/,
    )
    await pass(1000)
    await work
    expect(screen()).toBe('✔ fail2ban: new jail portsentry  0.1 s\n✔ restart fail2ban  3.1 s\n✗ fail')
  })

  it("shows apt's progress, and that of the next step is not that of the last one", async () => {
    const { options, screen } = onTerminal(80)
    const work = shown(options, async () => {
      await step('install fail2ban', async () => {
        advance({ part: 'change', percent: 12.7, text: 'Unpacking fail2ban' })
        await sleep(1000)
      })
      await step('restart', () => sleep(1000))
    })
    await pass(900)
    expect(screen()).toMatch(/^. install fail2ban · 12 %: Unpacking fail2ban$/)
    await pass(900)
    expect(screen()).toMatch(/\n. restart$/)
    await pass(1000)
    await work
  })

  it('erases its line before anything else is written, whoever writes it', async () => {
    const { options, screen } = onTerminal(80)
    const output = openOutput(options)
    const work = shown(options, () =>
      activity('reading this server', async () => {
        await sleep(500)
        output.note('a note')
        await sleep(500)
        output.text('a result\n')
        output.textLine('another\n')
        await sleep(500)
        remark('finishing this step')
        await sleep(100)
      }),
    )
    await pass(400)
    expect(screen()).toMatch(/^. reading this server$/)
    await pass(500)
    expect(screen()).toMatch(/^a note\n. reading this server$/)
    await pass(5000)
    await work
    expect(screen()).toBe('a note\na result\nanother\nfinishing this step')
  })

  it('follows the width of the terminal', async () => {
    const { options, stderr, screen } = onTerminal(200)
    const work = shown(options, () => activity('a'.repeat(150), () => sleep(5000)))
    await pass(400)
    expect(screen()).toHaveLength(152)
    stderr.columns = 60
    stderr.emit('resize')
    expect(screen()).toMatch(/^. a+…$/)
    expect([...screen()]).toHaveLength(59)
    await pass(5000)
    await work
    expect(screen()).toBe('')
  })

  it.each([
    ['no colours', { NO_COLOR: '1' }, '✔ a — b  2.0 s'],
    ['no UTF-8', { LANG: 'C' }, '+ a - b  2.0 s'],
  ])('%s', async (name, env, expected) => {
    const { options, screen, written } = onTerminal(80, env)
    const work = shown(options, () => step('a — b', () => sleep(2000)))
    await pass(2000)
    await work
    expect(screen()).toBe(expected)
    if (name === 'no colours') expect(written()).not.toMatch(/\u001b\[\d*m/)
  })
})

it('is one line whatever it is about, and nothing in it is obeyed', async () => {
  const { options, screen, written } = onTerminal(80, { LANG: 'C' })
  const work = shown(options, () =>
    waitingFor(`sh -c set -e\n\tipset \u001b]0;x\u0007 ${'a'.repeat(80)}`, 60_000, () => sleep(5000)),
  )
  await pass(2000)
  expect(screen()).toMatch(/^. waiting for sh -c set -e ipset \^\[\]0;x\^G a+\.\.\., up to 1m {2}2 s$/)
  expect(written()).not.toContain('\u001b]')
  await pass(5000)
  await work
  expect(screen()).toBe('')
})

describe('elsewhere', () => {
  const log = async (work: () => Promise<unknown>, ms: number): Promise<string[]> => {
    const { terminal, texts } = createTerminal()
    const done = shown({ terminal, root: '/', color: true }, work)
    await pass(ms)
    await done
    return texts().stderr.split('\n').slice(0, -1)
  }

  it('logs when a step begins and ends, with the time', async () => {
    const lines = await log(async () => {
      await step('restart fail2ban', () => sleep(1200), { position: '3/14' })
      await activity('reading', () => sleep(1000))
      remark('finishing')
    }, 3000)
    const time = /^2026-11-28 \d\d:\d\d:(\d\d) [+-]\d{4} (.*)$/
    expect(lines.map((line) => time.exec(line)?.slice(1))).toEqual([
      ['27', '[3/14] restart fail2ban'],
      ['28', '[3/14] done in 1.2 s'],
      ['29', 'finishing'],
    ])
  })

  it.each([
    [4000, 90_000, []],
    [6000, 90_000, ['waiting for fail2ban to stop, up to 1m 30s']],
    [6000, 1_800_000, ['waiting for fail2ban to stop, up to 30m']],
  ])('after %i ms of %i it has said %j', async (ms, limitMs, expected) => {
    expect(await log(() => waitingFor('fail2ban to stop', limitMs, () => sleep(ms)), ms)).toEqual(expected)
  })

  it('says once what two wait for, and again when somebody waits for it again', async () => {
    const wait = () => waitingFor('fail2ban to answer', 60_000, () => sleep(6000))
    expect(await log(() => Promise.all([wait(), wait()]), 6000)).toHaveLength(1)
    expect(await log(wait, 6000)).toHaveLength(1)
  })

  it('says nothing after a failure', async () => {
    expect(await log(() => waitingFor('x', 60_000, () => Promise.reject(new Error('no'))), 6000)).toEqual([])
  })
})

describe('a command', () => {
  it('shows steps at once, and what takes long', async () => {
    vi.useRealTimers()
    const { options, screen } = onTerminal(80)
    await showingProgress(options, async () => {
      await step('a step', async () => {})
      expect(screen()).toBe('✔ a step')
      await activity('reading', () => sleep(1000))
    })
    expect(screen()).toBe('✔ a step')
    const listeners = process.listenerCount('SIGINT')
    await showingProgress(options, () => step('another', async () => {}))
    expect(process.listenerCount('SIGINT')).toBe(listeners)
  })

  it.each(['quiet', 'json'])('--%s shows nothing', async (option) => {
    vi.useRealTimers()
    const { options, written } = onTerminal(80)
    await showingProgress({ ...options, [option]: true }, () => step('a step', async () => {}))
    expect(written()).toBe('')
  })

  it('that ends soon says nothing', async () => {
    vi.useRealTimers()
    expect((await portward('--version')).stderr).toBe('')
  })
})
