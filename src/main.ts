/**
 * The program, on Node 24: `src/main.ts COMMAND`. People start it with bin/yuyue.mjs, which finds Node and sets V8's
 * flags.
 */
import './commandLine.ts'
