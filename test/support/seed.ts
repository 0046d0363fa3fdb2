import { configureGlobal } from 'fast-check'

/** Property tests try the same cases in each run, so that results are repeatable. FC_SEED chooses other cases. */
configureGlobal({ seed: Number(process.env.FC_SEED ?? 20_260_302) })
