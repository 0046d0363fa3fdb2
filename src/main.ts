/** The program, on Node 24: `src/main.ts COMMAND`. People start it by bin/yuyue.mjs, which finds that Node and sets the flags of V8. */
import './commandLine.ts'
