// esbuild plugin: commander loads node's child_process and fs for subcommands that are programs of their own, which portward
// has none of. They take longer to load than the rest of `portward --version`.

/** @type {import('esbuild').Plugin} */
export const leanCommander = {
  name: 'lean-commander',
  setup: (build) => {
    build.onResolve({ filter: /^node:(?:child_process|fs|process)$/ }, ({ path, importer }) =>
      importer.includes('/node_modules/commander/') ? { path, namespace: 'lean-commander' } : undefined,
    )
    build.onLoad({ filter: /.*/, namespace: 'lean-commander' }, ({ path }) => ({
      contents: path === 'node:process' ? 'module.exports = process' : 'module.exports = {}',
    }))
  },
}
