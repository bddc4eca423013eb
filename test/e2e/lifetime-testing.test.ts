import { describeLifetime } from './lifetime.ts'

describeLifetime('testing', ['portsentry'])
