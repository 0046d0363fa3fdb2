-- Staff check in somebody who comes after the no-show was noted: the credit that it had cost comes back.
ALTER TABLE credit_ledger DROP CONSTRAINT credit_ledger_reason_check;
ALTER TABLE credit_ledger ADD CONSTRAINT credit_ledger_reason_check
  CHECK (reason IN ('no_show', 'no_show_undone', 'late_cancel', 'kept', 'adjustment'));
