// esbuild plugin: leaves out modules that npm packages load for what portward does not use. Those of node take longer to load
// than the rest of `portward --version`.

/**
 * By package: what its unused parts need. @inquirer: its symbols, which src/commands/ask.ts replaces; ansi-styles: colours by name
 * or RGB; commander: subcommands that are programs of their own; dotenv: its vault; linkedom: documents that are
 * parsed, searched, or drawn on; string-width: emoji.
 */
const UNUSED = {
  '@inquirer': ['@inquirer/figures'],
  'ansi-styles': ['color-convert'],
  commander: ['child_process', 'fs', 'process'],
  dotenv: ['crypto', 'fs', 'os'],
  linkedom: ['canvas', 'css-select', 'cssomnom/parse', 'htmlparser2', 'perf_hooks'],
  'string-width': ['emoji-regex'],
}

/** What is there instead, if not an empty object. */
const INSTEAD = /** @type {Record<string, string>} */ ({
  'node:process': 'process',
  'emoji-regex': '() => /(?!)/g',
})

/** @type {import('esbuild').Plugin} */
export const leanPackages = {
  name: 'lean-packages',
  setup: (build) => {
    for (const [name, modules] of Object.entries(UNUSED)) {
      build.onResolve({ filter: new RegExp(`^(?:node:)?(?:${modules.join('|')})$`) }, ({ path, importer }) =>
        importer.includes(`/node_modules/${name}/`) ? { path, namespace: 'lean-packages' } : undefined,
      )
    }
    build.onLoad({ filter: /.*/, namespace: 'lean-packages' }, ({ path }) => ({
      contents: `module.exports = ${INSTEAD[path] ?? '{}'}`,
    }))
  },
}
