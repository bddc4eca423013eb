import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import Module from 'node:module'
import { basename, dirname, join } from 'node:path'
import { Script } from 'node:vm'

// What V8 made of the bundle's files, kept from one run to the next: compiling them anew at each start takes as long as the rest
// of a plan without changes. Only an apply writes it, since the other commands change nothing. V8 itself refuses what another
// version of it has made; the names of the bundle's files change with their content.

/** Node has `module.enableCompileCache` from version 22 on only, which also writes it in every run. */
const FILE = '/var/cache/portward/code-cache'

/** The compiled code of a file, by its name. */
type Cache = ReadonlyMap<string, Buffer>

/** A file of the bundle that this process has loaded. */
interface Loaded {
  readonly name: string
  readonly script: Script
}

const loaded: Loaded[] = []
let isComplete = true

/** The index, as JSON, then the code: `[name, length]` of each in the same order. The first four bytes are the index's length. */
const parse = (bytes: Buffer): Cache => {
  const length = bytes.readUInt32LE(0)
  const index: readonly (readonly [string, number])[] = JSON.parse(bytes.toString('latin1', 4, 4 + length))
  let offset = 4 + length
  return new Map(
    index.map(([name, size]) => {
      offset += size
      return [name, bytes.subarray(offset - size, offset)]
    }),
  )
}

const format = (entries: readonly { readonly name: string; readonly code: Buffer }[]): Buffer => {
  const index = Buffer.from(JSON.stringify(entries.map(({ name, code }) => [name, code.length])), 'latin1')
  const length = Buffer.alloc(4)
  length.writeUInt32LE(index.length)
  return Buffer.concat([length, index, ...entries.map(({ code }) => code)])
}

/** Code that anybody but root could have written is not run. */
const read = (): Cache => {
  try {
    const file = openSync(FILE, 'r')
    try {
      const { uid, mode } = fstatSync(file)
      return uid === 0 && (mode & 0o022) === 0 ? parse(readFileSync(file)) : new Map()
    } finally {
      closeSync(file)
    }
  } catch {
    return new Map()
  }
}

type Compile = (this: Module, content: string, filename: string) => unknown

/** Has node load the files of the bundle from the cache, except for those that it has loaded already. */
export const useCodeCache = (): void => {
  const main = process.mainModule?.filename
  if (PORTWARD_FAULTS || main === undefined) return
  const directory = dirname(main)
  const cache = read()
  const prototype = Module.prototype as unknown as { _compile: Compile }
  const original = prototype._compile
  prototype._compile = function (content, filename) {
    if (dirname(filename) !== directory) return original.call(this, content, filename)
    const name = basename(filename)
    const cachedData = cache.get(name)
    const script = new Script(Module.wrap(content), { filename, ...(cachedData && { cachedData }) })
    if (cachedData === undefined || script.cachedDataRejected) isComplete = false
    loaded.push({ name, script })
    const run = script.runInThisContext()
    return run.call(this.exports, this.exports, this.require.bind(this), this, filename, directory)
  }
}

/** Keeps the code of all files loaded, for later runs; does nothing if they came from there. A failure does not matter. */
export const saveCodeCache = (): void => {
  if (isComplete) return
  try {
    const bytes = format(loaded.map(({ name, script }) => ({ name, code: script.createCachedData() })))
    mkdirSync(dirname(FILE), { recursive: true, mode: 0o755 })
    const temporary = join(dirname(FILE), `.code-cache.${process.pid}`)
    writeFileSync(temporary, bytes, { mode: 0o644 })
    renameSync(temporary, FILE)
  } catch {
    // The next run takes longer.
  }
}
