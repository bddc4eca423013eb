import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { askMany, askOne, askText, askWhether } from '../../src/commands/ask.ts'
import { createTerminal } from './in-process.ts'

/** An interface can have such a name. */
const NAME = 'lan\u001b]0;x\u0007\ufdd2 …'

const choices = [{ value: 1, name: NAME, description: NAME }]

it.each<[string, (options: Parameters<typeof askOne>[2]) => Promise<unknown>, string]>([
  ['whether', (options) => askWhether(NAME, options), 'y\r'],
  ['one', (options) => askOne(NAME, choices, options), '\r'],
  ['many', (options) => askMany(NAME, choices, options), ' \r'],
  ['text', (options) => askText(NAME, (text) => (text === 'a' ? NAME : null), options), 'a\rb\r'],
])('asks %s, and the terminal obeys nothing that is quoted', async (_, asking, keys) => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  const { terminal, texts } = createTerminal({ LANG: 'C' }, stdin, { isTTY: true, columns: 80, rows: 24 })
  const answer = asking({ terminal, root: '/', color: true })
  for (const key of keys) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    stdin.write(key)
  }
  expect(await answer).toBeTruthy()
  expect(texts().stderr).toContain('lan^[]0;x^G')
  expect(texts().stderr).not.toMatch(/\u001b\]|\u0007|\ufdd2|…/)
})
