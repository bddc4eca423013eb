import { JSON_VERSION } from '../../src/commands/output.ts'

/** A document of `plan --json`. */
export const document = (content: object): Record<string, unknown> => ({
  version: JSON_VERSION,
  command: 'plan',
  ...content,
})
