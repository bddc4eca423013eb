import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { checkout } from './checkout.ts'

const SUFFIX = '.schema.json'
const directory = join(checkout, 'schema')

/** The schemas by the names of their files, by which they refer to each other. */
const files = readdirSync(directory)
const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true, allowUnionTypes: true })
for (const file of files) ajv.addSchema(JSON.parse(readFileSync(join(directory, file), 'utf8')), file)

/** The names of all schemas: those of the commands, and `common`. */
export const schemaNames: readonly string[] = files.map((file) => file.slice(0, -SUFFIX.length))

// biome-ignore lint/suspicious/noExplicitAny: a schema may hold anything
export const schemaOf = (name: string): any => ajv.getSchema(`${name}${SUFFIX}`)?.schema

// biome-ignore lint/suspicious/noExplicitAny: the schema says what it is
type Document = any

/** What is wrong with a document by the schema of the command that it names; '' if nothing is. */
export const faults = (document: Document): string => {
  const validate = ajv.getSchema(`${document.command}${SUFFIX}`)
  if (validate === undefined) return `there is no schema/${document.command}${SUFFIX}`
  if (validate(JSON.parse(JSON.stringify(document)))) return ''
  return (validate.errors ?? [])
    .map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
    .join('\n')
}

/** What a command has printed with --json: one document, or one a line. */
const parse = (stdout: string): Document[] =>
  /^\{\n/.test(stdout)
    ? [JSON.parse(stdout)]
    : stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))

/** The documents that a command has printed with --json. Throws if one is not as its schema says. */
export const documentsOf = (stdout: string): Document[] => {
  const documents = parse(stdout)
  for (const document of documents) {
    const wrong = faults(document)
    if (wrong !== '')
      throw new Error(`portward ${document.command} --json is not as its schema says:\n${wrong}\n${stdout}`)
  }
  return documents
}

/** The only one of them. */
export const documentOf = (stdout: string): Document => {
  const [document, ...others] = documentsOf(stdout)
  if (document === undefined || others.length > 0) throw new Error(`not one document: ${stdout}`)
  return document
}
