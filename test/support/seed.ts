import { configureGlobal } from 'fast-check'

/** Properties try the same cases each time, so that a run says something of the change and not of its luck. Others: FC_SEED=…. */
configureGlobal({ seed: Number(process.env.FC_SEED ?? 20_260_302) })
