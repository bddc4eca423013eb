import { expect, it } from 'vitest'
import { CHECK_TITLES } from '../../src/verify/check-codes.ts'

const codes = Object.keys(CHECK_TITLES)

it.each(codes)('%s is kebab-case', (code) => {
  expect(code).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
})

it('is in order, so that a code is found', () => {
  expect(codes).toEqual([...codes].sort())
})
