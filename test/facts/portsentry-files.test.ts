import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readPortsentryFile } from '../../src/facts/portsentry-files.ts'

const root = mkdtempSync(join(tmpdir(), 'log-files-'))
for (const directory of ['etc', 'var/log/directory', 'srv/log'])
  mkdirSync(join(root, directory), { recursive: true })
writeFileSync(join(root, 'etc/shadow'), '')
writeFileSync(join(root, 'srv/log/history'), '', { mode: 0o600 })
symlinkSync('/etc/shadow', join(root, 'var/log/shadow'))
symlinkSync('/srv/log/history', join(root, 'var/log/history'))
symlinkSync('/dev/null', join(root, 'var/log/null'))

test.each([
  ['/var/log/shadow', /^\/var\/log\/shadow leads to \/etc\/shadow, which is not a file of portsentry$/],
  ['/var/log/null', /leads to \/dev\/null/],
  ['/var/log/directory', /is not a regular file/],
])('refuses %s', async (path, message) => {
  await expect(readPortsentryFile(root, path)).rejects.toThrow(message)
})

test('takes a log that is kept elsewhere, and one that is not there yet', async () => {
  expect(await readPortsentryFile(root, '/var/log/history')).toMatchObject({ mode: 0o600 })
  expect(await readPortsentryFile(root, '/var/log/none')).toBeNull()
})
