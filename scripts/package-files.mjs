// Called by debian/rules after the bundle is built: makes the files of the Debian package that are not sources, in
// dist/package.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bashCompletion, readCommandLine, zshCompletion } from './completions.mjs'
import { root } from './install.mjs'
import { bundledPackages, copyrightParagraphs } from './third-party.mjs'

const read = (/** @type {string} */ path) => readFileSync(join(root, path), 'utf8')

const directory = join(root, 'dist/package')
mkdirSync(directory, { recursive: true })
const write = (/** @type {string} */ name, /** @type {string} */ text) =>
  writeFileSync(join(directory, name), text)

const commandLine = await readCommandLine()
write('portward', bashCompletion(commandLine))
write('_portward', zshCompletion(commandLine))

const [, ownLicence = ''] = read('LICENSE').split(/^Copyright .*$/m)
const packages = bundledPackages(JSON.parse(read('dist/portward.meta.json')))
write('copyright', copyrightParagraphs(packages, ownLicence.trim()))
