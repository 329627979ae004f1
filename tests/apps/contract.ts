import { defineApp } from '@holdfast/core'
import { app as orders } from '@holdfast/example-orders'
import { failing, throwingOnce, undeclared, unrenderable } from './commands/faulty.ts'
import { gone, shortLived } from './commands/lifetime.ts'
import { declaring, echo, empty, large, noted, putDocument, several } from './commands/shapes.ts'
import { hanging, slow, slowConflict } from './commands/slow.ts'

/** The example application, and commands that only tests need. */
export const app = defineApp({
  name: 'contract',
  commands: [
    ...orders.commands,
    slow,
    slowConflict,
    hanging,
    failing,
    throwingOnce,
    unrenderable,
    undeclared,
    shortLived,
    gone,
    echo,
    several,
    declaring,
    empty,
    large,
    noted,
    putDocument,
  ],
})
