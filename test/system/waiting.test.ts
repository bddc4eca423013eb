import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { reportingWaits, waitingFor } from '../../src/system/waiting.ts'

let reported: string[]

beforeEach(() => {
  reported = []
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const reporting = <T>(work: () => Promise<T>) => reportingWaits((text) => reported.push(text), work)

const taking = (ms: number) => () => new Promise<string>((resolve) => setTimeout(resolve, ms, 'done'))

it.each([
  [4000, 90_000, []],
  [6000, 90_000, ['waiting for fail2ban to stop, up to 1m 30s']],
  [6000, 1_800_000, ['waiting for fail2ban to stop, up to 30m']],
])('after %i ms of %i it has said %j', async (ms, limitMs, expected) => {
  const wait = reporting(() => waitingFor('fail2ban to stop', limitMs, taking(ms)))
  await vi.advanceTimersByTimeAsync(ms)
  expect(await wait).toBe('done')
  expect(reported).toEqual(expected)
})

it('says once what two wait for, and again when somebody waits for it again', async () => {
  const wait = () => reporting(() => waitingFor('fail2ban to answer', 60_000, taking(6000)))
  const both = Promise.all([wait(), wait()])
  await vi.advanceTimersByTimeAsync(6000)
  await both
  expect(reported).toHaveLength(1)
  const third = wait()
  await vi.advanceTimersByTimeAsync(6000)
  await third
  expect(reported).toHaveLength(2)
})

it('says nothing after a failure', async () => {
  const failing = reporting(() => waitingFor('x', 60_000, () => Promise.reject(new Error('no'))))
  await expect(failing).rejects.toThrow('no')
  await vi.advanceTimersByTimeAsync(6000)
  expect(reported).toEqual([])
})
