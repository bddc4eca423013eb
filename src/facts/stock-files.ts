import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { readHereDocuments } from '../documents/maintainer-script.ts'
import { type FileState, readFileState } from '../system/files.ts'
import { run } from '../system/process.ts'
import type { Candidate } from './packages.ts'

const DOWNLOAD_HINT = 'see whether apt reaches its mirror, or run apt-get update'

/** What a package that is not installed yet will bring: all its paths, and the wanted files. */
export interface StockFiles {
  readonly paths: readonly string[]
  readonly files: ReadonlyMap<string, FileState>
  /** Wanted files that its postinst makes in a way that cannot be predicted. */
  readonly unpredictable: readonly string[]
}

/** The .debs by package, from apt's cache, or downloaded into `directory`. Throws HostError when offline. */
const fetchArchives = async (
  packages: readonly Candidate[],
  directory: string,
): Promise<Map<string, string>> => {
  const cached = packages.filter(({ archive }) => existsSync(archive))
  const archives = new Map(cached.map(({ name, archive }) => [name, archive]))
  const missing = packages.filter(({ name }) => !archives.has(name))
  if (missing.length === 0) return archives
  const download = ['download', '-q', '-o', 'APT::Sandbox::User=root']
  const wanted = missing.map(({ name, version }) => `${name}=${version}`)
  await run('apt-get', [...download, ...wanted], DOWNLOAD_HINT, {
    cwd: directory,
    purpose: `apt to download ${missing.map(({ name }) => name).join(', ')}, to read the files`,
  })
  for (const file of await readdir(directory)) archives.set(file.replace(/_.*/, ''), join(directory, file))
  return archives
}

const listPaths = async (tree: string): Promise<string[]> => {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => `/${relative(tree, join(entry.parentPath ?? entry.path, entry.name))}`)
    .filter((path) => !path.startsWith('/DEBIAN/'))
}

/** `tree`: a directory that does not exist yet. */
const readStock = async (
  archive: string,
  isWanted: (path: string) => boolean,
  tree: string,
): Promise<StockFiles> => {
  await run('dpkg-deb', ['--raw-extract', archive, tree], DOWNLOAD_HINT)
  const paths = await listPaths(tree)
  const files = new Map<string, FileState>()
  for (const path of paths.filter(isWanted)) {
    const state = await readFileState(tree, path)
    if (state) files.set(path, { ...state, uid: 0, gid: 0, modifiedMs: 0 })
  }
  const unpredictable: string[] = []
  const postinst = await readFile(join(tree, 'DEBIAN/postinst'), 'latin1').catch(() => '')
  for (const [path, text] of readHereDocuments(postinst)) {
    if (!isWanted(path)) continue
    if (text === null) unpredictable.push(path)
    else files.set(path, { text, mode: 0o644, uid: 0, gid: 0, modifiedMs: 0 })
  }
  return { paths, files, unpredictable }
}

/**
 * The wanted files as the given packages will install them: their conffiles, and what their postinst
 * writes. Works in a private temporary directory, which is removed afterwards. Throws HostError when offline.
 */
export const readStockFiles = async (
  packages: readonly Candidate[],
  isWanted: (path: string) => boolean,
): Promise<Map<string, StockFiles>> => {
  const directory = await mkdtemp(join(tmpdir(), 'portward-'))
  try {
    const archives = await fetchArchives(packages, directory)
    const stock = packages.map(async ({ name }) => {
      const tree = join(directory, `${name}.tree`)
      return [name, await readStock(archives.get(name) ?? '', isWanted, tree)] as const
    })
    return new Map(await Promise.all(stock))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
