import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { JSON_VERSION } from '../../src/commands/output.ts'
import { documentsOf, faults, schemaNames, schemaOf } from '../documents.ts'
import { readCommands } from '../packaging/command-line.ts'
import { scannedServer } from '../report/tree.ts'
import { copyOf, fixtures } from '../tree.ts'
import { blockedServer } from './blocked-server.ts'
import { portward } from './in-process.ts'

/** Those that print JSON: metrics have a format of their own. */
const commands = [...readCommands().keys()].filter((name) => name !== '' && name !== 'metrics')

it('has a schema for each command, and for nothing else', () => {
  expect(schemaNames.filter((name) => name !== 'common').sort()).toEqual([...commands].sort())
})

const sample = () => copyOf(join(fixtures, 'sample-server'))
const brokenSample = () => {
  const root = sample()
  writeFileSync(join(root, 'root/config.env'), 'LAN_IP=x\n')
  return root
}
const blocked = () =>
  blockedServer(['203.0.113.9', '2001:db8::9'], [], { 'etc/hosts.deny': 'ALL: 203.0.113.9 : DENY\n' })

/** What is run in which tree to see what a command prints, with the fields by which one can tell that it is the case. */
const PRINTED: readonly (readonly [args: string, tree: () => string, fields: readonly string[]])[] = [
  ['plan', sample, ['steps']],
  ['plan', brokenSample, ['problems']],
  ['apply --yes', sample, ['applied', 'checks']],
  ['apply --yes', brokenSample, ['applied', 'problems']],
  ['apply', sample, ['error']],
  ['verify', sample, ['passed']],
  ['verify', brokenSample, ['checks', 'problems']],
  ['status', sample, ['services']],
  ['status', brokenSample, ['health', 'problems']],
  ['bans', blocked, ['bans']],
  ['bans', brokenSample, ['bans']],
  ['unban 203.0.113.9 198.51.100.9', blocked, ['addresses']],
  ['explain 203.0.113.9', blocked, ['verdict']],
  ['explain 192.168.1.30', sample, ['verdict']],
  ['explain 2001:db8::9', sample, ['verdict']],
  ['report --since 40d', scannedServer, ['totals']],
  ['init', sample, ['missing']],
  ['init --defaults --yes --no-lan', sample, ['text']],
  [`detect --pcap ${join(fixtures, 'scan.pcap')}`, sample, ['event']],
  ['detect --pcap /nonexistent', sample, ['event', 'error']],
  ['explain-problem', sample, ['codes']],
]

/** These work on a running server only: test/e2e/repository.test.ts has what they print there. */
const SERVER_ONLY = ['ban', 'confirm', 'generations', 'refresh', 'rollback']

it.each(PRINTED)('%s prints what its schema says', async (args, tree, fields) => {
  const { stdout } = await portward('--root', tree(), ...args.split(' '), '--json')
  const documents = documentsOf(stdout)
  expect(documents).not.toEqual([])
  for (const document of documents) {
    expect(document).toMatchObject({ version: JSON_VERSION, command: args.split(' ', 1)[0] })
    for (const field of fields) expect(document).toHaveProperty(field)
    expect(faults({ ...document, more: 1 })).not.toBe('')
    expect(faults({ ...document, version: 2 })).not.toBe('')
  }
})

it('has such an example for each command', () => {
  const seen = PRINTED.map(([args]) => args.split(' ', 1)[0])
  expect([...new Set([...seen, ...SERVER_ONLY])].sort()).toEqual([...commands].sort())
})

it.each(commands)('%s: a failure is a document of its own', (command) => {
  const failure = { version: JSON_VERSION, command, error: { message: 'cannot read', hint: 'run as root' } }
  const printed = command === 'detect' ? { ...failure, event: 'error' } : failure
  expect(faults(printed)).toBe('')
  expect(faults({ ...printed, error: 'cannot read' })).not.toBe('')
})

interface Field {
  readonly $ref?: string
  readonly description?: string
}

/** Every field that a schema has, however deep, by its name. */
const fieldsOf = (schema: unknown, path: string): (readonly [name: string, field: Field, file: string])[] => {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) => {
    const own = key === 'properties' ? Object.entries<Field>(value) : []
    const named = own.map(([name, field]) => [`${path} ${name}`, field, path.split(' ', 1)[0] ?? ''] as const)
    return [...named, ...fieldsOf(value, key === 'properties' || key === '$defs' ? path : `${path} ${key}`)]
  })
}

/** What a reference leads to. */
const resolve = (reference: string, name: string): Field => {
  const [file = '', definition = ''] = reference.split('#/$defs/')
  return schemaOf(file === '' ? name : file.replace('.schema.json', '')).$defs[definition]
}

describe.each(schemaNames)('schema/%s.schema.json', (name) => {
  it('says what each field means', () => {
    const wordless = fieldsOf(schemaOf(name), name).filter(([, field]) => {
      // A narrower value of a field that is described elsewhere, such as `created: true`.
      if (Object.keys(field).join() === 'const' || typeof field !== 'object') return false
      const described = field.description ?? (field.$ref && resolve(field.$ref, name).description) ?? ''
      return !/^.+[.;]$/.test(described)
    })
    expect(wordless.map(([path]) => path)).toEqual([])
  })

  it('is draft 2020-12, with a title', () => {
    expect(schemaOf(name)).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: expect.stringContaining(name === 'common' ? 'portward' : `portward ${name} --json`),
    })
  })
})
