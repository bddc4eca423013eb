import { describeVerify } from './verify/checks.ts'

describeVerify('trixie')
