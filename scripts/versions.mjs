import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const PACKAGE = /(?<=portward_)\d+\.\d+\.\d+(?=_all\.deb)/g

/** Where the version of package.json stands besides; npm itself keeps package-lock.json. @type {Record<string, RegExp>} */
export const VERSION_PLACES = {
  'ansible/galaxy.yml': /(?<=^version: ).+/gm,
  'ansible/README.md': PACKAGE,
  'README.md': PACKAGE,
  'docs/fleet.md': PACKAGE,
  'examples/cloud-init/user-data': PACKAGE,
  'examples/preseed/late-command.cfg': PACKAGE,
}

const TOP_ENTRY = /^portward \((\S+)\) (\S+);/

/** The version by every file of a checkout that has it, and the latest release by each of the two changelogs. */
export const readVersions = (/** @type {string} */ directory) => {
  const read = (/** @type {string} */ path) => readFileSync(join(directory, path), 'utf8')
  const places = Object.entries(VERSION_PLACES).map(
    ([path, pattern]) => /** @type {const} */ ([path, [...new Set(read(path).match(pattern))].join(', ')]),
  )
  const lock = JSON.parse(read('package-lock.json'))
  const [, debianVersion = '', distribution] = TOP_ENTRY.exec(read('debian/changelog')) ?? []
  return {
    version: /** @type {string} */ (JSON.parse(read('package.json')).version),
    places: {
      ...Object.fromEntries(places),
      'package-lock.json': [...new Set([lock.version, lock.packages[''].version])].join(', '),
      'debian/changelog': debianVersion,
    },
    released: {
      'CHANGELOG.md': /^## \[(\d\S*)\] - \d/m.exec(read('CHANGELOG.md'))?.[1] ?? null,
      'debian/changelog': distribution === 'UNRELEASED' ? null : debianVersion,
    },
  }
}
