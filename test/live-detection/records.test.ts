import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { watchFile } from '../../src/live-detection/records.ts'
import { HostError } from '../../src/system/host-error.ts'
import { temporaryDirectory } from '../tree.ts'

const text = (bytes: Buffer | null | undefined) =>
  bytes === undefined || bytes === null ? bytes : bytes.toString('latin1')

it('tells a change once, and that a file is gone', async () => {
  const path = join(temporaryDirectory(), 'file')
  const file = watchFile(path)
  expect(text(file.changed())).toBeNull()
  expect(file.changed()).toBeUndefined()
  writeFileSync(path, 'one')
  expect(text(file.changed())).toBe('one')
  expect(file.changed()).toBeUndefined()
  writeFileSync(path, 'three')
  expect(text(file.changed())).toBe('three')
  rmSync(path)
  expect(text(file.changed())).toBeNull()
})

it('does not tell what it appended itself, unless somebody else was there, too', async () => {
  const path = join(temporaryDirectory(), 'file')
  const file = watchFile(path)
  file.changed()
  await file.append('a\xe9\n', 0o600)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(file.changed()).toBeUndefined()
  writeFileSync(path, 'theirs\n')
  await file.append(Uint8Array.of(0xff), 0o600)
  expect(text(file.changed())).toBe('theirs\n\xff')
})

it('empties a file that is there, and makes none', async () => {
  const path = join(temporaryDirectory(), 'file')
  const file = watchFile(path)
  await file.empty()
  expect(text(file.changed())).toBeNull()
  writeFileSync(path, 'old')
  await file.empty()
  expect(readFileSync(path, 'utf8')).toBe('')
})

it('says what it cannot read or write', async () => {
  const file = watchFile(temporaryDirectory())
  expect(() => file.changed()).toThrow(/cannot read .*EISDIR/)
  await expect(file.append('x', 0o600)).rejects.toBeInstanceOf(HostError)
})
