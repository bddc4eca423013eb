import { describe, expect, it, test } from 'vitest'
import { type Answer, judgeAhosts, parseAhosts, readAnswers } from '../../src/facts/host-names.ts'
import { formatNetwork } from '../../src/network.ts'

test('what getent prints: each address once, IPv4 first, none that needs an interface', () => {
  const stdout = [
    '2001:db8::7     STREAM home.example.net',
    '2001:db8::7     DGRAM  ',
    '203.0.113.9     STREAM ',
    '198.51.100.7    STREAM ',
    '::ffff:198.51.100.7 RAW ',
    'fe80::1%eth0    STREAM ',
    '',
  ].join('\n')
  expect(parseAhosts(stdout).map(formatNetwork)).toEqual(['198.51.100.7', '203.0.113.9', '2001:db8::7'])
})

describe('how it ends', () => {
  const result = (exitCode: number, stderr = '') => ({ exitCode, stdout: '', stderr })
  it.each<[what: string, answer: Answer, expected: RegExp]>([
    ['no such name', judgeAhosts(result(2)), /^resolves to nothing: it does not exist, or no name server answers$/],
    ['silence', judgeAhosts(result(137, 'did not end within 8 s')), /^could not be looked up: getent did not end within 8 s$/],
    ['no getent', judgeAhosts(result(127)), /getent is missing/],
  ])('%s', (_, answer, expected) => expect(answer).toMatch(expected)) // biome-ignore format: a table
})

test('the names of this machine', async () => {
  const { byName, ofNobody } = await readAnswers(['localhost'])
  const answer = byName.get('localhost')
  expect(typeof answer === 'object' && answer.map(formatNetwork)).toEqual(
    expect.arrayContaining(['127.0.0.1']),
  )
  expect(ofNobody).toEqual([])
  expect(await readAnswers([])).toEqual({ byName: new Map(), ofNobody: [] })
})
