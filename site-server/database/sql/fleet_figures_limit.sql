-- fleet_figures_limit: figures are not worth holding the loop for long; until the end of the transaction. They are
-- soon read, and compiling them takes longer.
SELECT set_config('statement_timeout', '2000', true), set_config('jit', 'off', true)
