import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bundledPackages, copyrightParagraphs } from '../../scripts/third-party.mjs'
import { checkout } from '../checkout.ts'
import { read } from './command-line.ts'

/** Fields of a paragraph, by the machine-readable format. */
const parseParagraph = (paragraph: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    paragraph
      .split(/\n(?=\S)/)
      .map((field) => /^(\S+):\s*([\s\S]*)$/.exec(field.replaceAll(/\n ?\.?/g, '\n')))
      .map((match) => [match?.[1], match?.[2]]),
  )
const wordsOf = (text: string) => text.replaceAll(/\s+/g, ' ').replaceAll("'", '"').trim()

const directories = bundledPackages(JSON.parse(read('dist/portward.meta.json')))
const [, ownLicence = ''] = read('LICENSE').split(/^Copyright .*$/m)
const paragraphs = (read('debian/copyright') + copyrightParagraphs(directories, ownLicence))
  .split('\n\n')
  .map(parseParagraph)
/** Texts by the names that paragraphs of files give. */
const texts = new Map(
  paragraphs
    .filter((fields) => fields['Files'] === undefined)
    .map(({ License = '' }) => [License.split('\n', 1)[0] ?? '', License.replace(/^.*\n/, '')]),
)

const licenceFile = (directory: string) =>
  join(directory, readdirSync(join(checkout, directory)).find((name) => /^licen[cs]e/i.test(name)) ?? '')

describe('the licence notes of the package', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'))

  it('name packages that are in the bundle, so that nothing has to be installed with portward', () => {
    expect(dependencies).toBeUndefined()
    const names = Object.keys(devDependencies).filter((name) => directories.includes(`node_modules/${name}`))
    expect(names).toEqual(expect.arrayContaining(['commander', 'dotenv', '@inquirer/input']))
  })

  it.each([['*', 'LICENSE'], ...directories.map((it) => [`${it}/*`, licenceFile(it)])])(
    'have what the licence of %s says, once',
    (files, path) => {
      const [found, ...others] = paragraphs.filter(({ Files }) => Files?.split('\n').includes(files))
      expect(others).toEqual([])
      const original = read(path)
      for (const holder of found?.['Copyright']?.trim().split('\n') ?? ['nobody']) {
        expect(original).toContain(holder)
      }
      const name = found?.['License'] ?? ''
      const text = texts.get(name)
      expect(text).toBeTruthy()
      if (name === 'Apache-2.0') expect(wordsOf(original)).toContain('Apache License Version 2.0')
      else expect(wordsOf(original)).toContain(wordsOf(text ?? ''))
    },
  )
})
