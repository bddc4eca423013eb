import { describeLifetime } from './lifetime.ts'

describeLifetime('trixie', ['portsentry@atcp', 'portsentry@audp'])
