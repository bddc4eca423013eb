import { describeVerify } from './verify/checks.ts'

describeVerify('bookworm')
