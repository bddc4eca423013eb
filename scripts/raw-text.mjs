import { readFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Imports `file?raw` as text, the way vite does it for the tests. @type {import('esbuild').Plugin} */
export const rawText = {
  name: 'raw-text',
  setup(plugin) {
    plugin.onResolve({ filter: /\?raw$/ }, (args) => ({
      path: relative(root, resolve(args.resolveDir, args.path.replace(/\?raw$/, ''))),
      namespace: 'raw-text',
    }))
    plugin.onLoad({ filter: /.*/, namespace: 'raw-text' }, async (args) => ({
      contents: await readFile(join(root, args.path), 'utf8'),
      loader: 'text',
    }))
  },
}
