-- fleet_figures_limit: figures are not worth holding the loop for long; until the end of the transaction.
SELECT set_config('statement_timeout', '2000', true)
