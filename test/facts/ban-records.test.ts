import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { type BanRecord, parseBanRecord, readBanRecords } from '../../src/facts/ban-records.ts'
import { temporaryDirectory } from '../tree.ts'
import { BANS, fillDatabase } from './fail2ban-database.ts'

describe('a line', () => {
  test.each<[string, Partial<BanRecord> | null]>([
    [
      '["203.0.113.9", 1795288592, 600, 2, 1]',
      { address: '203.0.113.9', sinceMs: 1795288592000, untilMs: 1795289192000, count: 2, isLatest: true },
    ],
    ['["2001:DB8::9", 1795288592.5, -1, 1, 0]', { address: '2001:db8::9', untilMs: null, isLatest: false }],
    ['["a host", 1, 1, 1, 1]', null],
    ['[null, 1, 1, 1, 1]', null],
    ['["203.0.113.9", null, 1, 1, 1]', null],
    ['["203.0.113.9", Infinity, 1, 1, 1]', null],
    ['null', null],
  ])('%s', (line, expected) => {
    if (expected === null) expect(parseBanRecord(line)).toBeNull()
    else expect(parseBanRecord(line)).toMatchObject(expected)
  })
})

const read = async (root: string) => {
  const records: BanRecord[] = []
  const note = await readBanRecords(root, BANS, (record) => records.push(record))
  return { note, records: records.sort((a, b) => a.sinceMs - b.sinceMs) }
}

describe("fail2ban's database", () => {
  it('has the bans of the jail, the latest of a host once', async () => {
    const root = temporaryDirectory()
    fillDatabase(join(root, BANS), {
      bans: [
        ['portsentry', '203.0.113.9', 1000, 600, 1],
        ['portsentry', '203.0.113.9', 5000, 1200, 2],
        ['sshd', '203.0.113.7', 1000, 600, 1],
      ],
      bips: [
        ['portsentry', '203.0.113.9', 5000, 2400, 2],
        ['portsentry', '203.0.113.8', 500, -1, 7],
      ],
    })
    const { note, records } = await read(root)
    expect(note).toBe('')
    expect(records).toEqual([
      { address: '203.0.113.8', sinceMs: 500_000, untilMs: null, count: 7, isLatest: true },
      { address: '203.0.113.9', sinceMs: 1_000_000, untilMs: 1_600_000, count: 1, isLatest: false },
      { address: '203.0.113.9', sinceMs: 5_000_000, untilMs: 7_400_000, count: 2, isLatest: true },
    ])
  })

  it('may have values that fail2ban never writes: the other bans are read', async () => {
    const root = temporaryDirectory()
    fillDatabase(join(root, BANS), { bans: [['portsentry', '203.0.113.9', 1000, 600, 1]], bips: [] })
    const spoil = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("INSERT INTO bans VALUES ('portsentry', x'00ff', 500, 600, 1, NULL)")
database.execute("INSERT INTO bans VALUES ('portsentry', '203.0.113.8', 9e999, 600, 1, NULL)")
database.commit()
`
    execFileSync('python3', ['-c', spoil, join(root, BANS)])
    const { note, records } = await read(root)
    expect([note, records.map(({ address }) => address)]).toEqual(['', ['203.0.113.9']])
  })

  it('may be missing, or no database', async () => {
    const root = temporaryDirectory()
    expect(await read(root)).toEqual({ note: null, records: [] })
    mkdirSync(dirname(join(root, BANS)), { recursive: true })
    writeFileSync(join(root, BANS), 'this is a text'.repeat(100))
    expect((await read(root)).note).toBe('file is not a database')
    writeFileSync(join(root, BANS), '')
    expect((await read(root)).note).toBe('no such table: bips')
  })
})
