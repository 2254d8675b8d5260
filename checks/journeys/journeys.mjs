// Journeys through the pages of `severn demo`.
//   node journeys.mjs SEVERN OUT [PART…]   PART is a file beside this one, without its end; all of them if none is named
import { ended } from './walk.mjs'

const PARTS = ['record', 'late', 'hazards', 'privacy', 'steward']
const wanted = process.argv.slice(4)
for (const part of wanted.length ? wanted : PARTS) await import(`./${part}.mjs`)
process.exit(await ended() ? 1 : 0)
