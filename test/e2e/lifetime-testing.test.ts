import { it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { describeLifetime, expectEnd, expectNoTrace, NFT } from './lifetime.ts'

describeServers('one ban, one life, on testing', () => {
  const lifetime = describeLifetime('testing', ['portsentry'], [NFT])
  const { server, configure } = lifetime

  it('lets go everywhere at the end, bans the next scan, and for longer', async () => {
    await configure('BAN_BACKEND=nft\nBANTIME=10\n')
    await expectEnd(
      lifetime,
      '203.0.113.105',
      'nft list set inet portward banned',
      /203\.0\.113\.105 timeout /,
    )
  })

  it('is gone without a trace after a rollback', () => expectNoTrace(server()))
})
