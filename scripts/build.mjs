// Bundles src/cli.ts into dist/portward.mjs: one file that runs without node_modules.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { rawText } from './raw-text.mjs'
import { shortenNames } from './shorten-names.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'))

/** @returns {import('esbuild').BuildOptions} */
const options = (/** @type {string} */ outfile, /** @type {boolean} */ faults) => ({
  absWorkingDir: root,
  entryPoints: ['src/cli.ts'],
  outfile,
  bundle: true,
  metafile: true,
  // The package is built in a copy of the sources, which has no node_modules of its own.
  preserveSymlinks: true,
  platform: 'node',
  format: 'esm',
  target: 'node18.19',
  legalComments: 'none',
  // Our names stay, so that a stack trace says where it happened.
  minifySyntax: true,
  minifyWhitespace: true,
  charset: 'utf8',
  define: { PORTWARD_VERSION: JSON.stringify(version), PORTWARD_FAULTS: String(faults) },
  // commander and friends are CommonJS and call require() for node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  plugins: [rawText, shortenNames],
  logLevel: 'warning',
})

/** Somebody may be reading the one that is there: it is replaced whole. */
const replace = async (/** @type {string} */ outfile, /** @type {boolean} */ faults) => {
  const temporary = `${outfile}.${process.pid}`
  const { metafile } = await build(options(temporary, faults))
  await rename(join(root, temporary), join(root, outfile))
  return metafile
}

const [metafile] = await Promise.all([
  replace('dist/portward.mjs', false),
  // For the crash tests: the same, but it can be told to fail. It is in no package.
  replace('dist/portward-faults.mjs', true),
])

// What is in it: for the licences in the package, and for whoever asks esbuild's analyzer why it is large.
await writeFile(join(root, 'dist/portward.meta.json'), JSON.stringify(metafile))
