import { describeLifetime } from './lifetime.ts'

describeLifetime('bookworm', ['portsentry'])
