import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { readHereDocuments } from '../documents/maintainer-script.ts'
import { type FileState, readFileState } from '../system/files.ts'
import { run, tryRun } from '../system/process.ts'
import type { PackageVersion } from './packages.ts'

const APT_CACHE = '/var/cache/apt/archives'
const DOWNLOAD_HINT = 'see whether apt reaches its mirror, or run apt-get update'

/** What a package that is not installed yet will bring: all its paths, and the wanted files. */
export interface StockFiles {
  readonly paths: readonly string[]
  readonly files: ReadonlyMap<string, FileState>
  /** Wanted files that its postinst makes in a way that cannot be predicted. */
  readonly unpredictable: readonly string[]
}

/** The .deb from apt's cache, or downloaded into `directory`. Throws HostError when offline. */
const fetchArchive = async ({ name, version }: PackageVersion, directory: string): Promise<string> => {
  const uris = await tryRun('apt-get', ['download', '-q', '--print-uris', `${name}=${version}`])
  const fileName = /^'[^']*' (\S+) /m.exec(uris.stdout)?.[1]
  if (fileName !== undefined) {
    const cached = join(APT_CACHE, fileName)
    if (
      await access(cached).then(
        () => true,
        () => false,
      )
    )
      return cached
  }
  await run(
    'apt-get',
    ['download', '-q', '-o', 'APT::Sandbox::User=root', `${name}=${version}`],
    DOWNLOAD_HINT,
    {
      cwd: directory,
    },
  )
  const archive = (await readdir(directory)).find((file) => file.startsWith(`${name}_`))
  return join(directory, archive ?? '')
}

const listPaths = async (tree: string): Promise<string[]> => {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => `/${relative(tree, join(entry.parentPath ?? entry.path, entry.name))}`)
}

const readStock = async (
  stockPackage: PackageVersion,
  isWanted: (path: string) => boolean,
  directory: string,
): Promise<StockFiles> => {
  const archive = await fetchArchive(stockPackage, directory)
  const tree = join(directory, `${stockPackage.name}.tree`)
  const control = join(directory, `${stockPackage.name}.control`)
  await run('dpkg-deb', ['--extract', archive, tree], DOWNLOAD_HINT)
  await run('dpkg-deb', ['--control', archive, control], DOWNLOAD_HINT)
  const paths = await listPaths(tree)
  const files = new Map<string, FileState>()
  for (const path of paths.filter(isWanted)) {
    const state = await readFileState(tree, path)
    if (state) files.set(path, { ...state, uid: 0, gid: 0, modifiedMs: 0 })
  }
  const unpredictable: string[] = []
  const postinst = await readFile(join(control, 'postinst'), 'latin1').catch(() => '')
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
  packages: readonly PackageVersion[],
  isWanted: (path: string) => boolean,
): Promise<Map<string, StockFiles>> => {
  const directory = await mkdtemp(join(tmpdir(), 'portward-'))
  try {
    const stock = packages.map(async (stockPackage) => {
      return [stockPackage.name, await readStock(stockPackage, isWanted, directory)] as const
    })
    return new Map(await Promise.all(stock))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
