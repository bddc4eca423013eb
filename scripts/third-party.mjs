// The npm packages whose code is in a bundle, and their licences, as paragraphs of a machine-readable debian/copyright
// (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/).
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.mjs'

const read = (/** @type {string} */ path) => readFileSync(join(root, path), 'utf8')

/** Directories of the packages that gave code to the one output of esbuild's metafile. */
export const bundledPackages = (/** @type {import('esbuild').Metafile} */ { outputs }) => {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs))
  const directories = inputs.flatMap(([path, { bytesInOutput }]) =>
    bytesInOutput === 0 ? [] : (/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []),
  )
  return [...new Set(directories)].sort()
}

/** Debian's names of licences that SPDX, and so npm, calls otherwise. */
const DEBIAN_NAMES = new Map([['MIT', 'Expat']])

/** Debian keeps the text of this licence in one place. */
const APACHE = `Licensed under the Apache License, Version 2.0: see
/usr/share/common-licenses/Apache-2.0`

const HOLDER = /^ *Copyright (?:\([cC]\) )?(.*)$/gm
const TITLE = /^\(?(?:The )?(?:MIT|ISC|BSD)[\w -]* License.*$|^All rights reserved\.?$/i

/** A licence without its title and the holders of the copyright. A second one in the same file keeps its own. */
const withoutHead = (/** @type {string} */ text) => {
  const lines = text.split('\n')
  const isHead = (/** @type {string} */ line) =>
    line.trim() === '' || TITLE.test(line.trim()) || line.match(HOLDER) !== null
  return lines
    .slice(lines.findIndex((line) => !isHead(line)))
    .join('\n')
    .trim()
}

/** A package's licence as it states it. */
const readLicence = (/** @type {string} */ directory) => {
  const { name, version, license } = JSON.parse(read(`${directory}/package.json`))
  const file = readdirSync(join(root, directory)).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${directory} has no licence to be passed on`)
  const text = read(join(directory, file)).replaceAll('\r', '')
  const holders = [...text.matchAll(HOLDER)].map(([, holder = '']) => holder.trim())
  // Without its owner's name in it, Apache's appendix has a blank for one.
  const named = holders.filter((holder) => !/^[[{]|^owner\b/.test(holder))
  if (named.length === 0) throw new Error(`${directory}/${file} names no holder of the copyright`)
  const isApache = license === 'Apache-2.0'
  return {
    directory,
    package: `${name} ${version}`,
    licence: DEBIAN_NAMES.get(license) ?? String(license),
    holders: named.join('\n'),
    text: isApache ? APACHE : withoutHead(text),
  }
}

/** Lines after the first as the format continues a field. */
const continued = (/** @type {string} */ text) =>
  text
    .split('\n')
    .map((line) => ` ${line.trim() === '' ? '.' : line.trimEnd()}`)
    .join('\n')

/** The same words, whatever their lines and quotation marks. */
const wordsOf = (/** @type {string} */ text) => text.replaceAll(/\s+/g, ' ').replaceAll("'", '"')

/**
 * Paragraphs for a debian/copyright that has what is before them: packages of the same holders and licence share
 * one, and a licence's text stands once.
 */
export const copyrightParagraphs = (/** @type {string[]} */ directories, /** @type {string} */ own) => {
  /** Words of a licence → the name by which paragraphs refer to it. */
  const names = new Map([[wordsOf(own), 'Expat']])
  const licences = directories.map(readLicence)
  const texts = licences.flatMap(({ directory, licence, text }) => {
    if (names.has(wordsOf(text))) return []
    const isTaken = [...names.values()].includes(licence)
    const name = isTaken
      ? `${licence}-${directory.replace(/^.*node_modules\//, '').replace('/', '-')}`
      : licence
    names.set(wordsOf(text), name)
    return `License: ${name}\n${continued(text)}\n`
  })
  /** @type {Map<string, typeof licences>} */
  const groups = new Map()
  for (const each of licences) {
    const key = `Copyright:\n${continued(each.holders)}\nLicense: ${names.get(wordsOf(each.text))}\n`
    groups.set(key, [...(groups.get(key) ?? []), each])
  }
  const files = [...groups].map(([key, group]) => {
    const list = (/** @type {string[]} */ lines) => continued(lines.join('\n'))
    return `Files:\n${list(group.map((it) => `${it.directory}/*`))}\n${key}Comment:\n${list(group.map((it) => it.package))}\n`
  })
  return [...files, ...texts].map((paragraph) => `\n${paragraph}`).join('')
}
