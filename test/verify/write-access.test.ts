import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execaSync } from 'execa'
import { expect, it } from 'vitest'
import { isLoaded, parseUnits } from '../../src/facts/systemd.ts'
import { readWriteAccess } from '../../src/verify/write-access.ts'
import { temporaryDirectory } from '../tree.ts'

const accessOf = async (path: string, isReplaced = false) => {
  const [access] = await readWriteAccess([{ path, purpose: '', by: [], isReplaced }])
  return access
}

it('leaves a file as it is', async () => {
  const path = join(temporaryDirectory(), 'file')
  writeFileSync(path, 'text')
  const times = () => [statSync(path).mtimeMs, statSync(path).ctimeMs, statSync(path).size]
  const before = times()
  expect(await accessOf(path, true)).toMatchObject({ errno: null })
  expect(times()).toEqual(before)
})

it('looks at the directory in which a missing file would be made', async () => {
  const directory = temporaryDirectory()
  symlinkSync('nowhere', join(directory, 'link'))
  for (const name of ['none', 'none/such/file', 'link'])
    expect(await accessOf(join(directory, name))).toMatchObject({ errno: null })
})

it('does not wait at a pipe', async () => {
  const path = join(temporaryDirectory(), 'pipe')
  execaSync('mkfifo', [path])
  expect(await accessOf(path)).toMatchObject({ errno: 'ENXIO' })
})

it('knows a directory where a file should be no better than that it can be written', async () => {
  const path = join(temporaryDirectory(), 'directory')
  mkdirSync(path)
  expect(await accessOf(path)).toMatchObject({ errno: null })
})

it('counts what is left', async () => {
  const access = await accessOf(temporaryDirectory())
  expect(access?.bytes ?? 1).toBeGreaterThan(0)
})

it('reads the blocks of systemctl show', () => {
  const shown =
    'Id=fail2ban.service\nLoadState=loaded\nUser=\nReadWritePaths=/a /b\n\nId=portsentry.service\nLoadState=not-found\n'
  const units = [...parseUnits(shown)].map(([id, unit]) => [id, isLoaded(unit), unit.get('ReadWritePaths')])
  expect(units).toEqual([
    ['fail2ban', true, '/a /b'],
    ['portsentry', false, undefined],
  ])
})
