import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { locateFiles, obstaclesQuery } from '../../src/facts/obstacles.ts'
import { ask } from '../../src/system/query.ts'
import { temporaryDirectory } from '../tree.ts'

/** Attributes of ext4 and a mount take root, and a file system that has them. */
const probe = mkdtempSync(join(tmpdir(), 'portward-test-'))
const canSet =
  process.getuid?.() === 0 &&
  ['+i', '-i'].every((change) => spawnSync('chattr', [change, probe]).status === 0)
rmdirSync(probe)
if (!canSet) console.warn('SKIPPED: no chattr here, so no immutable file is tried - run as root on ext4')

/** A tree with a hosts.deny in it; absolute paths below are the tree's. */
const tree = (): string => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'etc/hosts.deny'), 'ALL: 192.0.2.1\n')
  return root
}

const DENY = '/etc/hosts.deny'

const set = (path: string, attribute: 'i' | 'a') => {
  execFileSync('chattr', [`+${attribute}`, path])
  onTestFinished(() => {
    execFileSync('chattr', [`-${attribute}`, path])
  })
}

const readObstacles = async (root: string, paths: readonly string[]) =>
  ask(obstaclesQuery(await locateFiles(root, paths)))
const obstacleOf = async (root: string, path: string) => (await readObstacles(root, [path])).get(path) ?? null

describe('what keeps root from writing', () => {
  it('is nothing for a plain file, one that is missing, and one in a missing directory', async () => {
    expect([...(await readObstacles(tree(), [DENY, '/etc/missing', '/no/such/file']))]).toEqual([])
  })

  it('is a directory instead, and a link to something other than a file', async () => {
    const root = tree()
    mkdirSync(join(root, 'etc/directory'))
    symlinkSync('directory', join(root, 'etc/link'))
    for (const path of ['/etc/directory', '/etc/link'])
      expect(await obstacleOf(root, path)).toMatchObject({
        append: `${root}/etc/directory is not a regular file`,
      })
  })

  it('is nothing for a link to nowhere: the file is made there', async () => {
    const root = tree()
    symlinkSync('/srv/nowhere', join(root, 'etc/link'))
    expect(await obstacleOf(root, '/etc/link')).toBeNull()
  })
})

describe.skipIf(!canSet)('what keeps root from writing, on ext4', () => {
  it('is the immutable attribute: of the file, of what a link leads to, of the directory', async () => {
    const root = tree()
    symlinkSync('hosts.deny', join(root, 'etc/link'))
    set(`${root}${DENY}`, 'i')
    const why = `${root}${DENY} is immutable`
    const immutable = { append: why, replace: why, hint: `chattr -i ${root}${DENY}` }
    expect(await obstacleOf(root, DENY)).toEqual(immutable)
    expect(await obstacleOf(root, '/etc/link')).toEqual(immutable)

    const closed = tree()
    set(`${closed}/etc`, 'i')
    expect(await obstacleOf(closed, DENY)).toMatchObject({
      append: null,
      replace: `${closed}/etc is immutable`,
    })
    expect(await obstacleOf(closed, '/etc/new')).toMatchObject({ append: `${closed}/etc is immutable` })
  })

  it('is the append-only attribute, which lets a ban in and not out', async () => {
    const root = tree()
    set(`${root}${DENY}`, 'a')
    expect(await obstacleOf(root, DENY)).toEqual({
      append: null,
      replace: `${root}${DENY} is append-only`,
      hint: `chattr -a ${root}${DENY}`,
    })
  })

  it('is a read-only mount', async () => {
    const root = tree()
    const path = `${root}${DENY}`
    execFileSync('mount', ['--bind', path, path])
    onTestFinished(() => {
      execFileSync('umount', [path])
    })
    execFileSync('mount', ['-o', 'remount,bind,ro', path])
    expect(await obstacleOf(root, DENY)).toMatchObject({ append: `${path} is on a read-only file system` })
  })

  it('is found without a trace: no byte, no time of the file changes', async () => {
    const root = tree()
    const look = () => statSync(`${root}${DENY}`, { bigint: true })
    const before = look()
    await readObstacles(root, [DENY])
    expect(look()).toEqual(before)
  })
})
