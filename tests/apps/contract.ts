import { defineApp } from '@holdfast/core'
import { failing, throwingOnce, undeclared, unrenderable } from './commands/faulty.ts'
import { gone, shortLived } from './commands/lifetime.ts'
import { cancelOrder, charge, placeOrder, putOrder } from './commands/orders.ts'
import { declaring, echo, empty, large, noted, putDocument, several } from './commands/shapes.ts'
import { hanging, slow, slowConflict } from './commands/slow.ts'

/** Orders and charges, and commands that only tests need. */
export const app = defineApp({
  name: 'contract',
  commands: [
    placeOrder,
    putOrder,
    cancelOrder,
    charge,
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
