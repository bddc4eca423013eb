import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, test } from 'vitest'
import { parseHistory } from '../../src/detector/history-reader.ts'
import { findHistoryFiles, readHistoryFile, sortHistoryFiles } from '../../src/facts/history-files.ts'
import { temporaryDirectory } from '../tree.ts'

describe('the files of a history, the oldest first', () => {
  test.each<[string, string[], string[]]>([
    ['none', [], []],
    ['itself', ['h'], ['h']],
    ['others', ['h', 'h.bak', 'hh', 'h1', 'xh', 'h.1.orig', 'h.', '.h'], ['h']],
    ['numbers', ['h', 'h.1', 'h.10.gz', 'h.2.gz', 'h.9.gz'], ['h.10.gz', 'h.9.gz', 'h.2.gz', 'h.1', 'h']],
    [
      'dates',
      ['h', 'h-20261101.gz', 'h-20261201', 'h-20251201.gz'],
      ['h-20251201.gz', 'h-20261101.gz', 'h-20261201', 'h'],
    ],
    ['hours', ['h-20261101-1300', 'h-20261101-0200'], ['h-20261101-0200', 'h-20261101-1300']],
    ['both', ['h.1', 'h-20261101', 'h'], ['h-20261101', 'h.1', 'h']],
    ['while it is compressed', ['h.2.gz', 'h.2', 'h.1'], ['h.2', 'h.1']],
    ['without the history', ['h.1.gz'], ['h.1.gz']],
    ['another compression', ['h.1.xz', 'h.2.zst'], ['h.2.zst', 'h.1.xz']],
  ])('%s', (_, names, expected) => {
    expect(sortHistoryFiles('h', names)).toEqual(expected)
    expect(sortHistoryFiles('h', names.toReversed())).toEqual(expected)
  })

  it('are found below a tree', async () => {
    const root = temporaryDirectory()
    mkdirSync(join(root, 'var/log'), { recursive: true })
    for (const name of ['p.log', 'p.log.1', 'p.log.2.xz']) writeFileSync(join(root, 'var/log', name), '')
    expect(await findHistoryFiles(root, '/var/log/p.log')).toEqual([
      { path: '/var/log/p.log.2.xz', isForeign: true },
      { path: '/var/log/p.log.1', isForeign: false },
      { path: '/var/log/p.log', isForeign: false },
    ])
    expect(await findHistoryFiles(root, '/srv/p.log')).toEqual([])
  })
})

const LINES = Array.from({ length: 20_000 }, (_, index) => `line ${index} \xe9\n`).join('')

/** What is read of these bytes, and what is said about it. */
const read = async (bytes: Uint8Array): Promise<{ text: string; note: string; isWhole: boolean }> => {
  const root = temporaryDirectory()
  writeFileSync(join(root, 'h'), bytes)
  const parts: string[] = []
  const note = await readHistoryFile(root, '/h', (part) => parts.push(part))
  return { text: parts.join(''), note, isWhole: parts.every((part) => part.endsWith('\n')) }
}

describe('a file', () => {
  const plain = Buffer.from(LINES, 'latin1')

  it('is read in pieces of whole lines', async () => {
    expect(await read(plain)).toEqual({ text: LINES, note: '', isWhole: true })
  })

  it('is read if it is compressed, whatever its name', async () => {
    expect(await read(gzipSync(plain))).toEqual({ text: LINES, note: '', isWhole: true })
    // As `cat a.gz b.gz` makes it.
    const twice = Buffer.concat([gzipSync(plain), gzipSync(plain)])
    expect((await read(twice)).text).toBe(LINES + LINES)
  })

  it('is read as far as it goes where its end is missing', async () => {
    const { text, note } = await read(gzipSync(plain).subarray(0, 20_000))
    expect(LINES.startsWith(text) && text.length > 1000).toBe(true)
    expect(note).toBe('it was read in part only: unexpected end of file')
  })

  it('that is damaged is said to be', async () => {
    expect((await read(Buffer.from('\x1f\x8bnonsense', 'latin1'))).note).toMatch(
      /^it was read in part only: /,
    )
  })

  it('may end without a newline, and have a line without an end', async () => {
    expect((await read(Buffer.from('a\nb'))).text).toBe('a\nb')
    expect((await read(Buffer.from(`a\n${'x'.repeat(300_000)}\nb\n`))).text).toMatch(/^a\nx{0,70000}\nb\n$/)
  })

  it('has no line that begins within a line without an end', async () => {
    const record = '1795288592 - 11/21/2026 19:16:32 Host: a/203.0.113.9 Port: 23 TCP Blocked\n'
    // The stream's pieces have 65,536 bytes.
    const { text } = await read(Buffer.from('x'.repeat(4 * 65_536) + record + record))
    expect(parseHistory(text)).toHaveLength(1)
  })

  it('that is a pipe blocks nobody', async () => {
    const root = temporaryDirectory()
    execFileSync('mkfifo', [join(root, 'h')])
    expect(await readHistoryFile(root, '/h', () => undefined)).toBe('it is not a regular file')
  })

  it('that is not there, or leads astray, is an error', async () => {
    await expect(readHistoryFile(temporaryDirectory(), '/h', () => undefined)).rejects.toThrow('cannot read')
  })
})
