import { describeVerify } from './verify/checks.ts'

describeVerify('testing')
