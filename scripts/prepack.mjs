// npm runs this before `npm pack` and `npm publish`: the bundle, and the licences of the packages in it.
import { installPackages, run } from './install.mjs'

installPackages()
for (const script of ['build', 'package-files']) run(process.execPath, [`scripts/${script}.mjs`])
