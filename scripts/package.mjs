// `npm run package`: builds dist/portward_VERSION_all.deb with debian/rules. The same sources and the same debhelper give
// the same bytes, whoever builds where.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { installPackages, root } from './install.mjs'

if (spawnSync('dh', ['--help']).error) {
  console.error('debhelper is not installed: apt-get install debhelper')
  process.exit(1)
}
installPackages()

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const name = `portward_${version}_all.deb`
const directory = mkdtempSync(join(tmpdir(), 'portward-package-'))
try {
  // A copy, since debhelper writes to the sources. Its files are all newer than the changelog, whose time they so get.
  const sources = join(directory, 'portward')
  const left = ['.git', 'dist', 'node_modules']
  cpSync(root, sources, { recursive: true, filter: (path) => !left.includes(relative(root, path)) })
  symlinkSync(join(root, 'node_modules'), join(sources, 'node_modules'))
  // nodejs need not be Debian's to build with it.
  const build = spawnSync('dpkg-buildpackage', ['--build=all', '--no-sign', '--no-check-builddeps'], {
    cwd: sources,
    encoding: 'utf8',
    // Empty: the changelog's time, and the build that debian/rules describes.
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC', SOURCE_DATE_EPOCH: '', DEB_BUILD_OPTIONS: '' },
  })
  if (build.error) throw build.error
  if (build.status === 0) {
    // Beside its place first: nobody may see half of it.
    const target = join(root, 'dist', name)
    const beside = `${target}.${process.pid}`
    mkdirSync(join(root, 'dist'), { recursive: true })
    writeFileSync(beside, readFileSync(join(directory, name)))
    renameSync(beside, target)
    console.log(`dist/${name}`)
  } else {
    console.error(build.stdout + build.stderr)
    process.exitCode = 1
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
