// esbuild plugin: local names of npm packages become short. Ours stay, for the stack traces.
import { readFile } from 'node:fs/promises'
import { transform } from 'esbuild'

/** @type {import('esbuild').Plugin} */
export const shortenNames = {
  name: 'shorten-names',
  setup: (build) => {
    build.onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), {
        minifyIdentifiers: true,
        charset: 'utf8',
        sourcefile: path,
      })
      return { contents: code, loader: 'js' }
    })
  },
}
