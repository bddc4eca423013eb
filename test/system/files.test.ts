import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readFileState, removeEntry, removeFile, replaceFile } from '../../src/system/files.ts'
import { HostError } from '../../src/system/host-error.ts'
import { takeLock } from '../../src/system/lock.ts'
import { resolveInRoot } from '../../src/system/paths.ts'
import { temporaryDirectory } from '../tree.ts'

it('replaces bytes and keeps the mode, byte for byte', async () => {
  const root = temporaryDirectory()
  writeFileSync(join(root, 'a'), 'old')
  chmodSync(join(root, 'a'), 0o604)
  await replaceFile(root, '/a', 'n\xe9w\0\n', 0o644)
  expect(readFileSync(join(root, 'a'), 'latin1')).toBe('n\xe9w\0\n')
  expect(statSync(join(root, 'a')).mode & 0o777).toBe(0o604)
  expect(readdirSync(root)).toEqual(['a'])
})

it('creates a file with the mode asked for, whatever the umask', async () => {
  const root = temporaryDirectory()
  const umask = process.umask(0o077)
  try {
    await replaceFile(root, '/b', 'x', 0o644)
  } finally {
    process.umask(umask)
  }
  expect(statSync(join(root, 'b')).mode & 0o777).toBe(0o644)
})

it.skipIf(process.getuid?.() !== 0)(
  'makes the attributes anew where others may have made the file',
  async () => {
    const root = temporaryDirectory()
    const file = join(root, 'a')
    writeFileSync(file, 'theirs')
    chmodSync(file, 0o666)
    chownSync(file, 65_534, 65_534)
    await replaceFile(root, '/a', 'ours', 0o644, 'new')
    const { mode, uid, gid } = statSync(file)
    expect([readFileSync(file, 'utf8'), mode & 0o777, uid, gid]).toEqual(['ours', 0o644, 0, 0])
  },
)

it('follows a symbolic link and leaves it in place', async () => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'etc'))
  mkdirSync(join(root, 'srv'))
  writeFileSync(join(root, 'srv/real'), 'old')
  symlinkSync('/srv/real', join(root, 'etc/link'))
  await replaceFile(root, '/etc/link', 'new', 0o644)
  expect(readlinkSync(join(root, 'etc/link'))).toBe('/srv/real')
  expect(readFileSync(join(root, 'srv/real'), 'utf8')).toBe('new')
})

it.each([
  ['/etc/a', '/etc/a'],
  ['/up/../../../etc/a', '/etc/a'],
  ['/absolute', '/etc/a'],
  ['/relative/a', '/etc/a'],
  ['/missing/x', '/missing/x'],
])('resolves %s below the root as %s', async (path, expected) => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'etc/a'), '')
  symlinkSync('/etc/a', join(root, 'absolute'))
  symlinkSync('../../etc', join(root, 'relative'))
  expect(await resolveInRoot(root, path)).toBe(join(root, expected))
})

it('refuses a loop of links', async () => {
  const root = temporaryDirectory()
  symlinkSync('b', join(root, 'a'))
  symlinkSync('a', join(root, 'b'))
  await expect(readFileState(root, '/a')).rejects.toThrow(/loop/)
})

it('tells a missing file from one that cannot be read', async () => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'directory'))
  expect(await readFileState(root, '/nothing')).toBeNull()
  expect(await readFileState(root, '/nothing/below')).toBeNull()
  await expect(readFileState(root, '/directory')).rejects.toBeInstanceOf(HostError)
})

it('leaves nothing behind when it cannot write', async () => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'directory'))
  await expect(replaceFile(root, '/directory', 'x', 0o644)).rejects.toThrow(/not a regular file/)
  expect(readdirSync(root)).toEqual(['directory'])
})

it('makes missing directories', async () => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'etc'))
  await replaceFile(root, '/etc/a/b/x', 'x', 0o644)
  expect(readFileSync(join(root, 'etc/a/b/x'), 'utf8')).toBe('x')
})

it('removes what it created, and does not mind if it is gone', async () => {
  const root = temporaryDirectory()
  await replaceFile(root, '/x', '', 0o600)
  await removeFile(root, '/x')
  await removeFile(root, '/x')
  expect(readdirSync(root)).toEqual([])
})

it('removes a link that somebody has put in the place of a file, and not the file that it leads to', async () => {
  const root = temporaryDirectory()
  writeFileSync(join(root, 'target'), 'as it was')
  symlinkSync(join(root, 'target'), join(root, 'a'))
  if (process.getuid?.() === 0) lchownSync(join(root, 'a'), 65_534, 65_534)
  await removeEntry(join(root, 'a'))
  await removeEntry(join(root, 'a'))
  expect(readdirSync(root)).toEqual(['target'])
})

it('holds a lock that another process cannot take, and releases it', async () => {
  const root = temporaryDirectory()
  const lock = await takeLock(root)
  const attempt = () => execFileSync('flock', ['--nonblock', root, 'true'])
  expect(attempt).toThrow()
  await expect(takeLock(root)).rejects.toThrow(/another portward/)
  await lock.release()
  expect(attempt).not.toThrow()
  expect(readdirSync(root)).toEqual([])
})
