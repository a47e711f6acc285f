-- What somebody has to look at, the worst first.
SELECT level, code, amount, finding, remedy FROM amt.health
 ORDER BY array_position(ARRAY['problem', 'warning', 'note'], level), code, finding
