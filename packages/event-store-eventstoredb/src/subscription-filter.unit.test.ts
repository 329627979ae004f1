import { expect, test } from 'vitest'
import { serverFilter } from './subscription-filter.ts'

test.each([
  { wanted: { prefix: 'command-', types: ['CommandAccepted'] }, filterOn: 'eventType', prefixes: ['CommandAccepted'] },
  { wanted: { prefix: '', types: ['CommandAccepted'] }, filterOn: 'eventType', prefixes: ['CommandAccepted'] },
  { wanted: { prefix: 'command-', types: [] }, filterOn: 'streamName', prefixes: ['command-'] },
  { wanted: { prefix: 'command-' }, filterOn: 'streamName', prefixes: ['command-'] },
])('the server filters $wanted by $filterOn', ({ wanted, filterOn, prefixes }) => {
  const filter = serverFilter(wanted, { maxSearchWindow: 100, onCheckpoint: () => undefined })
  expect(filter).toMatchObject({ filterOn, prefixes })
})
