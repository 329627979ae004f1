import { describeReadStoreContract } from '@holdfast/testing/read-store-contract'
import { describeWithPostgres } from '@holdfast/testing/postgres'
import { openOnNewSchema } from './testing/kit.ts'

describeWithPostgres('on a real server', (postgres) => {
  describeReadStoreContract('postgres', { open: () => openOnNewSchema(postgres().url) })
})
