import { expect, it } from 'vitest'
import {
  activity,
  advance,
  remark,
  step,
  underWay,
  waitingFor,
  watchedBy,
} from '../../src/system/progress.ts'

/** What a watcher hears, a line each. */
const heard = async (work: () => Promise<unknown>): Promise<string[]> => {
  const lines: string[] = []
  const watcher = {
    began: ({ kind, what, position, limitMs }) =>
      void lines.push(
        `began ${kind} ${what}${position && ` ${position}`}${limitMs === null ? '' : ` ${limitMs}`}`,
      ),
    ended: ({ what }, { result, outcome }) =>
      void lines.push(`ended ${what}: ${result}${outcome && ` ${outcome}`}`),
    advanced: ({ percent, text }) => void lines.push(`${percent} ${text}`),
    remarked: (text) => void lines.push(text),
  } satisfies Parameters<typeof watchedBy>[0]
  await watchedBy(watcher, work).catch((error: Error) => lines.push(error.message))
  return lines
}

it.each<[string, () => Promise<unknown>, readonly string[]]>([
  ['a step', () => step('x', async () => {}, { position: '1/2' }), ['began step x 1/2', 'ended x: done']],
  [
    'what came of it',
    () =>
      step('x', async () => 3, { judge: (count) => ({ result: 'warned', outcome: `${count} warnings` }) }),
    ['began step x', 'ended x: warned 3 warnings'],
  ],
  [
    'a failure, which goes on to the caller',
    () => step('x', () => Promise.reject(new Error('no'))),
    ['began step x', 'ended x: failed', 'no'],
  ],
  [
    'what happens meanwhile',
    () =>
      activity('x', async () => {
        advance({ part: 'change', percent: 4, text: 'unpacking' })
        remark('stopping')
        await waitingFor('y', 1000, async () => {})
      }),
    ['began activity x', '4 unpacking', 'stopping', 'began wait y 1000', 'ended y: done', 'ended x: done'],
  ],
  [
    'two waits for the same once, and again when somebody waits for it again',
    async () => {
      const wait = () => waitingFor('y', 1000, async () => {})
      await Promise.all([wait(), wait()])
      await wait()
    },
    ['began wait y 1000', 'ended y: done', 'began wait y 1000', 'ended y: done'],
  ],
])('a watcher hears of %s', async (_, work, expected) => {
  expect(await heard(work)).toEqual(expected)
  expect(underWay()).toEqual([])
})

it('a step waits until its watcher is ready', async () => {
  const order: string[] = []
  const ready = { advanced: () => {}, ended: () => {}, remarked: () => {} }
  const began = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    order.push('ready')
  }
  await watchedBy({ ...ready, began }, () => step('x', async () => order.push('work')))
  expect(order).toEqual(['ready', 'work'])
})
