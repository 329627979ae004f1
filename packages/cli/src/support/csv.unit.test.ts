import { expect, it } from 'vitest'
import { csvOf } from './csv.ts'

it('writes a column for each member, and quotes what has to be quoted', () => {
  const documents = [
    { tenant: 'a', id: '1', document: { name: 'plain', count: -2 } },
    { tenant: 'a', id: '2', document: { name: 'with "quotes", and\nlines', more: { nested: [1] } } },
    { tenant: 'b', id: '3', document: 7 },
    { tenant: 'b', id: '4', document: { name: '=SUM(A1)', count: null } },
  ]
  expect(csvOf(documents).split('\n')).toEqual([
    'tenant,id,name,count,more,document',
    'a,1,plain,-2,,',
    'a,2,"with ""quotes"", and',
    'lines",,"{""nested"":[1]}",',
    'b,3,,,,7',
    "b,4,'=SUM(A1),,,",
  ])
})
