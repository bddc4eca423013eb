// `npm run picture`: the terminal of the README anew, as root: the quick start on a real server, then the SVG of what it showed.
import { installPackages, run } from './install.mjs'

installPackages()
run('npx', [
  '--no-install',
  'vitest',
  'run',
  '--project',
  'e2e',
  'test/e2e/documentation.test.ts',
  '-t',
  'README',
  '--update',
])
run('npx', [
  '--no-install',
  'vitest',
  'run',
  '--project',
  'unit',
  'test/documentation/terminal-svg.test.ts',
  '--update',
])
