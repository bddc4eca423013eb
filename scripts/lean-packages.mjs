// esbuild plugin: leaves out modules of node that npm packages load for what portward does not use. They take longer to load
// than the rest of `portward --version`.

/** By package: what its unused parts need. commander: subcommands that are programs of their own; dotenv: its vault. */
const UNUSED = {
  commander: ['child_process', 'fs', 'process'],
  dotenv: ['crypto', 'fs', 'os'],
}

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
      contents: path === 'node:process' ? 'module.exports = process' : 'module.exports = {}',
    }))
  },
}
