// Bundles src/cli.ts into dist/portward: files that run without node_modules. cli.cjs is the one to start; it loads of the
// others what the command needs, and only then, since node compiles all that it loads at each start.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, transform } from 'esbuild'
import { leanPackages } from './lean-packages.mjs'
import { rawText } from './raw-text.mjs'
import { shortenNames } from './shorten-names.mjs'
import { startChunk } from './start-chunk.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'))

/** ASCII: V8 stores and reads it in half the space and time. */
const common = /** @type {const} */ ({ charset: 'ascii', target: 'node18.19', platform: 'node' })

/** @returns {import('esbuild').BuildOptions & { write: false, metafile: true }} */
const options = (/** @type {boolean} */ faults) => ({
  ...common,
  absWorkingDir: root,
  entryPoints: ['src/cli.ts'],
  outdir: 'dist/portward',
  write: false,
  bundle: true,
  metafile: true,
  splitting: true,
  // The package is built in a copy of the sources, which has no node_modules of its own.
  preserveSymlinks: true,
  format: 'esm',
  outExtension: { '.js': '.cjs' },
  chunkNames: '[hash]',
  legalComments: 'none',
  // Our names stay, so that a stack trace says where it happened.
  minifySyntax: true,
  minifyWhitespace: true,
  define: { PORTWARD_VERSION: JSON.stringify(version), PORTWARD_FAULTS: String(faults) },
  plugins: [rawText, shortenNames, leanPackages, startChunk],
  logLevel: 'warning',
})

/** What esbuild adds for ES modules that would import the file: none does. */
const ANNOTATION = /(?<=;)0&&\(module\.exports=\{[^}]*\}\);\n?$/

/** esbuild splits only ES modules; node loads CommonJS faster. `import()` becomes `require`, too. */
const asCommonJs = async (/** @type {string} */ text) => {
  const supported = { 'dynamic-import': false }
  const { code } = await transform(text, { ...common, format: 'cjs', supported, minifyWhitespace: true })
  return code.replace(ANNOTATION, '')
}

/**
 * Somebody may be running the files that are there, or building them as well: each is replaced whole, cli.cjs last, and those that
 * it loads have names that change with their content.
 */
const bundle = async (/** @type {string} */ outdir, /** @type {boolean} */ faults) => {
  const { outputFiles, metafile } = await build(options(faults))
  const directory = join(root, outdir)
  const temporary = `${directory}.${process.pid}`
  for (const each of [directory, temporary]) await mkdir(each, { recursive: true })
  const names = outputFiles.map(({ path }) => basename(path))
  await Promise.all(
    outputFiles.map(async ({ path, text }) =>
      writeFile(join(temporary, basename(path)), await asCommonJs(text)),
    ),
  )
  const chunks = names.filter((name) => name !== 'cli.cjs')
  for (const name of [...chunks, 'cli.cjs']) await rename(join(temporary, name), join(directory, name))
  await rm(temporary, { recursive: true })
  for (const name of await readdir(directory))
    if (!names.includes(name)) await rm(join(directory, name), { force: true })
  return metafile
}

const [metafile] = await Promise.all([
  bundle('dist/portward', false),
  // For the crash tests: the same, but it can be told to fail. It is in no package.
  bundle('dist/portward-faults', true),
])

// What is in it: for the licences in the package, and for whoever asks esbuild's analyzer why it is large.
await writeFile(join(root, 'dist/portward.meta.json'), JSON.stringify(metafile))
