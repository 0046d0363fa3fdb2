/** Name of the job that sends campaigns. */
export const DELIVER_JOB = 'crm.deliver'
