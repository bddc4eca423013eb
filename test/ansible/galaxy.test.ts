import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { temporaryDirectory } from '../tree.ts'
import { installCollection, source } from './collection.ts'
import { describeWith } from './requirements.ts'

it('has the licence of the project', () => {
  expect(readFileSync(join(source, 'LICENSE'), 'utf8')).toBe(readFileSync(join(checkout, 'LICENSE'), 'utf8'))
})

/** What Galaxy's importer asks of each collection: one of its tags, and what the page of the collection shows. */
const GALAXY_TAGS = ['application', 'cloud', 'database', 'eda', 'infrastructure', 'linux', 'monitoring']
const MORE_TAGS = ['networking', 'security', 'storage', 'tools', 'windows']

describeWith({ '/usr/bin/ansible-galaxy': 'ansible-core' }, 'the collection for Ansible Galaxy', () => {
  it('is built with all that belongs to it, and installs from its archive', () => {
    const { env } = installCollection()
    const directory = temporaryDirectory()
    const galaxy = (...args: string[]) =>
      spawnSync('/usr/bin/ansible-galaxy', ['collection', ...args], { env, cwd: directory, encoding: 'utf8' })
    const built = galaxy('build', source, '--output-path', directory)
    expect(built.status, built.stderr).toBe(0)
    expect(built.stderr).not.toMatch(/WARNING/)
    const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
    const archive = join(directory, `portward-portward-${version}.tar.gz`)
    const installed = galaxy('install', '--offline', '--collections-path', directory, archive)
    expect(installed.status, installed.stderr).toBe(0)

    const collection = join(directory, 'ansible_collections/portward/portward')
    const read = (path: string) => JSON.parse(readFileSync(join(collection, path), 'utf8'))
    const info = read('MANIFEST.json').collection_info
    expect(info).toMatchObject({ namespace: 'portward', name: 'portward', version, license: ['MIT'] })
    expect(info.tags.filter((tag: string) => [...GALAXY_TAGS, ...MORE_TAGS].includes(tag))).not.toEqual([])
    expect(info.description).toMatch(/^.{20,}$/)
    const files = read('FILES.json').files.flatMap(({ name, ftype }: { name: string; ftype: string }) =>
      ftype === 'file' ? [name] : [],
    )
    const needed = ['README.md', 'LICENSE', 'CHANGELOG.md', 'meta/runtime.yml', 'plugins/modules/apply.py']
    expect(files).toEqual(expect.arrayContaining([...needed, 'roles/server/tasks/main.yml']))
    expect(files.filter((path: string) => /(?:^|\/)\.|\.pyc$|\.tar\.gz$/.test(path))).toEqual([])
    for (const path of files) expect(existsSync(join(collection, path))).toBe(true)
    // The importer takes the versions of Ansible from there, and refuses a collection without.
    expect(readFileSync(join(collection, 'meta/runtime.yml'), 'utf8')).toMatch(
      /^requires_ansible: ">=[\d.]+"$/m,
    )
  })
})
