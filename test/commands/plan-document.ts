import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { JSON_VERSION } from '../../src/commands/output.ts'
import { checkout } from '../checkout.ts'

export const schema = JSON.parse(readFileSync(join(checkout, 'schema/plan.schema.json'), 'utf8'))
const validate = new Ajv2020({ strict: true, strictRequired: false, allErrors: true }).compile(schema)

/** What is wrong with a document; '' where nothing is. */
export const faults = (document: unknown): string =>
  validate(JSON.parse(JSON.stringify(document))) ? '' : JSON.stringify(validate.errors)

export const document = (content: object): Record<string, unknown> => ({
  version: JSON_VERSION,
  command: 'plan',
  ...content,
})
