import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

/**
 * Puts what every command begins with into one file. Otherwise esbuild makes a file of each set of modules that the same entry points
 * need, and a module that is loaded later is an entry point: each of them imports here what is loaded by then anyway.
 * @type {import('esbuild').Plugin}
 */
export const startChunk = {
  name: 'start-chunk',
  setup(plugin) {
    plugin.onResolve({ filter: /^\./ }, ({ kind, resolveDir, path }) =>
      kind === 'dynamic-import' && resolveDir.startsWith(src)
        ? { path: relative(root, resolve(resolveDir, path)), namespace: 'later' }
        : undefined,
    )
    plugin.onLoad({ filter: /.*/, namespace: 'later' }, ({ path }) => ({
      contents: `import './src/commands/run.ts'; export * from './${path}'`,
      resolveDir: root,
    }))
  },
}
