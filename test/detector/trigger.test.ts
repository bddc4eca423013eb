import { describe, expect, it, test } from 'vitest'
import { createTrigger } from '../../src/detector/trigger.ts'
import { address } from './daemon.ts'

const A = address('203.0.113.9')
const foreign = (index: number) => [198, 51, (index >> 8) & 255, index & 255]

/** `-` and `x` for each packet of the same host: below the trigger, and enough. */
const run = (dialect: '1.2' | '2.x', scanTrigger: number, packets = 5): string => {
  const trigger = createTrigger(dialect, scanTrigger)
  return Array.from({ length: packets }, () => (trigger.count(A) ? 'x' : '-')).join('')
}

test.each<['1.2' | '2.x', number, string]>([
  ['1.2', -1, 'xxxxx'],
  ['1.2', 0, 'xxxxx'],
  ['1.2', 1, 'xxxxx'],
  ['1.2', 2, '-xxxx'],
  ['1.2', 4, '---xx'],
  ['1.2', 51, 'xxxxx'],
  ['2.x', 0, 'xxxxx'],
  ['2.x', 1, 'xxxxx'],
  ['2.x', 2, '-xxxx'],
  ['2.x', 4, '---xx'],
  ['2.x', 51, '-----'],
])('%s, SCAN_TRIGGER %d: %s', (dialect, scanTrigger, expected) =>
  expect(run(dialect, scanTrigger)).toBe(expected),
)

it('1.2 acts at the 50th packet of 50', () => expect(run('1.2', 50, 52)).toBe(`${'-'.repeat(49)}xxx`))

describe('how long a host is remembered', () => {
  /** Whether the second packet of a host is enough after so many others. */
  const secondAfter = (dialect: '1.2' | '2.x', others: number, bound?: number): boolean => {
    const trigger = createTrigger(dialect, 2, bound)
    trigger.count(A)
    for (let index = 0; index < others; index += 1) trigger.count(foreign(index))
    return trigger.count(A)
  }

  test.each<['1.2' | '2.x', number, number | undefined, boolean]>([
    ['1.2', 49, undefined, true],
    ['1.2', 50, undefined, false],
    ['2.x', 5000, undefined, true],
    ['2.x', 9, 10, true],
    ['2.x', 10, 10, false],
  ])('%s after %d packets of others (bound %s): %s', (dialect, others, bound, expected) =>
    expect(secondAfter(dialect, others, bound)).toBe(expected),
  )

  it('2.x keeps the families apart', () => {
    const trigger = createTrigger('2.x', 2, 2)
    const answers = ['203.0.113.9', '2001:db8::9', '203.0.113.9', '2001:db8::9'].map((host) =>
      trigger.count(address(host)),
    )
    expect(answers).toEqual([false, false, true, true])
    expect(trigger.size()).toBe(2)
  })
})

test.each<['1.2' | '2.x', number, number]>([
  ['1.2', 50, 0],
  ['1.2', 51, 3],
  ['2.x', 51, 0],
])('%s warns at each packet with SCAN_TRIGGER %d: %d lines', (dialect, scanTrigger, lines) =>
  expect(createTrigger(dialect, scanTrigger).warnings).toHaveLength(lines),
)
